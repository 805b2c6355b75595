package harness

import "math"

// yardstick evaluates the row as a textbook does, in float32 and in order of
// the keys. Its errors are what a careful but unambitious program makes.
//
// Note: every product is converted to float32 before it is added, for without
// that the compiler may fuse the two on some architectures, and the yardstick
// would depend on the machine.
func (e *evaluator) yardstick(q []float32, head int) {
	r, scale := &e.row, float32(e.p.EffectiveScale())
	e.plain = e.plain[:0]
	maximum := float32(math.Inf(-1))
	for _, j := range e.keys {
		var dot float32
		for i, k := range e.t.K.Row(r.batch, head, j) {
			dot += float32(q[i] * k)
		}
		dot *= scale
		e.plain = append(e.plain, dot)
		maximum = max(maximum, dot) // NaN wins
	}
	var sum float32
	for at, s := range e.plain {
		e.plain[at] = float32(math.Exp(float64(s - maximum)))
		sum += e.plain[at]
	}
	r.plain = make([]float32, e.p.HeadDim)
	for at, j := range e.keys {
		p := e.plain[at] / sum
		for d, v := range e.t.V.Row(r.batch, head, j) {
			r.plain[d] += float32(p * v)
		}
	}
	r.plainLSE = maximum + float32(math.Log(float64(sum)))
}
