package harness

import (
	"math"

	"github.com/attnbench/attnbench/kernels"
)

// yardstick evaluates the row as a textbook does, in float32 and in order of
// the keys. Its errors are what a careful but unambitious program makes.
//
// Note: every product is converted to float32 before it is added, for without
// that the compiler may fuse the two on some architectures, and the yardstick
// would depend on the machine.
func (e *evaluator) yardstick(q []float32, head int) {
	r, scale, limit := &e.row, float32(e.p.EffectiveScale()), float32(e.p.Softcap)
	slope, pos := float32(e.slope()), e.p.Position(e.row.query)
	e.plain = e.plain[:0]
	maximum := float32(math.Inf(-1))
	for _, j := range e.keys {
		var dot float32
		for i, k := range e.key(head, j) {
			dot += float32(q[i] * k)
		}
		dot *= scale
		if limit != 0 {
			dot = limit * float32(math.Tanh(float64(dot/limit)))
		}
		if e.p.ALiBi {
			dot -= float32(slope * float32(max(pos-j, j-pos)))
		}
		e.plain = append(e.plain, dot)
		maximum = max(maximum, dot) // NaN wins
	}
	var sum float32
	for at, s := range e.plain {
		e.plain[at] = float32(math.Exp(float64(s - maximum)))
		sum += e.plain[at]
	}
	denominator := sum
	if e.p.SinkLogits {
		denominator += float32(math.Exp(float64(e.t.SinkLogits[r.head] - maximum)))
	}
	r.plain = make([]float32, e.p.HeadDim)
	for at, j := range e.keys {
		p := e.roundWeight(e.plain[at] / denominator)
		for d, v := range e.value(head, j) {
			r.plain[d] += float32(p * v)
		}
	}
	e.roundOutput(r.plain)
	r.plainLSE = maximum + float32(math.Log(float64(sum)))
}

// roundOutput stores o as the problem's outputs are stored.
func (e *evaluator) roundOutput(o []float32) {
	if e.p.DType == kernels.Float32 {
		return
	}
	for d, x := range o {
		o[d] = e.p.DType.Widen(e.p.DType.Narrow(x))
	}
}
