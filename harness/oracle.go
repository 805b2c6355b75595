package harness

import (
	"math"

	"github.com/attnbench/attnbench/kernels"
)

// An evaluator evaluates rows of one problem. Each goroutine has its own.
type evaluator struct {
	p       kernels.Problem
	t       *kernels.Tensors
	visible []kernels.Interval
	row     row

	// By visible key, in order of the keys.
	keys    []int
	logits  []float64 // scale·q·k
	absDots []float64 // scale·Σ|q·k|
	weights []float64 // exp(logit − maximum)
	plain   []float32 // the yardstick's logits, then its weights
}

// oracle evaluates the row in float64 straight from the definition. It shares
// no code with any kernel, and what it can be wrong about is only what
// Problem.AppendVisible says.
func (e *evaluator) oracle(q []float32, head int) {
	r, scale := &e.row, e.p.EffectiveScale()
	e.logits, e.absDots, e.weights = e.logits[:0], e.absDots[:0], e.weights[:0]
	maximum := math.Inf(-1)
	for _, j := range e.keys {
		dot, abs := dots(q, e.t.K.Row(r.batch, head, j))
		e.logits = append(e.logits, scale*dot)
		e.absDots = append(e.absDots, scale*abs)
		maximum = math.Max(maximum, scale*dot) // NaN wins
	}
	sum := 0.0
	r.want = make([]float64, e.p.HeadDim)
	for at, j := range e.keys {
		w := math.Exp(e.logits[at] - maximum)
		e.weights = append(e.weights, w)
		sum += w
		for d, v := range e.t.V.Row(r.batch, head, j) {
			r.want[d] += w * float64(v)
		}
	}
	for d := range r.want {
		r.want[d] /= sum
	}
	for at := range e.weights {
		e.weights[at] /= sum
	}
	r.wantLSE = maximum + math.Log(sum)
}

// dots returns Σ q·k and Σ |q·k|; each product is exact in float64.
func dots(q, k []float32) (dot, abs float64) {
	for i, x := range q {
		p := float64(x) * float64(k[i])
		dot += p
		abs += math.Abs(p)
	}
	return dot, abs
}
