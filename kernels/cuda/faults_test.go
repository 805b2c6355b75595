//go:build cuda

package cuda

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/attnbench/attnbench/harness"
	"github.com/attnbench/attnbench/kernels"
)

// A fault is a bug planted in a kernel's source. The emulation is built with it,
// and the cases of TestFaultCases must fail on it for the reason that caught says.
type fault struct {
	name     string
	module   string // compiled and run
	file     string // that the bug is in, once
	old, new string
	caught   string // a pattern
}

const (
	race    = `race: |while a copy into it is under way|which nothing has written`
	tooSoon = `before the copy into it was waited for`
	bounds  = `outside of every allocation`
	product = `product of (shared word|warpgroup)`
	wrong   = `(FAILED|failed) .*(finite|range|rounding bound|max error|mean error)`
)

var faults = []fault{
	{"dropped barrier", "flash", "simt.cuh", "waitCopies<0>();\n\t\tbarrier();", "waitCopies<0>();", race},
	{"wrong wait count", "flash", "simt.cuh", "waitCopies<0>()", "waitCopies<1>()", tooSoon},
	{"buffer filled while in use", "flash", "simt.cuh", "(current ^ 1) * bufferFloats", "current * bufferFloats", race + "|" + tooSoon},
	{"no check of the last query", "flash", "simt.cuh", "const bool wanted = row < call.rows();", "const bool wanted = true;", bounds + "|" + wrong},
	{"no check of the last key", "flash", "attention.cuh", "const bool wanted = visible >> (j + first) & 1;", "const bool wanted = true;", bounds + "|" + wrong},
	{"row stored behind the last", "flash", "simt.cuh", "\t\tif (!real)\n\t\t\treturn false;\n", "", bounds + "|" + wrong},
	{"wrong key head", "flash", "attention.cuh", "(long long)bh * kvLen + tile.keys", "(long long)(bh ? bh - 1 : 0) * kvLen + tile.keys", wrong},
	{"wrong query head", "flash", "simt.cuh", "call.q + call.row(v.bh, wanted ? row : 0) * D", "call.q + call.row(v.bh, wanted ? row ^ 1 : 0) * D", wrong + "|" + bounds},
	{"mask off by one", "flash", "simt.cuh", "bits >> (tx + 16 * j) & 1", "bits >> (tx + 16 * j + 1) & 1", wrong},
	{"sums not rescaled", "flash", "flash.cu", "b.acc[i][c] *= old;", ";", wrong},
	{"maximum of half a row", "flash", "simt.cuh", "for (int lanes = 8; lanes > 0; lanes /= 2)\n\t\t\tm = ", "for (int lanes = 4; lanes > 0; lanes /= 2)\n\t\t\tm = ", wrong},
	{"last tile dropped", "flash", "flash.cu", "t < b.v.end; t++", "t + 1 < b.v.end; t++", wrong + "|copies under way"},
	{"lse to base 2", "flash", "attention.cuh", "mulAdd(origin(rowMax), ln2, logarithm(rowSum))", "mulAdd(origin(rowMax), 1, logarithm(rowSum) / ln2)", `lse`},
	{"rows not repaired", "flash", "simt.cuh", "if (theirs >> r % laneRows & 1)", "if (false)", wrong},
	{"parts merged without their weights", "flash", "merge.cu", "worth(load(record + D), rowMax)", "1.f", wrong},
	{"part of a split read twice", "flash", "attention.cuh", "v.end = v.first + call.splitTiles < v.end ? v.first + call.splitTiles : v.end;", "", wrong},
	{"parameter that the PTX has not", "flash", "attention.cuh", "int splitTiles, float scaleLog2)", "long long splitTiles, float scaleLog2)", `the parameters in the PTX are not those of the source`},

	{"dropped barrier", "flash_half", "flash_half.cu", "waitCopies<1>();\n\t\tbarrier();", "waitCopies<1>();", race},
	{"slot filled while in use", "flash_half", "flash_half.cu", "fill(before, kv, x);", "fill((before + 2) % halfSlots, kv, x);", race + "|" + tooSoon},
	{"wrong wait count", "flash_half", "flash_half.cu", "waitCopies<1>()", "waitCopies<2>()", tooSoon},
	{"swapped fragments of K", "flash_half", "flash_half.cu", "multiply(T{}, rows[m].s[2 * n], a[m], b[0], b[1]);", "multiply(T{}, rows[m].s[2 * n], a[m], b[1], b[0]);", wrong},
	{"missing .trans", "flash_half", "flash_half.cu", "loadMatricesT(b, values", "loadMatrices(b, values", wrong},
	{"swapped fragments of P", "flash_half", "rows.cuh", "p[i] = pack(T{}, s", "p[i ^ 1] = pack(T{}, s", wrong},
	{"halves of a pair swapped", "flash_half", "rows.cuh", "p[i] = pack(T{}, s[2 * step + i / 2][i % 2 * 2], s[2 * step + i / 2][i % 2 * 2 + 1]);", "p[i] = pack(T{}, s[2 * step + i / 2][i % 2 * 2 + 1], s[2 * step + i / 2][i % 2 * 2]);", wrong},
	{"misaligned rows", "flash_half", "flash_half.cu", "rowBytes = 2 * D,", "rowBytes = 2 * D + 8,", `not aligned`},
	{"mask of the wrong row", "flash_half", "rows.cuh", "first + lane / 4 + 8 * h);\n\t\t\tseen", "first + lane / 4);\n\t\t\tseen", wrong},
	{"sum of half the lanes", "flash_half", "rows.cuh", "for (int lanes = 1; lanes < 4; lanes *= 2)", "for (int lanes = 1; lanes < 2; lanes *= 2)", wrong + `|lse`},
	{"acc not rescaled", "flash_half", "rows.cuh", "acc[n][c] *= old[c / 2];", ";", wrong},

	{"no proxy fence", "flash_wgmma", "flash_wgmma.cu", "\t\tproxyFence();\n", "", `without a proxy fence`},
	{"K not awaited", "flash_wgmma", "flash_wgmma.cu", "awaitFull(2 * step);", "proxyFence();", product},
	{"V not awaited", "flash_wgmma", "flash_wgmma.cu", "awaitFull(2 * step + 1);", "", product},
	{"wrong phase", "flash_wgmma", "flash_wgmma.cu", "awaitPhase(full + n % slots * 8, n / slots % 2);", "awaitPhase(full + n % slots * 8, n / slots % 2 ^ 1);", product},
	{"K released too soon", "flash_wgmma", "flash_wgmma.cu", "awaitProducts<N>();\n\t\thold(s);\n\t\trelease(2 * step);", "release(2 * step);\n\t\tawaitProducts<N>();", product},
	{"V released too soon", "flash_wgmma", "flash_wgmma.cu", "awaitProducts<0>();\n\t\thold(acc);\n\t\thold(p);\n\t\trelease(2 * step + 1);", "release(2 * step + 1);\n\t\tawaitProducts<0>();", product},
	{"slot filled while in use", "flash_wgmma", "flash_wgmma.cu", "\t\tawaitPhase(empty + n % slots * 8, n / slots % 2 ^ 1);\n", "", product + "|" + race},
	{"arrivals miscounted", "flash_wgmma", "flash_wgmma.cu", "2 * groupThreads / 32);", "groupThreads / 32);", product + "|" + race},
	{"no barrier after making barriers", "flash_wgmma", "flash_wgmma.cu", "\t\t}\n\t\tbarrier();\n", "\t\t}\n", `before a barrier has shown it made`},
	{"copies under way at the end", "flash_wgmma", "flash_wgmma.cu", "\t\tcommitCopies();\n\t\twaitCopies<0>();\n", "", `ended with asynchronous copies under way`},
	{"no fence before products", "flash_wgmma", "flash_wgmma.cu", "fenceProducts();\n\t\tconst Descriptor q", "const Descriptor q", `without a fence before it`},
	{"S read before it is there", "flash_wgmma", "flash_wgmma.cu", "awaitScores<1>", "awaitScores<2>", wrong + "|" + product},
	{"acc rescaled before it is there", "flash_wgmma", "flash_wgmma.cu", "\t\t\t\tawaitValues(rows.acc, p, step - 1);\n\t\t\t\trows.rescale();", "\t\t\t\trows.rescale();\n\t\t\t\tawaitValues(rows.acc, p, step - 1);", wrong},
	{"rows of the other warpgroup", "flash_wgmma", "flash_wgmma.cu", "(group - 1) * groupRows * 128", "(2 - group) * groupRows * 128", wrong},
	{"short step along K", "flash_wgmma", "flash_wgmma.cu", "inside = i % 4 * 32", "inside = i % 4 * 16", wrong},
	{"short step along V", "flash_wgmma", "flash_wgmma.cu", "i * 2048", "i * 1024", wrong},
	{"K not swizzled", "flash_wgmma", "flash_wgmma.cu", "swizzled<128>(i * tileKeys + j + row, piece % 8 * 16)", "(i * tileKeys + j + row) * 128 + piece % 8 * 16", wrong},
	{"tile behind the last seen", "flash_wgmma", "flash_wgmma.cu", "Tile{0, noneVisible}", "Tile{0, allVisible}", wrong},
}

// faultCase is set in the process that runs on an emulation with a fault: the
// element type.
const faultCase = "ATTNBENCH_FAULT_CASE"

// TestFaultCases verifies cuda-flash on a few cases that see much. It is what
// TestFaults runs in processes of their own; by itself it runs on the device as
// it is.
func TestFaultCases(t *testing.T) {
	testDevice(t)
	dtype, err := kernels.ParseDType(os.Getenv(faultCase))
	if err != nil {
		dtype = kernels.Float32
	}
	k, err := kernels.Get("cuda-flash")
	if err != nil {
		t.Fatal(err)
	}
	for _, shape := range [][5]int{{2, 4, 2, 70, 150}, {1, 8, 2, 2, 600}, {1, 3, 1, 43, 390}} {
		for _, mask := range []string{"full", "causal", "window:40+sinks:3"} {
			for _, input := range []string{"normal", "nan"} {
				p := scheduleProblem(t, mask, shape[0], shape[1], shape[2], shape[3], shape[4])
				p.DType, p.KVDType = dtype, dtype
				in, err := harness.LookupInput(input, 1)
				if err != nil {
					t.Fatal(err)
				}
				v, err := harness.Verify(k, harness.Case{Problem: p, Input: in}, kernels.Options{}, harness.Sampling{})
				if err == nil {
					err = v.Err()
				}
				if err != nil {
					t.Fatalf("FAILED %v %v %s %s: %v", shape, dtype, mask, input, err)
				}
			}
		}
	}
}

// TestFaults builds the emulation with each fault and wants it caught, and the
// unchanged one to pass.
func TestFaults(t *testing.T) {
	if testDevice(t); testing.Short() {
		t.Skip("builds many emulations")
	}
	b := newFaultBuilder(t)
	for _, module := range []string{"flash", "flash_half", "flash_wgmma"} {
		t.Run(module+"/none", func(t *testing.T) {
			if out, err := b.run(t, fault{module: module, file: module + ".cu"}); err != nil {
				t.Errorf("%v\n%s", err, out)
			}
		})
	}
	for _, f := range faults {
		t.Run(f.module+"/"+f.name, func(t *testing.T) {
			t.Parallel()
			out, err := b.run(t, f)
			if err == nil {
				t.Fatalf("%s: nothing caught it", f.name)
			}
			if !regexp.MustCompile(f.caught).MatchString(out) {
				t.Errorf("%s: caught, but not by %q:\n%s", f.name, f.caught, out)
			}
		})
	}
}

// A faultBuilder builds emulations from changed sources.
type faultBuilder struct {
	dir   string
	flags []string
}

// newFaultBuilder compiles the machine, which has no faults.
func newFaultBuilder(t *testing.T) *faultBuilder {
	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	emulation := filepath.Join(here, "emulation")
	b := &faultBuilder{dir: t.TempDir(), flags: []string{
		"-std=c++17", "-O1", "-march=native", "-ffp-contract=off", "-fPIC", "-fvisibility=hidden",
		"-DATTNBENCH_EMULATION", "-I" + emulation, "-I" + filepath.Join(here, "driver"),
	}}
	files, err := filepath.Glob(filepath.Join(emulation, "*.cc"))
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, file := range files {
		b.compile(t, "-c", file, "-o", filepath.Join(b.dir, filepath.Base(file)+".o"))
	}
	return b
}

func (b *faultBuilder) compile(t *testing.T, args ...string) {
	t.Helper()
	cmd := exec.Command("g++", append(b.flags, args...)...)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %v\n%s", cmd, err, out)
	}
}

// otherWidths are the definitions of kernels that the cases do not use.
var otherWidths = regexp.MustCompile(`(?m)^(ATTENTION|MERGES|FLASH)\(.*\b\w*(32|96|128|256)[,)].*\n`)

// run returns what the cases print on an emulation with f, and whether they
// failed.
func (b *faultBuilder) run(t *testing.T, f fault) (string, error) {
	dir := t.TempDir()
	for _, file := range sources(t) {
		text, err := os.ReadFile(filepath.Join("src", file))
		if err != nil {
			t.Fatal(err)
		}
		changed := string(text)
		if file == f.file && f.old != "" {
			if n := strings.Count(changed, f.old); n != 1 {
				t.Fatalf("%s has %d times %q: the fault needs one", file, n, f.old)
			}
			changed = strings.Replace(changed, f.old, f.new, 1)
		}
		if strings.HasSuffix(file, ".cu") {
			changed = otherWidths.ReplaceAllString(changed, "")
		}
		if err := os.WriteFile(filepath.Join(dir, file), []byte(changed), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	lib := filepath.Join(dir, "libcuda.so.1")
	link, _ := filepath.Glob(filepath.Join(b.dir, "*.o")) // the machine
	for _, module := range []string{f.module, "merge"} {
		object := filepath.Join(dir, module+".o")
		b.compile(t, "-x", "c++", "-c", filepath.Join(dir, module+".cu"), "-o", object)
		link = append(link, object)
	}
	b.compile(t, append([]string{"-shared", "-Wl,-soname,libcuda.so.1", "-o", lib}, link...)...)
	return runFaultCases(t, f.module, lib)
}

func sources(t *testing.T) []string {
	entries, err := os.ReadDir("src")
	if err != nil {
		t.Fatal(err)
	}
	var list []string
	for _, e := range entries {
		list = append(list, e.Name())
	}
	return list
}

// runFaultCases runs this test binary again, for a driver is loaded only once.
func runFaultCases(t *testing.T, module, lib string) (string, error) {
	t.Helper()
	dtype, capability := kernels.BFloat16, 80
	switch module {
	case "flash":
		dtype = kernels.Float32
	case "flash_wgmma":
		capability = 90
	}
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(exe, "-test.run=^TestFaultCases$")
	cmd.Env = append(os.Environ(), "ATTNBENCH_LIBCUDA="+lib, fmt.Sprintf("%s=%v", faultCase, dtype),
		fmt.Sprintf("ATTNBENCH_EMULATION_CAPABILITY=%d", capability))
	out, err := cmd.CombinedOutput()
	return string(out), err
}
