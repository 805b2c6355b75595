package external

import (
	"testing"

	"github.com/attnbench/attnbench/kernels/kerneltest"
)

func TestMinimal(t *testing.T) {
	kerneltest.Run(t, only(t, library(t, "example/minimal.c", "-march=native")))
}

func TestBlocked(t *testing.T) {
	kerneltest.Run(t, only(t, library(t, "example/blocked.c", "-O3", "-march=native", "-fopenmp")))
}
