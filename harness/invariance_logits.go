package harness

import (
	"fmt"
	"math"
	"math/rand/v2"

	"github.com/attnbench/attnbench/kernels"
)

const sharedScale = "keys that share a scale are rounded to others when one of them changes"

// checkKeyOrder computes full attention to the same keys in three orders:
// shuffled, with rising and with falling logits.
func checkKeyOrder(pr *prober) error {
	p := pr.c.Problem
	if p.Mask, p.ALiBi = (kernels.Mask{}), false; p.KVLen < 2 {
		return inapplicable("one key has one order")
	}
	if p.KVDType == kernels.Int8 {
		return inapplicable(sharedScale)
	}
	rising := kernels.NewTensors(p)
	fillRising(p, &rising)
	falling := reordered(p, &rising, func(j int) int { return p.KVLen - 1 - j })
	order := rand.New(rand.NewPCG(3, 5)).Perm(p.KVLen)
	shuffled := reordered(p, &rising, func(j int) int { return order[j] })
	want, err := pr.slackRun(p, &shuffled)
	if err != nil {
		return err
	}
	for _, x := range []struct {
		name string
		t    *kernels.Tensors
	}{{"rising", &rising}, {"falling", &falling}} {
		s, err := pr.slackRun(p, x.t)
		if err != nil {
			return err
		}
		if err := near("keys in order of "+x.name+" logits", p, x.t, &shuffled, 0, s.plus(want)); err != nil {
			return err
		}
	}
	return nil
}

// risingSpan is the difference between the first and the last logit of
// fillRising: far more than float32's exponentials span.
const risingSpan = 150

// fillRising makes the logits of every query rise about evenly along the keys.
func fillRising(p kernels.Problem, t *kernels.Tensors) {
	r := rand.New(rand.NewPCG(7, 11))
	lean := 1 / math.Sqrt(p.EffectiveScale()*float64(p.HeadDim))
	fillWith(&t.Q, func() float64 { return lean * (1 + r.NormFloat64()/16) })
	fillWith(&t.V, r.NormFloat64)
	buf := make([]float32, p.HeadDim)
	for b := range p.Batch {
		for h := range p.KVHeads {
			for j := range p.KVLen {
				logit := risingSpan * (float64(j)/float64(p.KVLen-1) - 0.5)
				for d := range buf {
					buf[d] = float32(lean * (logit + r.NormFloat64()/4))
				}
				t.K.WriteRow(buf, b, h, j)
			}
		}
	}
	for h := range t.SinkLogits {
		t.SinkLogits[h] = float32(r.NormFloat64())
	}
}

// reordered returns t with key and value from(j) in place of j.
func reordered(p kernels.Problem, t *kernels.Tensors, from func(j int) int) kernels.Tensors {
	out := kernels.NewTensors(p)
	out.Q, out.SinkLogits = t.Q, t.SinkLogits
	buf := make([]float32, p.HeadDim)
	for b := range p.Batch {
		for h := range p.KVHeads {
			for j := range p.KVLen {
				out.K.WriteRow(t.K.ReadRow(buf, b, h, from(j)), b, h, j)
				out.V.WriteRow(t.V.ReadRow(buf, b, h, from(j)), b, h, j)
			}
		}
	}
	return out
}

// checkShift adds a constant to all logits of every row: O stays and lse moves
// by it. The last channel carries it: 1 in Q, and in K 0 or the constant.
func checkShift(pr *prober) error {
	p := pr.c.Problem
	if p.Softcap != 0 || p.SinkLogits || p.HeadDim < 2 {
		return inapplicable("a soft cap or sink logits do not shift with the logits, and one channel has no room for a constant")
	}
	if p.KVDType == kernels.Int8 {
		return inapplicable(sharedScale)
	}
	base, err := pr.shifted(0)
	if err != nil {
		return err
	}
	want, err := pr.slackRun(p, &base)
	if err != nil {
		return err
	}
	for _, sign := range []float64{-1, 1} {
		c := math.Copysign(math.Exp2(math.Round(math.Log2(128/p.EffectiveScale()))), sign) // exact in every type
		t, err := pr.shifted(c)
		if err != nil {
			return err
		}
		s, err := pr.slackRun(p, &t)
		if err != nil {
			return err
		}
		shift := c * p.EffectiveScale()
		if err := near(fmt.Sprintf("all logits shifted by %.4g", shift), p, &t, &base, shift, s.plus(want)); err != nil {
			return err
		}
	}
	return nil
}

// shifted returns the case's operands with c in the last channel of K.
func (pr *prober) shifted(c float64) (kernels.Tensors, error) {
	p := pr.c.Problem
	t := kernels.NewTensors(p)
	if err := pr.c.Input.Fill(p, &t); err != nil {
		return t, err
	}
	fillRows(&t.Q, func(row []float32) { row[p.HeadDim-1] = 1 })
	fillRows(&t.K, func(row []float32) { row[p.HeadDim-1] = float32(c) })
	Poison(p, &t)
	return t, nil
}
