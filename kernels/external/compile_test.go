package external

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// requireCC names the environment variable that makes a test fail, not skip, where
// there is no C compiler. CC says which one is taken, cc by default.
const requireCC = "ATTNBENCH_REQUIRE_CC"

// compiler returns the command of the C compiler, or skips the test.
func compiler(t testing.TB) []string {
	t.Helper()
	cc := strings.Fields(os.Getenv("CC"))
	if len(cc) == 0 {
		cc = []string{"cc"}
	}
	if _, err := exec.LookPath(cc[0]); err != nil {
		if os.Getenv(requireCC) != "" {
			t.Fatalf("%v, and %s wants it", err, requireCC)
		}
		t.Skipf("no C compiler: %v", err)
	}
	return cc
}

// library makes a shared library of a C file, or skips the test where none can be
// loaded.
func library(t testing.TB, source string, flags ...string) string {
	t.Helper()
	if _, err := open(""); errors.Is(err, errors.ErrUnsupported) {
		t.Skip(err)
	}
	cc := compiler(t)
	path := filepath.Join(t.TempDir(), "lib"+strings.TrimSuffix(filepath.Base(source), ".c")+".so")
	args := append(cc[1:], "-std=gnu11", "-O2", "-Wall", "-Wextra", "-Werror", "-I.", "-shared", "-fPIC", "-o", path, source)
	if out, err := exec.Command(cc[0], append(append(args, flags...), "-lm")...).CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", source, err, out)
	}
	return path
}

// only loads a library of one kernel.
func only(t testing.TB, path string) *kernel {
	t.Helper()
	l, err := Load(path, "")
	if err != nil {
		t.Fatal(err)
	}
	if len(l.Kernels) != 1 {
		t.Fatalf("%d kernels, want 1", len(l.Kernels))
	}
	return l.Kernels[0].(*kernel)
}
