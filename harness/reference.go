package harness

import (
	"fmt"
	"math"
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/attnbench/attnbench/kernels"
)

// A Reference is what is right for one problem on one set of operands: the
// oracle's rows, the yardstick's, and how far from the oracle a kernel may be.
// It is safe for concurrent use.
type Reference struct {
	problem kernels.Problem
	rows    []row
	facts   facts
	rounded bool // the yardstick rounds P to the type of V
}

// A row is one query row's output as it should be.
type row struct {
	rowID
	want     []float64 // the oracle's; nil for a row that sees no key
	wantLSE  float64
	plain    []float32 // the yardstick's
	plainLSE float32
	floor    []float64 // granted on top of twice the yardstick's error
	floorLSE float64
	bound    []float64 // no float32 evaluation is further off
	boundLSE float64
}

// NewReference evaluates p on the Q, K and V of t, which must not change until
// the last Check. It uses all processors.
func NewReference(p kernels.Problem, t *kernels.Tensors, s Sampling) (*Reference, error) {
	return newReference(p, t, s, false)
}

func newReference(p kernels.Problem, t *kernels.Tensors, s Sampling, rounded bool) (*Reference, error) {
	if err := p.Validate(); err != nil {
		return nil, fmt.Errorf("harness: %w", err)
	}
	if err := t.Check(p); err != nil {
		return nil, fmt.Errorf("harness: %w", err)
	}
	ref := &Reference{problem: p, facts: newFacts(p, t), rounded: rounded}
	ids := s.pick(p)
	ref.rows = make([]row, len(ids))
	var next atomic.Int64
	var wg sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			e := evaluator{p: p, t: t, rounded: rounded}
			for at := next.Add(1) - 1; at < int64(len(ids)); at = next.Add(1) - 1 {
				ref.rows[at] = e.evaluate(ids[at])
			}
		})
	}
	wg.Wait()
	return ref, ref.checkYardstick()
}

// Rows returns how many query rows the reference holds, and of how many.
func (ref *Reference) Rows() (held, all int) {
	p := ref.problem
	return len(ref.rows), p.Batch * p.Heads * p.QLen
}

func (e *evaluator) evaluate(id rowID) row {
	e.begin(id)
	if len(e.keys) == 0 {
		return e.row
	}
	q, head := e.query()
	e.oracle(q, head)
	e.yardstick(q, head)
	s := e.measureSpread(head)
	e.row.setFloors(s)
	e.row.setBounds(s, len(e.keys), e.p)
	e.allowRounding(head)
	return e.row
}

// begin makes a row the evaluator's, and lists the keys that it sees.
func (e *evaluator) begin(id rowID) {
	e.row = row{rowID: id, wantLSE: math.Inf(-1), plainLSE: float32(math.Inf(-1))}
	e.visible = e.p.AppendVisible(e.visible[:0], id.batch, id.query)
	e.keys = e.keys[:0]
	for _, v := range e.visible {
		for j := v.Lo; j < v.Hi; j++ {
			e.keys = append(e.keys, j)
		}
	}
}

// query returns the row of Q, and the head of its keys.
func (e *evaluator) query() (q []float32, kvHead int) {
	id := e.row.rowID
	return e.t.Q.ReadRow(make([]float32, e.p.HeadDim), id.batch, id.head, id.query), id.head * e.p.KVHeads / e.p.Heads
}

// checkYardstick holds the yardstick itself against the analytic bound, so
// that it cannot drift and take every kernel with it.
func (ref *Reference) checkYardstick() error {
	for i := range ref.rows {
		r := &ref.rows[i]
		for d, got := range r.plain {
			err := math.Abs(float64(got) - r.want[d])
			if finite(float64(got)) && err > r.bound[d] {
				return fmt.Errorf("harness: the float32 yardstick is off by %.3g at [batch %d head %d query %d dim %d], over the rounding bound %.3g",
					err, r.batch, r.head, r.query, d, r.bound[d])
			}
		}
	}
	return nil
}
