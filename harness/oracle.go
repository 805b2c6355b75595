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
	rounded bool // the yardstick rounds P to the type of V
	buf     [kernels.MaxHeadDim]float32

	// By visible key, in order of the keys.
	keys    []int
	logits  []float64 // scale·q·k
	absDots []float64 // A, scale·Σ|q·k| and the bias: what a logit is rounded on at worst
	grains  []float64 // G, like it with √(Σ²) for Σ: what it is rounded on as a rule
	weights []float64 // exp(logit − maximum)
	plain   []float32 // the yardstick's logits, then its weights
}

// oracle evaluates the row in float64 straight from the definition. It shares
// no code with any kernel, and what it can be wrong about is only what
// Problem.AppendVisible says.
func (e *evaluator) oracle(q []float32, head int) {
	r, scale, slope := &e.row, e.p.EffectiveScale(), e.slope()
	e.logits, e.absDots, e.grains, e.weights = e.logits[:0], e.absDots[:0], e.grains[:0], e.weights[:0]
	maximum := math.Inf(-1)
	for _, j := range e.keys {
		dot, abs, squares := dots(q, e.key(head, j))
		s, bias := scale*dot, slope*math.Abs(float64(e.p.Position(r.query)-j))
		e.grains = append(e.grains, math.Hypot(s, scale*math.Sqrt(squares))+bias)
		if e.p.Softcap != 0 {
			s = e.p.Softcap * math.Tanh(s/e.p.Softcap)
		}
		e.logits = append(e.logits, s-bias)
		e.absDots = append(e.absDots, scale*abs+bias)
		maximum = math.Max(maximum, s-bias) // NaN wins
	}
	sum, denominator := 0.0, 0.0
	if e.p.SinkLogits {
		denominator = math.Exp(float64(e.t.SinkLogits[r.head]) - maximum)
	}
	r.want = make([]float64, e.p.HeadDim)
	for at, j := range e.keys {
		w := math.Exp(e.logits[at] - maximum)
		e.weights = append(e.weights, w)
		sum += w
		for d, v := range e.value(head, j) {
			r.want[d] += w * float64(v)
		}
	}
	denominator += sum
	for d := range r.want {
		r.want[d] /= denominator
	}
	for at := range e.weights {
		e.weights[at] /= denominator
	}
	if r.wantLSE = maximum + math.Log(sum); math.IsInf(maximum, -1) {
		r.wantLSE = maximum // of logits that are all −Inf: ln 0, though subtracting their maximum gives NaN
	}
}

// key and value return rows of the operands, valid until the next call.
func (e *evaluator) key(head, j int) []float32 {
	return e.t.K.ReadRow(e.buf[:], e.row.batch, head, j)
}

func (e *evaluator) value(head, j int) []float32 {
	return e.t.V.ReadRow(e.buf[:], e.row.batch, head, j)
}

// slope returns the row's ALiBi slope, 0 without.
func (e *evaluator) slope() float64 {
	if !e.p.ALiBi {
		return 0
	}
	return e.p.ALiBiSlope(e.row.head)
}

// dots returns Σ q·k, Σ |q·k| and Σ (q·k)²; each product is exact in float64.
func dots(q, k []float32) (dot, abs, squares float64) {
	for i, x := range q {
		p := float64(x) * float64(k[i])
		dot += p
		abs += math.Abs(p)
		squares += p * p
	}
	return dot, abs, squares
}
