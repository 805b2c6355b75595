package naive

import (
	"testing"

	"github.com/attnbench/attnbench/kernels/kerneltest"
)

func TestConformance(t *testing.T) { kerneltest.Run(t, kernel{}) }
