# What `go build` alone does not do: the CUDA side. See docs/gpu.md.
#
#   make cuda         the attnbench binary with the CUDA kernels: gcc, no file of NVIDIA's
#   make ptx          compile kernels/cuda/src to the PTX that the binary embeds: clang-19
#   make check-ptx    fail where the committed PTX is not what the sources compile to
#   make ptxas        assemble the PTX and print registers and spills: NVIDIA's ptxas
#   make emulation    the libcuda.so.1 that runs the kernels on the CPU, for tests: g++
#   make test-cuda    the conformance suite on it

CUDA  := kernels/cuda
OUT   := build/cuda
CLANG ?= clang-19
PTXAS ?= ptxas
GO    ?= go

PLAIN   := naive tiled flash flash_half merge peaks
HOPPER  := flash_wgmma peaks_wgmma
MODULES := $(PLAIN) $(HOPPER)
PTX     := $(MODULES:%=$(CUDA)/ptx/%.ptx)
HEADERS := $(wildcard $(CUDA)/src/*.cuh)

.PHONY: cuda ptx check-ptx ptxas driver emulation test-cuda clean

# PTX ISA 7.0 for sm_80: every driver since CUDA 11.0 compiles it for its device.
# What is for compute capability 9.0 alone is 8.0 for sm_90a, of CUDA 12.0.
TARGET = $(if $(filter $*,$(HOPPER)),sm_90a +ptx80,sm_80 +ptx70)
PTXFLAGS = -x cuda --cuda-device-only --cuda-gpu-arch=$(word 1,$(TARGET)) -nocudainc -nocudalib \
	-Xclang -target-feature -Xclang $(word 2,$(TARGET)) -std=c++17 -O3 -Wall -Wno-unknown-cuda-version

# Comments would double the diffs.
COMPILE_PTX = $(CLANG) $(PTXFLAGS) -S $< -o - | sed '/^[[:space:]]*\/\//d; s/[[:space:]]*\/\/.*//' > $@.tmp && mv $@.tmp $@

ptx: $(PTX)

$(CUDA)/ptx/%.ptx: $(CUDA)/src/%.cu $(HEADERS)
	$(COMPILE_PTX)

check-ptx: $(MODULES:%=$(OUT)/ptx/%.ptx)
	@for m in $(MODULES); do cmp $(OUT)/ptx/$$m.ptx $(CUDA)/ptx/$$m.ptx || exit 1; done
	@echo "ptx: up to date"

$(OUT)/ptx/%.ptx: $(CUDA)/src/%.cu $(HEADERS)
	@mkdir -p $(@D)
	$(COMPILE_PTX)

# More stack than a few spilled registers would be an array that did not fit them; a
# potential loss is products of warpgroups that do not overlap.
ptxas:
	@for x in $(PLAIN:%=sm_80/%) $(PLAIN:%=sm_90/%) $(HOPPER:%=sm_90a/%); do arch=$${x%/*} m=$${x#*/}; \
		$(PTXAS) -v -arch=$$arch $(CUDA)/ptx/$$m.ptx -o /dev/null 2>&1 | \
		awk -v arch=$$arch '/Compiling entry/ { split($$0, q, "\047"); name = q[2] } \
			/stack frame/ { stack = $$1; stores = $$5; loads = $$9 } \
			/Used/ { match($$0, /Used [0-9]+/); printf "%s %-20s %3d registers, %d stack, %d + %d spilled\n", arch, name, \
				substr($$0, RSTART + 5, RLENGTH - 5), stack, stores, loads; bad += stack > 96 } \
			/error|fatal|Potential/ { print; bad++ } END { exit bad > 0 }' || exit 1; done

# The tagged binary. gorgonia.org/cu links libcuda and includes cuda.h; ours are
# found first.
CUDA_ENV := CGO_ENABLED=1 CGO_CFLAGS="-O2 -g -I$(CURDIR)/$(CUDA)/driver" CGO_LDFLAGS="-L$(CURDIR)/$(OUT)"

driver: $(OUT)/libcuda.a

$(OUT)/libcuda.a: $(CUDA)/driver/libcuda.c $(CUDA)/driver/symbols.h $(CUDA)/driver/cuda.h
	@mkdir -p $(OUT)
	$(CC) -std=c11 -O2 -Wall -Wextra -fPIC -c $< -o $(OUT)/libcuda.o
	ar rcs $@ $(OUT)/libcuda.o

cuda: driver
	$(CUDA_ENV) $(GO) build -tags cuda -o $(OUT)/attnbench ./cmd/attnbench

# The emulation. It runs where it is built.
EMULATION_FLAGS := -std=c++17 -O2 -march=native -ffp-contract=off -fPIC -fvisibility=hidden -Wall -Wextra \
	-Wno-unused-parameter -Wno-unused-function -DATTNBENCH_EMULATION -I$(CUDA)/emulation -I$(CUDA)/driver
EMULATION := $(wildcard $(CUDA)/emulation/*.cc)
OBJECTS   := $(EMULATION:$(CUDA)/emulation/%.cc=$(OUT)/emulation/%.o) $(MODULES:%=$(OUT)/emulation/%.o)

emulation: $(OUT)/libcuda.so.1

$(OUT)/libcuda.so.1: $(OBJECTS)
	$(CXX) -shared -Wl,-soname,libcuda.so.1 -o $@ $^

$(OUT)/emulation/%.o: $(CUDA)/emulation/%.cc $(wildcard $(CUDA)/emulation/*.h)
	@mkdir -p $(@D)
	$(CXX) $(EMULATION_FLAGS) -c $< -o $@

$(OUT)/emulation/%.o: $(CUDA)/src/%.cu $(HEADERS) $(wildcard $(CUDA)/emulation/*.h)
	@mkdir -p $(@D)
	$(CXX) $(EMULATION_FLAGS) -x c++ -c $< -o $@

test-cuda: driver emulation
	$(CUDA_ENV) ATTNBENCH_LIBCUDA=$(CURDIR)/$(OUT)/libcuda.so.1 ATTNBENCH_REQUIRE_ISA=device \
		$(GO) test -tags cuda ./$(CUDA)/...

clean:
	rm -rf build
