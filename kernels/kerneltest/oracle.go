package kerneltest

import (
	"fmt"
	"math"
	"testing"

	"github.com/attnbench/attnbench/harness"
	"github.com/attnbench/attnbench/kernels"
)

// oracle visits every shape with every mask; in short mode, for processors
// that are emulated, every fourth shape.
func (s suite) oracle(t *testing.T) {
	for i, shape := range shapes {
		if testing.Short() && i%4 != 1 {
			continue
		}
		for _, m := range masks(shape) {
			p := s.problem(shape, m)
			t.Run(caseName(p), func(t *testing.T) { s.check(t, p, operands(t, p, "normal")) })
		}
	}
}

// families visits every family of inputs, among them logits of ±1e4 and
// denormals, full and causal, with an explicit scale too.
func (s suite) families(t *testing.T) {
	for _, family := range harness.InputNames() {
		for _, sh := range []shape{{1, 2, 1, 70, 150, 64}, {1, 3, 1, 2, 150, 40}} {
			for _, spec := range []string{"full", "causal", "window:20+sinks:2"} {
				for _, scale := range []float64{0, 0.3} {
					p := s.problem(sh, mustParse(spec, sh.kvLen))
					p.Scale = scale
					t.Run("input="+family+"/"+caseName(p), func(t *testing.T) { s.check(t, p, operands(t, p, family)) })
				}
			}
		}
	}
}

// features visits what shapes the scores: soft cap, distance biases, sink
// logits, alone and together.
func (s suite) features(t *testing.T) {
	for _, sh := range []shape{{1, 6, 2, 70, 150, 64}, {2, 3, 1, 1, 600, 40}, {1, 2, 2, 50, 20, 16}} {
		for _, spec := range []string{"full", "causal", "window:20+sinks:2", "causal+packed:15:60"} {
			for set := 1; set < 8; set++ {
				p := s.problem(sh, mustParse(spec, sh.kvLen))
				if p.Mask.Packing != nil {
					p.Mask.Packing.Q = splitLike(p.Mask.Packing.K, sh.qLen)
				}
				if set&1 != 0 {
					p.Softcap = 1.5
				}
				p.ALiBi, p.SinkLogits = set&2 != 0, set&4 != 0
				name := fmt.Sprintf("softcap=%v/alibi=%v/sinklogits=%v/%s", p.Softcap, p.ALiBi, p.SinkLogits, caseName(p))
				for _, family := range []string{"normal", "large"} {
					t.Run("input="+family+"/"+name, func(t *testing.T) { s.check(t, p, operands(t, p, family)) })
				}
			}
		}
	}
}

// storage visits the element types and page sizes that operands may have.
func (s suite) storage(t *testing.T) {
	for _, st := range []struct {
		dtype, kvDType kernels.DType
		page           int
	}{
		{kernels.Float32, kernels.Float16, 0}, {kernels.Float32, kernels.BFloat16, 0},
		{kernels.Float16, kernels.Float16, 0}, {kernels.BFloat16, kernels.BFloat16, 0},
		{kernels.Float32, kernels.Float32, 16}, {kernels.Float32, kernels.Float32, 64},
		{kernels.Float32, kernels.BFloat16, 16}, {kernels.Float16, kernels.Float16, 100},
		{kernels.Float32, kernels.Int8, 0}, {kernels.Float32, kernels.Int8, 16}, {kernels.BFloat16, kernels.Int8, 100},
	} {
		for _, sh := range []shape{{2, 4, 2, 70, 150, 64}, {1, 8, 1, 1, 700, 128}, {1, 2, 2, 33, 33, 15}} {
			for _, spec := range []string{"full", "causal", "window:20+sinks:2"} {
				p := sh.problem(mustParse(spec, sh.kvLen))
				p.DType, p.KVDType, p.PageSize = st.dtype, st.kvDType, st.page
				name := fmt.Sprintf("dtype=%v/kv=%v/page=%d/%s", st.dtype, st.kvDType, st.page, caseName(p))
				for _, family := range []string{"normal", "outliers"} {
					t.Run("input="+family+"/"+name, func(t *testing.T) { s.check(t, p, operands(t, p, family)) })
				}
			}
		}
	}
}

// pages visits page sizes around those of a panel and of a chunk.
func (s suite) pages(t *testing.T) {
	for _, page := range []int{1, 7, 16, 64, 100, 512} {
		for _, sh := range []shape{{2, 4, 2, 70, 150, 64}, {1, 2, 2, 20, 1100, 15}, {1, 5, 1, 1, 700, 128}} {
			for _, spec := range []string{"full", "causal", "window:20+sinks:3"} {
				p := s.problem(sh, mustParse(spec, sh.kvLen))
				p.PageSize = page
				t.Run(fmt.Sprintf("page=%d/%s", page, caseName(p)), func(t *testing.T) { s.check(t, p, operands(t, p, "normal")) })
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
			p := s.problem(shape{1, 2, 2, 90, 90, 24}, mustParse(spec, 90))
			t.Run(plant.name+"/"+caseName(p), func(t *testing.T) {
				x := operands(t, p, "uniform")
				into := plant.into(&x)
				row := append([]float32(nil), into.ReadRow(make([]float32, p.HeadDim), 0, 1, 41)...)
				row[5] = float32(plant.what)
				into.WriteRow(row, 0, 1, 41)
				s.check(t, p, x)
			})
		}
	}
}
