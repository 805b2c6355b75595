package harness

import (
	"math"
	"testing"

	"github.com/attnbench/attnbench/kernels"
)

// rounder says that it rounds P; coarse evaluates for it.
type rounder struct{ kernels.Kernel }

func (rounder) RoundsWeights(kernels.Problem, kernels.Options) bool { return true }

// coarse is attention in float64 whose weights, as multiples of the greatest,
// are rounded to so many bits.
func coarse(p kernels.Problem, t *kernels.Tensors, bits int) {
	q, k, v, o := make([]float32, p.HeadDim), make([]float32, p.HeadDim), make([]float32, p.HeadDim), make([]float32, p.HeadDim)
	for h := range p.Heads {
		for i := range p.QLen {
			q = t.Q.ReadRow(q, 0, h, i)
			logits, top := make([]float64, p.KVLen), math.Inf(-1)
			for j := range logits {
				dot, _, _ := dots(q, t.K.ReadRow(k, 0, h, j))
				logits[j] = dot * p.EffectiveScale()
				top = math.Max(top, logits[j])
			}
			sum, acc := 0.0, make([]float64, p.HeadDim)
			for j, s := range logits {
				w := math.Exp(s - top)
				sum += w
				fraction, exponent := math.Frexp(w)
				w = math.Ldexp(math.RoundToEven(math.Ldexp(fraction, bits)), exponent-bits)
				for d, x := range t.V.ReadRow(v, 0, h, j) {
					acc[d] += w * float64(x)
				}
			}
			for d := range o {
				o[d] = float32(acc[d] / sum)
			}
			t.O.WriteRow(o, 0, h, i)
			t.LSE[h*p.QLen+i] = float32(top + math.Log(sum))
		}
	}
}

// TestRoundedWeights wants P rounded to 8 bits to pass for bfloat16 by the rule
// in the same precision and by no other, and P with 3 bits less to fail.
func TestRoundedWeights(t *testing.T) {
	for _, x := range []struct {
		dtype     kernels.DType
		own, less int
	}{{kernels.BFloat16, 8, 5}, {kernels.Float16, 11, 8}} {
		p := kernels.Problem{Batch: 1, Heads: 2, KVHeads: 2, QLen: 40, KVLen: 200, HeadDim: 32, DType: x.dtype, KVDType: x.dtype}
		tensors := kernels.NewTensors(p)
		in, err := LookupInput("normal", 3)
		if err != nil {
			t.Fatal(err)
		}
		if err := in.Fill(p, &tensors); err != nil {
			t.Fatal(err)
		}
		rounded, err := ReferenceFor(rounder{}, kernels.Options{}, p, &tensors, Sampling{})
		if err != nil {
			t.Fatal(err)
		}
		strict, err := NewReference(p, &tensors, Sampling{})
		if err != nil {
			t.Fatal(err)
		}
		coarse(p, &tensors, x.own)
		if v := rounded.Check(&tensors); !v.Pass() {
			t.Errorf("%v: P of %d bits: %v", x.dtype, x.own, v)
		}
		if v := strict.Check(&tensors); v.Pass() {
			t.Errorf("%v: P of %d bits passes by the rule of float32 weights: %v", x.dtype, x.own, v)
		}
		coarse(p, &tensors, x.less)
		if v := rounded.Check(&tensors); v.Pass() {
			t.Errorf("%v: P of %d bits: %v", x.dtype, x.less, v)
		}
	}
}
