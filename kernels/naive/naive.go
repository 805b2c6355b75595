package naive

import (
	"math"

	"github.com/attnbench/attnbench/kernels"
	"github.com/attnbench/attnbench/kernels/internal/cpu"
)

// tileQ is the number of queries in an item of work. It bounds nothing but the
// grain of the parallel loop.
const tileQ = 32

func init() { kernels.Register(kernel{}) }

type kernel struct{}

func (kernel) Name() string { return "naive" }
func (kernel) Describe() string {
	return "three textbook steps over a materialised score matrix, plain Go"
}
func (kernel) Supports(p kernels.Problem) error { return p.Validate() }

// plan holds S [batch, heads, qLen, kvLen], whose rows become those of P.
type plan struct {
	cpu.Plan
	scale  float32
	scores []float32
	rows   []*kernels.Rows // one a worker
}

// Plan returns a plan for float32 operands with float32 accumulation in the
// order of the keys. Run allocates nothing and is not to be called concurrently.
func (kernel) Plan(p kernels.Problem, opts kernels.Options) (kernels.Plan, error) {
	base, err := cpu.NewPlan("naive", p, opts, tileQ)
	if err != nil {
		return nil, err
	}
	pl := &plan{Plan: base, scale: float32(p.EffectiveScale())}
	pl.UseGeneric()
	if pl.scores, err = pl.Floats(p.Batch, p.Heads, p.QLen, p.KVLen); err != nil {
		return nil, err
	}
	pl.rows = pl.WorkerRows(opts.Threads)
	if err := pl.Stage(); err != nil {
		return nil, err
	}
	pl.Start(opts.Threads, pl.Blocks(), pl.block)
	return pl, nil
}

func (pl *plan) block(worker, item int) {
	b, rows := pl.Block(item), pl.rows[worker]
	rows.Reset(b.Batch, b.Queries)
	for i := b.Queries.Lo; i < b.Queries.Hi; i++ {
		visible, s := rows.Row(i-b.Queries.Lo), pl.row(b, i)
		if len(visible) == 0 {
			pl.EmptyRow(b, i)
			continue
		}
		pl.score(b, i, visible, s)
		rowMax, rowSum := pl.softmax(b.Head, s)
		pl.weigh(b, i, visible, s)
		pl.SetLSE(b.Batch, b.Head, i, cpu.LSE(rowMax, rowSum))
	}
}

// row returns the row of S of a query.
func (pl *plan) row(b cpu.Block, query int) []float32 {
	p := &pl.Problem
	at := ((b.Batch*p.Heads+b.Head)*p.QLen + query) * p.KVLen
	return pl.scores[at : at+p.KVLen]
}

// score is step one: s[j] = scale·q·k[j], shaped, where visible, else −Inf.
func (pl *plan) score(b cpu.Block, query int, visible []kernels.Interval, s []float32) {
	q := pl.Q.Row(b.Batch, b.Head, query)
	for j := range s {
		s[j] = float32(math.Inf(-1))
	}
	for _, v := range visible {
		for j := v.Lo; j < v.Hi; j++ {
			var dot float32
			for c, k := range pl.K.Row(b.Batch, b.KVHead, j) {
				dot += q[c] * k
			}
			s[j] = pl.scale * dot
		}
		pl.Shape(b.Head, query, v.Lo, s[v.Lo:v.Hi])
	}
}

// softmax is step two, in place: p = exp(s−rowMax) / rowSum.
func (pl *plan) softmax(head int, s []float32) (rowMax, rowSum float32) {
	rowMax = cpu.Max(s)
	rowSum = cpu.ExpSum(s, rowMax)
	cpu.Scale(1/pl.Denominator(head, rowMax, rowSum), s)
	return rowMax, rowSum
}

// weigh is step three: o = Σ p[j]·v[j] over the visible keys.
func (pl *plan) weigh(b cpu.Block, query int, visible []kernels.Interval, p []float32) {
	o := pl.O.Row(b.Batch, b.Head, query)
	clear(o)
	for _, v := range visible {
		for j := v.Lo; j < v.Hi; j++ {
			cpu.Axpy(p[j], pl.V.Row(b.Batch, b.KVHead, j), o)
		}
	}
}
