package sparse

import (
	"github.com/attnbench/attnbench/kernels"
	"github.com/attnbench/attnbench/kernels/internal/cpu"
)

// tileQ is the number of queries in an item of work.
const tileQ = 32

func init() { kernels.Register(kernel{}) }

type kernel struct{}

func (kernel) Name() string                     { return "sparse" }
func (kernel) Describe() string                 { return "visits the mask's visible intervals only, row by row" }
func (kernel) Supports(p kernels.Problem) error { return p.Validate() }

type plan struct {
	cpu.Plan
	scale   float32
	workers []worker
}

type worker struct {
	rows   *kernels.Rows
	scores []float32 // of the visible keys of one row, without gaps
}

// Plan returns a plan for float32 operands with float32 accumulation. Run
// allocates nothing and is not to be called concurrently. The workspace of a
// thread is one row of visible scores.
func (kernel) Plan(p kernels.Problem, opts kernels.Options) (kernels.Plan, error) {
	base, err := cpu.NewPlan("sparse", p, opts, tileQ)
	if err != nil {
		return nil, err
	}
	pl := &plan{Plan: base, scale: float32(p.EffectiveScale())}
	width := widestRow(p)
	for _, rows := range pl.WorkerRows(opts.Threads) {
		scores, err := pl.Floats(width)
		if err != nil {
			return nil, err
		}
		pl.workers = append(pl.workers, worker{rows, scores})
	}
	if err := pl.Stage(); err != nil {
		return nil, err
	}
	pl.Start(opts.Threads, pl.Blocks(), pl.block)
	return pl, nil
}

// widestRow returns the most keys that any one query sees.
func widestRow(p kernels.Problem) int {
	width := 0
	var row []kernels.Interval
	for b := range p.Batch {
		for i := range p.QLen {
			row = p.AppendVisible(row[:0], b, i)
			n := 0
			for _, v := range row {
				n += v.Len()
			}
			width = max(width, n)
		}
	}
	return width
}

func (pl *plan) block(worker, item int) {
	b, w := pl.Block(item), pl.workers[worker]
	w.rows.Reset(b.Batch, b.Queries)
	for i := b.Queries.Lo; i < b.Queries.Hi; i++ {
		if visible := w.rows.Row(i - b.Queries.Lo); len(visible) > 0 {
			pl.row(b, i, visible, w.scores)
		} else {
			pl.EmptyRow(b, i)
		}
	}
}

// row computes one row of O and its lse: scores, softmax, weighted sum.
func (pl *plan) row(b cpu.Block, query int, visible []kernels.Interval, scores []float32) {
	q, o := pl.Q.Row(b.Batch, b.Head, query), pl.O.Row(b.Batch, b.Head, query)
	s := scores[:0]
	for _, v := range visible {
		for j := v.Lo; j < v.Hi; j++ {
			s = append(s, pl.scale*cpu.Dot(q, pl.K.Row(b.Batch, b.KVHead, j)))
		}
		pl.Shape(b.Head, query, v.Lo, s[len(s)-v.Len():])
	}
	rowMax := cpu.Max(s)
	rowSum := cpu.ExpSum(s, rowMax)
	clear(o)
	for _, v := range visible {
		for j := v.Lo; j < v.Hi; j++ {
			cpu.Axpy(s[0], pl.V.Row(b.Batch, b.KVHead, j), o)
			s = s[1:]
		}
	}
	cpu.Scale(1/pl.Denominator(b.Head, rowMax, rowSum), o)
	pl.SetLSE(b.Batch, b.Head, query, cpu.LSE(rowMax, rowSum))
}
