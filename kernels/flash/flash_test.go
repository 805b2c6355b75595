package flash

import (
	"testing"

	"github.com/attnbench/attnbench/kernels"
	"github.com/attnbench/attnbench/kernels/kerneltest"
)

func TestConformance(t *testing.T) { kerneltest.Run(t, kernel{}) }

// Products of pairs of bfloat16 are code of their own.
func TestConformanceBFloat16(t *testing.T) {
	if testing.Short() {
		t.Skip("short")
	}
	kerneltest.RunAs(t, kernel{}, kernels.BFloat16)
	kerneltest.RunRestAs(t, kernel{}, kernels.BFloat16)
}
