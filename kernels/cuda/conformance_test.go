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
