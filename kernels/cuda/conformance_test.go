//go:build cuda

package cuda

import (
	"strings"
	"testing"

	"github.com/attnbench/attnbench/kernels"
	"github.com/attnbench/attnbench/kernels/kerneltest"
)

func TestConformance(t *testing.T) {
	for _, k := range kernels.All() {
		if strings.HasPrefix(k.Name(), "cuda-") {
			t.Run(k.Name(), func(t *testing.T) { kerneltest.Run(t, k) })
		}
	}
}

// TestHalves is the suite on tensor cores.
func TestHalves(t *testing.T) {
	k, err := kernels.Get("cuda-flash")
	if err != nil {
		t.Fatal(err)
	}
	for _, dtype := range []kernels.DType{kernels.BFloat16, kernels.Float16} {
		t.Run(dtype.String(), func(t *testing.T) { kerneltest.RunAs(t, k, dtype) })
	}
}
