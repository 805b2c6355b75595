package tiled

import (
	"math"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas32"

	"github.com/attnbench/attnbench/kernels"
	"github.com/attnbench/attnbench/kernels/internal/cpu"
)

const (
	tileQ = 64 // queries in a stripe

	// maxColumns keeps each Gemm below the size from which gonum starts
	// goroutines of its own (four blocks of 64×64): the threads are ours.
	maxColumns = 192
)

func init() { kernels.Register(kernel{}) }

type kernel struct{}

func (kernel) Name() string { return "tiled" }
func (kernel) Describe() string {
	return "matrix products and softmax on a stripe of scores, through gonum's Gemm"
}
func (kernel) Supports(p kernels.Problem) error { return p.Validate() }

type plan struct {
	cpu.Plan
	scale   float32
	workers []worker
}

type worker struct {
	rows   *kernels.Rows
	stripe []float32 // [tileQ, kvLen]: S, then P
	q      []float32 // [tileQ, headDim]
	k      []float32 // [maxColumns, headDim]
}

// Plan returns a plan for float32 operands with float32 accumulation. Run
// allocates nothing and is not to be called concurrently. The workspace of a
// thread is tileQ rows of kvLen scores and the
// operands of one product.
func (kernel) Plan(p kernels.Problem, opts kernels.Options) (kernels.Plan, error) {
	base, err := cpu.NewPlan("tiled", p, opts, tileQ)
	if err != nil {
		return nil, err
	}
	pl := &plan{Plan: base, scale: float32(p.EffectiveScale())}
	for _, rows := range pl.WorkerRows(opts.Threads) {
		buf, err := pl.Floats(tileQ*p.KVLen + (tileQ+maxColumns)*p.HeadDim)
		if err != nil {
			return nil, err
		}
		stripe, packed := buf[:tileQ*p.KVLen], buf[tileQ*p.KVLen:]
		pl.workers = append(pl.workers, worker{rows, stripe, packed[:tileQ*p.HeadDim], packed[tileQ*p.HeadDim:]})
	}
	if err := pl.Stage(); err != nil {
		return nil, err
	}
	pl.Start(opts.Threads, pl.Blocks(), pl.block)
	return pl, nil
}

func (pl *plan) block(id, item int) {
	b, w := pl.Block(item), &pl.workers[id]
	w.rows.Reset(b.Batch, b.Queries)
	keys := w.rows.Union()
	for _, k := range keys {
		pl.score(b, w, k)
	}
	for i := b.Queries.Lo; i < b.Queries.Hi; i++ {
		pl.softmax(b, w, i, keys)
	}
	pl.weigh(b, w, keys)
	pl.RepairRows(b, w.rows)
}

// score is S = scale·Q·Kᵀ over the keys k, in parts for gonum's threshold.
//
// Note: gonum's dot product sums in an order that depends on its operands'
// alignment. Both are copied, so that a result does not depend on strides.
func (pl *plan) score(b cpu.Block, w *worker, k kernels.Interval) {
	q := pack(w.q, &pl.Q, b.Batch, b.Head, b.Queries)
	for lo := k.Lo; lo < k.Hi; lo += maxColumns {
		part := kernels.Interval{Lo: lo, Hi: min(lo+maxColumns, k.Hi)}
		kt := pack(w.k, &pl.K, b.Batch, b.KVHead, part)
		blas32.Gemm(blas.NoTrans, blas.Trans, pl.scale, q, kt, 0, pl.stripe(b, w, part))
	}
}

// pack copies rows of one head into dst without gaps.
func pack(dst []float32, t *kernels.Tensor, batch, head int, rows kernels.Interval) blas32.General {
	for i := rows.Lo; i < rows.Hi; i++ {
		copy(dst[(i-rows.Lo)*t.Dim:], t.Row(batch, head, i))
	}
	return blas32.General{Rows: rows.Len(), Cols: t.Dim, Stride: t.Dim, Data: dst}
}

// softmax turns the scores of one query into weights that sum to 1, with 0 for
// the keys of the stripe that this query does not see.
func (pl *plan) softmax(b cpu.Block, w *worker, query int, keys []kernels.Interval) {
	visible := w.rows.Row(query - b.Queries.Lo)
	if len(visible) == 0 {
		pl.EmptyRow(b, query)
	}
	row := w.stripe[(query-b.Queries.Lo)*pl.Problem.KVLen:][:pl.Problem.KVLen]
	rowMax := float32(math.Inf(-1))
	for _, v := range visible {
		pl.Shape(b.Head, query, v.Lo, row[v.Lo:v.Hi])
		rowMax = max(rowMax, cpu.Max(row[v.Lo:v.Hi]))
	}
	var rowSum float32
	for _, v := range visible {
		rowSum += cpu.ExpSum(row[v.Lo:v.Hi], rowMax)
	}
	clearOutside(row, keys, visible)
	for _, v := range visible {
		cpu.Scale(1/pl.Denominator(b.Head, rowMax, rowSum), row[v.Lo:v.Hi])
	}
	if len(visible) > 0 {
		pl.SetLSE(b.Batch, b.Head, query, cpu.LSE(rowMax, rowSum))
	}
}

// clearOutside zeroes the parts of keys that are not in visible, a subset of it.
func clearOutside(row []float32, keys, visible []kernels.Interval) {
	for _, k := range keys {
		at := k.Lo
		for len(visible) > 0 && visible[0].Hi <= k.Hi {
			clear(row[at:visible[0].Lo])
			at, visible = visible[0].Hi, visible[1:]
		}
		clear(row[at:k.Hi])
	}
}

// weigh is O = P·V over the keys, in parts for gonum's threshold.
func (pl *plan) weigh(b cpu.Block, w *worker, keys []kernels.Interval) {
	for lo := 0; lo < pl.Problem.HeadDim; lo += maxColumns {
		cols := kernels.Interval{Lo: lo, Hi: min(lo+maxColumns, pl.Problem.HeadDim)}
		o := columns(general(&pl.O, b.Batch, b.Head, b.Queries), cols)
		beta := float32(0)
		for _, k := range keys {
			v := columns(general(&pl.V, b.Batch, b.KVHead, k), cols)
			blas32.Gemm(blas.NoTrans, blas.NoTrans, 1, pl.stripe(b, w, k), v, beta, o)
			beta = 1
		}
	}
}

// stripe views the columns k of the block's scores.
func (pl *plan) stripe(b cpu.Block, w *worker, k kernels.Interval) blas32.General {
	return blas32.General{Rows: b.Queries.Len(), Cols: k.Len(), Stride: pl.Problem.KVLen, Data: w.stripe[k.Lo:]}
}

// general views the rows of one head as a matrix.
func general(t *kernels.Tensor, batch, head int, rows kernels.Interval) blas32.General {
	return blas32.General{Rows: rows.Len(), Cols: t.Dim, Stride: t.RowStride, Data: t.Float32[t.Offset(batch, head, rows.Lo):]}
}

func columns(m blas32.General, cols kernels.Interval) blas32.General {
	m.Cols, m.Data = cols.Len(), m.Data[cols.Lo:]
	return m
}
