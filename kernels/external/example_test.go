package external

import (
	"runtime"
	"testing"

	"github.com/attnbench/attnbench/kernels/kerneltest"
)

func TestMinimal(t *testing.T) {
	kerneltest.Run(t, only(t, library(t, "example/minimal.c", native()...)))
}

func TestBlocked(t *testing.T) {
	kerneltest.Run(t, only(t, library(t, "example/blocked.c", append(native(), "-O3", "-fopenmp")...)))
}

// native lets the compiler use what the machine has. A cross compiler does not
// know it.
func native() []string {
	if runtime.GOARCH == "amd64" {
		return []string{"-march=native"}
	}
	return nil
}
