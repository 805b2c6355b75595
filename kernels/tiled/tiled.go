package tiled

import (
	"github.com/attnbench/attnbench/kernels"
	"github.com/attnbench/attnbench/kernels/internal/cpu"
	"github.com/attnbench/attnbench/kernels/internal/simd"
)

const (
	tileQ  = 48  // queries in a stripe: eight blocks of six, or twelve of four
	tileKV = 512 // keys that all blocks of a stripe meet before the next: their K and V stay in cache
	gap    = 16  // floats that keep the rows of a stripe from falling on the same cache sets
)

func init() { kernels.Register(kernel{}) }

type kernel struct{}

func (kernel) Name() string                     { return "tiled" }
func (kernel) Describe() string                 { return "matrix products and softmax on a stripe of scores" }
func (kernel) Supports(p kernels.Problem) error { return p.Validate() }

type plan struct {
	cpu.Plan
	simd    *simd.Funcs
	stripes *cpu.Layout // by stripes of tileQ queries
	blocks  *cpu.Layout // by the rows of a register block
	stride  int
	workers []worker
}

// A worker holds the packed operands of one head and one stripe.
type worker struct {
	k, v           []float32
	batch, kvHead  int       // whose K and V they are; kvHead −1 for none
	scores         []float32 // [tileQ, stride]: S, then P
	rowMax, rowSum []float32 // [tileQ]
	parts          []cpu.Part
	scratch        cpu.Scratch
}

// Plan returns a plan for float32 accumulation. Run allocates nothing and is
// not to be called concurrently. The workspace of a thread is tileQ rows of
// scores and the packed K and V of a head.
func (kernel) Plan(p kernels.Problem, opts kernels.Options) (kernels.Plan, error) {
	base, err := cpu.NewPlan("tiled", p, opts, tileQ)
	if err != nil {
		return nil, err
	}
	pl := &plan{Plan: base, simd: simd.For(base.ISA())}
	pl.stride = cpu.Ceil(p.KVLen, gap)*gap + gap
	pl.stripes = cpu.NewLayout(&pl.Problem, cpu.Blocking{Rows: tileQ}, tileKV)
	pl.blocks = cpu.NewLayout(&pl.Problem, cpu.Blocking{Rows: pl.simd.Rows}, tileKV)
	pl.Hold(pl.stripes.Bytes() + pl.blocks.Bytes())
	for range pl.Workers(opts.Threads) {
		w := worker{scratch: pl.NewScratch(), parts: make([]cpu.Part, 0, pl.stripes.Widest())}
		if err := pl.Carve(
			cpu.Room(&w.k, pl.simd.PackedLen(p.HeadDim, p.KVLen)), cpu.Room(&w.v, pl.simd.PackedLen(p.KVLen, p.HeadDim)),
			cpu.Room(&w.scores, tileQ*pl.stride), cpu.Room(&w.rowMax, tileQ), cpu.Room(&w.rowSum, tileQ),
		); err != nil {
			return nil, err
		}
		pl.workers = append(pl.workers, w)
	}
	if err := pl.Stage(); err != nil {
		return nil, err
	}
	pl.Start(opts.Threads, pl.Blocks(), pl.stripe)
	return pl, nil
}

// Run forgets what is packed, for the operands may have changed.
func (pl *plan) Run() error {
	for i := range pl.workers {
		pl.workers[i].kvHead = -1
	}
	return pl.Plan.Run()
}

// stripe computes tileQ queries of one head. Items run through one head before
// the next, so that a worker packs each at most once.
func (pl *plan) stripe(id, item int) {
	w, perHead := &pl.workers[id], pl.stripes.Blocks
	b := pl.Block(item%perHead*(pl.Problem.Batch*pl.Problem.Heads) + item/perHead)
	pl.pack(w, b)
	w.parts = w.parts[:0]
	for _, v := range pl.stripes.Union(b.Batch, b.Queries.Lo/tileQ) {
		w.parts = append(w.parts, cpu.Part{Keys: v.Interval(), At: int(v.Lo)})
	}
	pl.score(w, b)
	pl.eachBlock(b, func(sub cpu.Block, row int) { pl.softmax(w, sub, row) })
	pl.weigh(w, b)
	pl.eachBlock(b, func(sub cpu.Block, row int) {
		pl.Normalise(pl.simd, sub, w.rowMax[row:], w.rowSum[row:], &w.scratch)
	})
}

// eachBlock calls do for the register blocks of a stripe, and the row of the
// stripe in which each begins.
func (pl *plan) eachBlock(b cpu.Block, do func(sub cpu.Block, row int)) {
	for row := 0; row < b.Queries.Len(); row += pl.simd.Rows {
		sub := b
		sub.Queries.Lo += row
		sub.Queries.Hi = min(sub.Queries.Lo+pl.simd.Rows, b.Queries.Hi)
		do(sub, row)
	}
}

func (pl *plan) pack(w *worker, b cpu.Block) {
	if w.kvHead == b.KVHead && w.batch == b.Batch {
		return
	}
	w.batch, w.kvHead = b.Batch, b.KVHead
	n, d := pl.Problem.KVLen, pl.Problem.HeadDim
	pl.simd.PackTransposed(w.k, pl.K.Float32[pl.K.Offset(b.Batch, b.KVHead, 0):], pl.K.RowStride, n, d, pl.ScaleLog2())
	pl.simd.Pack(w.v, pl.V.Float32[pl.V.Offset(b.Batch, b.KVHead, 0):], pl.V.RowStride, n, d)
}

// score is S = scale·Q·Kᵀ over the keys that the stripe sees, by chunks.
func (pl *plan) score(w *worker, b cpu.Block) {
	f, d := pl.simd, pl.Problem.HeadDim
	step := tileKV / f.Cols * f.Cols // panels are whole
	for _, part := range w.parts {
		for lo := part.Keys.Lo / f.Cols * f.Cols; lo < part.Keys.Hi; lo += step {
			n, k := min(step, part.Keys.Hi-lo), f.Packed(w.k[lo*d:], d)
			pl.eachBlock(b, func(sub cpu.Block, row int) {
				q := pl.Q.Float32[pl.Q.Offset(b.Batch, b.Head, sub.Queries.Lo):]
				f.Mul(w.scores[row*pl.stride+lo:], pl.stride, q, pl.Q.RowStride, k, sub.Queries.Len(), d, n)
			})
		}
	}
}

// softmax takes that of a register block's rows.
//
// Note: two parts less than a panel apart have overlapping products; both
// write the same scores there, before any softmax.
func (pl *plan) softmax(w *worker, b cpu.Block, row int) {
	st := cpu.Stripe{
		Funcs: pl.simd, Scores: w.scores[row*pl.stride:], Stride: pl.stride, RowMax: w.rowMax[row:], RowSum: w.rowSum[row:],
	}
	pl.Softmax(&st, b, w.parts, pl.blocks.Common(b.Batch, b.Queries.Lo/pl.simd.Rows), &w.scratch)
}

// weigh is O = P·V, unnormalised, by chunks.
func (pl *plan) weigh(w *worker, b cpu.Block) {
	f, d, first := pl.simd, pl.Problem.HeadDim, true
	for _, part := range w.parts {
		for lo := part.Keys.Lo; lo < part.Keys.Hi; lo += tileKV {
			n := min(tileKV, part.Keys.Hi-lo)
			v := f.Packed(w.v[lo*f.Cols:], pl.Problem.KVLen)
			product := f.MulAdd
			if first {
				product = f.Mul
			}
			pl.eachBlock(b, func(sub cpu.Block, row int) {
				o := pl.O.Float32[pl.O.Offset(b.Batch, b.Head, sub.Queries.Lo):]
				product(o, pl.O.RowStride, w.scores[row*pl.stride+lo:], pl.stride, v, sub.Queries.Len(), n, d)
			})
			first = false
		}
	}
}
