package external

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/attnbench/attnbench/harness"
	"github.com/attnbench/attnbench/kernels"
)

// hostile makes a library that is wrong in one way.
func hostile(t *testing.T, how string) string {
	t.Helper()
	return library(t, "testdata/hostile.c", "-DHOW="+how, `-DLACKING="`+lacking()+`"`)
}

// lacking is an instruction set that this machine does not have.
func lacking() string {
	for _, isa := range kernels.ISAs() {
		if !isa.Available {
			return isa.Name
		}
	}
	return ""
}

// What can't be loaded is refused by what is wrong with it.
func TestLoadRefuses(t *testing.T) {
	for how, want := range map[string]string{
		"OTHER_VERSION":       "does not speak version 1",
		"NO_KERNELS":          "has no kernels",
		"NO_END":              "no NULL behind the last",
		"BAD_ADDRESS":         "can't be read",
		"SIZE_SMALL":          "structure of 16 bytes",
		"SIZE_LARGE":          "structure of 1048576 bytes",
		"LATER_FLAGS":         "zeros: flags 0xc",
		"NAME_NULL":           `name ""`,
		"NAME_EMPTY":          `name ""`,
		"NAME_SPACE":          `name "my kernel"`,
		"NAME_ENDLESS":        "longer than 40 bytes",
		"DESCRIPTION_ENDLESS": "zeros: description",
		"NO_PLAN":             "zeros: plan is NULL",
		"NO_BIND":             "zeros: bind is NULL",
		"NO_RUN":              "zeros: run is NULL",
		"NO_CLOSE":            "zeros: close is NULL",
	} {
		t.Run(how, func(t *testing.T) {
			wantError(t, loadError(hostile(t, how)), want)
		})
	}
	t.Run("NO_ENTRY", func(t *testing.T) {
		path := library(t, "testdata/hostile.c", "-DHOW=SOUND", "-DWITHOUT_ENTRY", `-DLACKING=""`, "-Wno-unused-function")
		wantError(t, loadError(path), "does not export attnbench_kernels")
	})
}

// Files that are no libraries need no compiler to be refused.
func TestLoadRefusesFiles(t *testing.T) {
	dir := t.TempDir()
	text := filepath.Join(dir, "text.so")
	if err := os.WriteFile(text, []byte("int main;\n"), 0o666); err != nil {
		t.Fatal(err)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	wantError(t, loadError(filepath.Join(dir, "none.so")), "no such file")
	wantError(t, loadError(dir), "is no regular file")
	wantError(t, loadError(text), "")
	wantError(t, loadError(self), "")
}

func TestLoadRefusesOtherMachine(t *testing.T) {
	path := library(t, "testdata/hostile.c", "-DHOW=SOUND", `-DLACKING=""`)
	image, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if string(image[:4]) != "\x7fELF" {
		t.Skip("libraries are no ELF files here")
	}
	const machine, s390 = 18, 22
	image[machine], image[machine+1] = s390, 0
	if err := os.WriteFile(path, image, 0o666); err != nil {
		t.Fatal(err)
	}
	wantError(t, loadError(path), "is for EM_S390")
}

func loadError(path string) error {
	_, err := Load(path, "")
	return err
}

func wantError(t *testing.T, err error, want string) {
	t.Helper()
	if err == nil || !strings.Contains(err.Error(), want) {
		t.Fatalf("got %v, want an error with %q", err, want)
	}
	if strings.ContainsAny(err.Error(), "\n\x1b") {
		t.Errorf("%q: want one line without control characters", err)
	}
}

var small = kernels.Problem{Batch: 1, Heads: 2, KVHeads: 1, QLen: 7, KVLen: 9, HeadDim: 8}

// What goes wrong in a call is the call's error, by kernel and library.
func TestCallsFail(t *testing.T) {
	for how, want := range map[string]string{
		"PLAN_REFUSES":       "zeros: no room",
		"PLAN_FAILS":         "zeros: plan of libhostile.so: out of order (code 2)",
		"PLAN_SILENT":        "no reason given (code -5)",
		"REASON_ENDLESS":     strings.Repeat("x", reasonSize),
		"REASON_RAW":         "two lines [31m ? (code 2)",
		"WORKSPACE_NEGATIVE": "workspace of -1 bytes",
		"ISA_SPACE":          `isa "avx 2"`,
		"ISA_LACKING":        "this machine lacks it",
		"BIND_FAILS":         "zeros: bind of libhostile.so: tied up",
		"RUN_FAILS":          "zeros: run of libhostile.so: stumbled",
		"FETCH_FAILS":        "zeros: fetch of libhostile.so: lost on the way",
	} {
		t.Run(how, func(t *testing.T) {
			if how == "ISA_LACKING" && lacking() == "" {
				t.Skip("this machine lacks nothing")
			}
			err := allCalls(only(t, hostile(t, how)))
			wantError(t, err, want)
			if errors.Is(err, errors.ErrUnsupported) != (how == "PLAN_REFUSES") {
				t.Errorf("%v: a skip and a failure are taken for each other", err)
			}
		})
	}
}

func allCalls(k *kernel) error {
	pl, err := k.Plan(small, kernels.Options{})
	if err != nil {
		return err
	}
	defer pl.Close()
	if err := pl.Bind(kernels.NewTensors(small)); err != nil {
		return err
	}
	if err := pl.Run(); err != nil {
		return err
	}
	return pl.Fetch()
}

// A thread whose rounding was changed is told from one that is sound. It ends with
// the test's goroutine.
func TestRoundingLeft(t *testing.T) {
	k := only(t, hostile(t, "ROUNDING_LEFT"))
	failed := make(chan error)
	go func() {
		runtime.LockOSThread()
		failed <- allCalls(k)
	}()
	if err := <-failed; !errors.Is(err, errMode) {
		t.Errorf("got %v, want %v", err, errMode)
	}
	if !modeIntact() {
		t.Error("this thread rounds otherwise now")
	}
}

// A library that was optimised with -ffast-math makes no other thread flush
// denormals.
func TestFastMath(t *testing.T) {
	if _, err := Load(library(t, "example/minimal.c", "-Ofast"), ""); err != nil {
		t.Fatal(err)
	}
	for range 100 {
		intact := make(chan bool)
		go func() {
			runtime.LockOSThread() // a thread of its own, which ends here
			intact <- modeIntact()
		}()
		if !<-intact {
			t.Fatal("a thread flushes denormals")
		}
	}
}

// The contract's corners, on a library that is sound but for its results.
func TestPlan(t *testing.T) {
	path := hostile(t, "SOUND")
	k := only(t, path)
	if want := "zeros and no more (libhostile.so sha256:"; !strings.HasPrefix(k.Describe(), want) {
		t.Errorf("description %q, want %q…", k.Describe(), want)
	}
	thirteen := small
	thirteen.QLen = 13
	if err := k.Supports(thirteen); !errors.Is(err, errors.ErrUnsupported) || err.Error() != "zeros: 13 brings bad luck" {
		t.Errorf("Supports of 13 queries: %v", err)
	}
	pl, err := k.Plan(small, kernels.Options{Threads: 1})
	if err != nil {
		t.Fatal(err)
	}
	if pl.ISA() != "generic" || pl.Workspace() != 100 {
		t.Errorf("isa %q, workspace %d, want generic and 100", pl.ISA(), pl.Workspace())
	}
	if _, ok := pl.(kernels.Timer); ok {
		t.Error("a kernel without elapsed has a clock")
	}
	for range 2 {
		if err := errors.Join(pl.Bind(kernels.NewTensors(small)), pl.Run(), pl.Fetch()); err != nil {
			t.Error(err)
		}
	}
	for range 2 {
		if err := pl.Close(); err != nil {
			t.Error(err)
		}
	}
	if pl.Run() == nil || pl.Bind(kernels.NewTensors(small)) == nil {
		t.Error("a closed plan can be used")
	}
	again, err := k.Plan(small, kernels.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	if again.Workspace() != 101 {
		t.Errorf("%d plans closed, want 1", again.Workspace()-100)
	}
}

func TestPrefix(t *testing.T) {
	l, err := Load(hostile(t, "SOUND"), "old")
	if err != nil {
		t.Fatal(err)
	}
	if name := l.Kernels[0].Name(); name != "old-zeros" {
		t.Errorf("name %q, want old-zeros", name)
	}
}

// A structure that ends before the optional functions has none of them, whatever
// lies behind it.
func TestOnlyRequired(t *testing.T) {
	k := only(t, hostile(t, "ONLY_REQUIRED"))
	if k.workspace != 0 || k.isa != 0 || k.elapsed != 0 || k.fetch != 0 {
		t.Errorf("what the size does not reach was read: %+v", k.table)
	}
	pl, err := k.Plan(small, kernels.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer pl.Close()
	want := unstated
	if best, _ := kernels.SelectISA(""); best != kernels.Generic {
		want = kernels.Float32ISA(best)
	}
	if pl.ISA() != want {
		t.Errorf("isa %q, want %q", pl.ISA(), want)
	}
}

func TestTimer(t *testing.T) {
	for how, want := range map[string]int64{"TIMED": 1234, "TIMELESS": 0} {
		pl, err := only(t, hostile(t, how)).Plan(small, kernels.Options{})
		if err != nil {
			t.Fatal(err)
		}
		defer pl.Close()
		if err := pl.Bind(kernels.NewTensors(small)); err != nil {
			t.Fatal(err)
		}
		d, err := pl.(kernels.Timer).Elapsed()
		if d.Nanoseconds() != want || errors.Is(err, errors.ErrUnsupported) != (how == "TIMELESS") {
			t.Errorf("%s: %v, %v", how, d, err)
		}
	}
}

func TestOmitsLSE(t *testing.T) {
	for how, want := range map[string]bool{"SOUND": false, "WITHOUT_LSE": true} {
		if got := harness.OmitsLSE(only(t, hostile(t, how))); got != want {
			t.Errorf("%s: omits lse: %v", how, got)
		}
	}
}

// What no peak was measured for is above no roof.
func TestOtherISA(t *testing.T) {
	pl, err := only(t, hostile(t, "ISA_OTHER")).Plan(small, kernels.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer pl.Close()
	if pl.ISA() != "vax" {
		t.Errorf("isa %q, want vax", pl.ISA())
	}
	peaks := harness.Peaks{Threads: 1, FLOPs: map[string]float64{"avx2": 1}}
	fast := harness.Result{ISA: pl.ISA(), Case: harness.Case{Problem: small, Input: harness.Inputs(1)[0]}, Samples: []harness.Sample{{Iterations: 1, Elapsed: 1}}}
	if err := peaks.CheckRoof(t.Context(), []harness.Result{fast}); err != nil {
		t.Error(err)
	}
	if _, ok := peaks.Share(pl.ISA(), 1); ok {
		t.Error("a share of a peak that was not measured")
	}
}
