package harness

import (
	"math"

	"github.com/attnbench/attnbench/kernels"
)

const (
	unit     = 0x1p-24  // unit roundoff of float32
	smallest = 0x1p-149 // smallest positive float32

	// flushed bounds a weight that a kernel may take for 0: exponentials are
	// cut off near the end of float32's range, some a little before it.
	flushed = 0x1p-120

	// exponentUlps bounds the relative error of a kernel's exponential.
	exponentUlps = 8
)

// gamma is γ_k = k·u/(1−k·u), the bound of k roundings in a row (Higham,
// Accuracy and Stability of Numerical Algorithms, lemma 3.1).
func gamma(k int) float64 {
	x := float64(k) * unit
	return x / (1 - x)
}

// spread is how a row's output answers to its rounding errors. A and G are
// what the logits are rounded on; see evaluator.
type spread struct {
	scale  []float64 // Σ P|V|: what the weighted sum is rounded on
	plain  []float64 // Σ P|V−O|: the answer to one relative error in every P
	logits []float64 // Σ P·A|V−O|: to one in every logit
	grain  []float64 // Σ P·G|V−O|
	random []float64 // Σ (P·G|V−O|)²: the square of that if the errors are independent
	values []float64 // max |V|

	absDot    float64 // max A
	meanGrain float64 // Σ P·G
	keys      float64 // 1/Σ P²: how many keys share the weight
}

func (e *evaluator) measureSpread(head int) spread {
	n := e.p.HeadDim
	s := spread{
		scale: make([]float64, n), plain: make([]float64, n), logits: make([]float64, n),
		grain: make([]float64, n), random: make([]float64, n), values: make([]float64, n),
	}
	squares := 0.0
	for at, j := range e.keys {
		p, a, g := e.weights[at], e.absDots[at], e.grains[at]
		if p == 0 && math.IsInf(a, 1) {
			continue // a logit of −Inf
		}
		s.absDot = math.Max(s.absDot, a)
		squares += p * p
		s.meanGrain += p * g
		for d, v := range e.value(head, j) {
			s.add(d, math.Abs(float64(v)), math.Abs(float64(v)-e.row.want[d]), p, a, g)
		}
	}
	if e.p.SinkLogits {
		e.addSink(&s)
	}
	s.keys = math.Min(1/squares, float64(len(e.keys))) // a sink logit may leave them nothing
	return s
}

// add takes up one value, its distance off the output and its key's weight.
func (s *spread) add(d int, value, off, p, a, g float64) {
	off *= p
	s.scale[d] += p * value
	s.plain[d] += off
	s.logits[d] += a * off
	s.grain[d] += g * off
	s.random[d] += g * off * g * off
	s.values[d] = math.Max(s.values[d], value)
}

// addSink takes the sink logit for what it is: a key whose value is 0.
func (e *evaluator) addSink(s *spread) {
	left, logit := 1.0, math.Abs(float64(e.t.SinkLogits[e.row.head]))
	for _, p := range e.weights {
		left -= p
	}
	s.absDot = math.Max(s.absDot, logit)
	for d, want := range e.row.want {
		s.add(d, 0, math.Abs(want), left, logit, logit)
	}
}

// setBounds bounds the error of any float32 evaluation, in whatever order it
// sums, online softmax included. With headDim D, n visible keys and A as in
// spread, to first order:
//
//	logits    γ_{D+12}·A: D products and sums, the scale, a scale folded into Q, log2(e),
//	          a soft cap (two divisions and a tanh; its slope is at most 1), a bias
//	arguments 4u·(A + max A): s − max, rounded once or folded into a product, and
//	          the arguments of all rescalings, whose sum telescopes
//	exp       exponentUlps·u
//	sums      γ_{2n+8}: n terms, and the rescaling of tiles of 8 keys or more
//
// The factor 2 covers the second order while the relative error of a weight
// stays below 1/4; above that the output may be any mixture of the values.
//
// An output that is stored as a half is rounded once more.
func (r *row) setBounds(s spread, n int, p kernels.Problem) {
	perLogit := gamma(p.HeadDim+12) + 4*unit
	perKey := 4*unit*s.absDot + exponentUlps*unit
	worst := perLogit*s.absDot + perKey
	sums := gamma(2*n + 8)
	r.bound = make([]float64, len(r.want))
	for d, want := range r.want {
		tiny := float64(n+2)*smallest + float64(n)*flushed*s.values[d]
		mixture := (s.values[d]+math.Abs(want))*(1+sums) + tiny
		first := perLogit*s.logits[d] + perKey*s.plain[d] + sums*(s.scale[d]+math.Abs(want))
		r.bound[d] = mixture
		if worst < 0.25 {
			r.bound[d] = math.Min(mixture, 2*first+tiny)
		}
		r.bound[d] += storage(p.DType, math.Abs(want)+r.bound[d])
	}
	r.boundLSE = worst + 2*sums + 8*unit*(math.Abs(r.wantLSE)+s.absDot) + float64(n)*flushed
}

// storage bounds the error of rounding a magnitude up to x to an element type.
func storage(t kernels.DType, x float64) float64 {
	switch t {
	case kernels.Float16:
		return math.Max(x*0x1p-11, 0x1p-25)
	case kernels.BFloat16:
		return math.Max(x*0x1p-8, 0x1p-134)
	}
	return 0
}
