package kerneltest

import (
	"math"
	"testing"

	"github.com/attnbench/attnbench/harness"
	"github.com/attnbench/attnbench/kernels"
)

// oracle visits every shape with every mask.
func (s suite) oracle(t *testing.T) {
	for _, shape := range shapes {
		for _, m := range masks(shape) {
			p := shape.problem(m)
			t.Run(caseName(p), func(t *testing.T) { s.check(t, p, operands(t, p, "normal"), 2) })
		}
	}
}

// families visits every family of inputs, among them logits of ±1e4 and
// denormals, full and causal, with an explicit scale too.
func (s suite) families(t *testing.T) {
	for _, family := range harness.InputNames() {
		for _, spec := range []string{"full", "causal", "window:20+sinks:2"} {
			for _, scale := range []float64{0, 0.3} {
				p := shape{1, 2, 1, 70, 150, 64}.problem(mustParse(spec, 150))
				p.Scale = scale
				t.Run("input="+family+"/"+caseName(p), func(t *testing.T) { s.check(t, p, operands(t, p, family), 2) })
			}
		}
	}
}

// nonFinite plants NaN and infinities where some queries see them and others
// do not: the first must show them as the oracle does, the second not at all.
func (s suite) nonFinite(t *testing.T) {
	inf := math.Inf(1)
	for _, plant := range []struct {
		name string
		into func(x *kernels.Tensors) *kernels.Tensor
		what float64
	}{
		{"nan-v", func(x *kernels.Tensors) *kernels.Tensor { return &x.V }, math.NaN()},
		{"nan-k", func(x *kernels.Tensors) *kernels.Tensor { return &x.K }, math.NaN()},
		{"inf-v", func(x *kernels.Tensors) *kernels.Tensor { return &x.V }, inf},
		{"-inf-v", func(x *kernels.Tensors) *kernels.Tensor { return &x.V }, -inf},
		{"inf-k", func(x *kernels.Tensors) *kernels.Tensor { return &x.K }, inf},
	} {
		for _, spec := range []string{"full", "causal", "window:10", "causal+blocks:16:1:3"} {
			p := shape{1, 2, 2, 90, 90, 24}.problem(mustParse(spec, 90))
			t.Run(plant.name+"/"+caseName(p), func(t *testing.T) {
				x := operands(t, p, "uniform")
				plant.into(&x).Row(0, 1, 41)[5] = float32(plant.what)
				s.check(t, p, x, 2)
			})
		}
	}
}
