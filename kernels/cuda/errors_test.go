//go:build cuda

package cuda

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"

	"gorgonia.org/cu"

	"github.com/attnbench/attnbench/kernels"
)

// errorCase is set in the process of an error case.
const errorCase = "ATTNBENCH_ERROR_CASE"

// TestErrorCase prints what comes of one call of cuda-flash, in the process that
// TestErrors starts with a driver that fails.
func TestErrorCase(t *testing.T) {
	if os.Getenv(errorCase) == "" {
		t.Skip("run by TestErrors")
	}
	k, err := kernels.Get("cuda-flash")
	if err != nil {
		t.Fatal(err)
	}
	p := scheduleProblem(t, "causal", 1, 2, 1, 70, 1000)
	err = k.Supports(p)
	if err == nil {
		err = runOnce(k, p)
	}
	fmt.Printf("error: %v; unsupported: %v\n", err, errors.Is(err, errors.ErrUnsupported))
}

func runOnce(k kernels.Kernel, p kernels.Problem) error {
	pl, err := k.Plan(p, kernels.Options{})
	if err != nil {
		return err
	}
	for _, step := range []func() error{func() error { return pl.Bind(kernels.NewTensors(p)) }, pl.Run, pl.Fetch} {
		if err := step(); err != nil {
			return errors.Join(err, pl.Close())
		}
	}
	return pl.Close()
}

// TestErrors wants one clear error each, with the driver's name for it; those
// that say that there is no such device or memory wrap errors.ErrUnsupported.
func TestErrors(t *testing.T) {
	if d := testDevice(t); !d.emulated {
		t.Skip("the errors are the emulation's")
	}
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for _, x := range []struct{ name, env, want, unsupported string }{
		{"no library", "ATTNBENCH_LIBCUDA=/nowhere/libcuda.so.1", "cuda-flash: unavailable: no driver library: /nowhere/libcuda.so.1: cannot open", "true"},
		{"no library of a driver", "ATTNBENCH_LIBCUDA=libc.so.6", "no driver library: it exports no cuInit", "true"},
		{"no device", "ATTNBENCH_EMULATION_FAIL=cuInit=100", "unavailable: cuInit: CUDA_ERROR_NO_DEVICE (100): no CUDA-capable device", "true"},
		{"mismatch", "ATTNBENCH_EMULATION_FAIL=cuInit=803", "cuInit: CUDA_ERROR_SYSTEM_DRIVER_MISMATCH (803)", "true"},
		{"other device", "ATTNBENCH_CUDA_DEVICE=3", "no device 3: the driver shows 1", "true"},
		{"old device", "ATTNBENCH_EMULATION_CAPABILITY=75", "compute capability 7.5: at least 8.0", "true"},
		{"old driver", "ATTNBENCH_EMULATION_DRIVER=10020", "the driver is of CUDA 10.2: at least 11.0", "true"},
		{"no context", "ATTNBENCH_EMULATION_FAIL=cuCtxCreate=2", "make context: CUDA_ERROR_OUT_OF_MEMORY: out of memory", "true"},
		{"no memory", "ATTNBENCH_EMULATION_FAIL=cuMemcpyHtoD=2", "CUDA_ERROR_OUT_OF_MEMORY", "false"},
		{"module", "ATTNBENCH_EMULATION_FAIL=cuModuleLoadData=222", "load flash.ptx: CUDA_ERROR_UNSUPPORTED_PTX_VERSION", "false"},
		{"shared memory", "ATTNBENCH_EMULATION_FAIL=cuFuncSetAttribute=1", "bytes of shared memory: CUDA_ERROR_INVALID_VALUE", "false"},
		{"launch", "ATTNBENCH_EMULATION_FAIL=cuLaunchKernel=701", "launch flash_f32_d64: CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES", "false"},
		{"run", "ATTNBENCH_EMULATION_FAIL=cuCtxSynchronize=719", "run: CUDA_ERROR_LAUNCH_FAILED: unspecified launch failure", "false"},
		{"upload", "ATTNBENCH_EMULATION_FAIL=cuMemcpyHtoD=1", "upload the mask's row tiles: CUDA_ERROR_INVALID_VALUE", "false"},
		{"download", "ATTNBENCH_EMULATION_FAIL=cuMemcpyDtoH=700", "download O: CUDA_ERROR_ILLEGAL_ADDRESS", "false"},
		{"code without a name", "ATTNBENCH_EMULATION_FAIL=cuLaunchKernel=12345", "launch flash_f32_d64: CUDA error 12345", "false"},
	} {
		t.Run(x.name, func(t *testing.T) {
			cmd := exec.Command(exe, "-test.run=^TestErrorCase$")
			cmd.Env = append(os.Environ(), errorCase+"=1", x.env)
			out, err := cmd.CombinedOutput()
			if text := string(out); err != nil || !strings.Contains(text, x.want) || !strings.Contains(text, "unsupported: "+x.unsupported) {
				t.Errorf("%s: %v, want %q, unsupported %s:\n%s", x.env, err, x.want, x.unsupported, text)
			}
		})
	}
}

// freeMemory returns the device's free bytes.
func freeMemory(t *testing.T, d *device) int64 {
	t.Helper()
	if err := d.enter(); err != nil {
		t.Fatal(err)
	}
	defer d.leave()
	free, _, err := cu.MemInfo()
	if err != nil {
		t.Fatal(err)
	}
	return free
}

// TestRelease wants the memory of a closed plan back, and that of one that could
// not be made.
func TestRelease(t *testing.T) {
	d := testDevice(t)
	k, err := kernels.Get("cuda-naive")
	if err != nil {
		t.Fatal(err)
	}
	small, large := scheduleProblem(t, "full", 1, 1, 1, 10, 10), scheduleProblem(t, "full", 1, 1, 1, 1<<19, 1<<19)
	if err := runOnce(k, small); err != nil { // loads the module, which stays
		t.Fatal(err)
	}
	before := freeMemory(t, d)
	if err := runOnce(k, small); err != nil {
		t.Fatal(err)
	}
	if free := freeMemory(t, d); free != before {
		t.Errorf("%d bytes free after a plan was closed, %d before", free, before)
	}
	_, err = k.Plan(large, kernels.Options{}) // a tebibyte of scores
	if !errors.Is(err, errors.ErrUnsupported) || !strings.Contains(err.Error(), "CUDA_ERROR_OUT_OF_MEMORY") || !strings.Contains(err.Error(), "are free") {
		t.Errorf("a plan of 1 TiB: %v", err)
	}
	if free := freeMemory(t, d); free != before {
		t.Errorf("%d bytes free after a plan failed, %d before", free, before)
	}
}

// TestLaunchChecks wants what a launch gets wrong to be refused.
func TestLaunchChecks(t *testing.T) {
	d := testDevice(t)
	if err := d.enter(); err != nil {
		t.Fatal(err)
	}
	defer d.leave()
	l := func(args ...any) error {
		_, err := newLaunch(d, "peaks", "peak_fma", [3]int{1, 1, 1}, 256, 0, args...)
		return err
	}
	for want, err := range map[string]error{
		"1 arguments: the PTX has 2": l(cu.DevicePtr(0)),
		"argument 1":                 l(cu.DevicePtr(0), float32(1)),
		"does not fit 32 bits":       l(cu.DevicePtr(0), 1<<40),
		"no kernel takes it":         l(cu.DevicePtr(0), "x"),
	} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
	good, err := newLaunch(d, "peaks", "peak_fma", [3]int{1, 1, 1}, 256, 0, cu.DevicePtr(0), 1)
	if err != nil {
		t.Fatal(err)
	}
	for what, change := range map[string]func(l *launch){
		"threads":       func(l *launch) { l.block = 512 },
		"shared memory": func(l *launch) { l.shared = plainShared + 1 },
		"grid":          func(l *launch) { l.grid[1] = maxGridYZ + 1 },
	} {
		bad := *good
		change(&bad)
		if err := bad.run(); err == nil || !strings.Contains(err.Error(), "CUDA_ERROR_INVALID_VALUE") {
			t.Errorf("too much %s: %v", what, err)
		}
	}
	if _, err := d.function("peaks", "peak_fma2", 1<<20); !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("a MiB of shared memory: %v", err)
	}
}
