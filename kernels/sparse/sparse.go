package sparse

import (
	"github.com/attnbench/attnbench/kernels"
	"github.com/attnbench/attnbench/kernels/internal/cpu"
	"github.com/attnbench/attnbench/kernels/internal/simd"
)

// tileQ is the number of queries for which a panel of K is packed once.
const tileQ = 1020

func init() { kernels.Register(kernel{}) }

type kernel struct{}

func (kernel) Name() string                     { return "sparse" }
func (kernel) Describe() string                 { return "visits the mask's visible intervals only" }
func (kernel) Supports(p kernels.Problem) error { return p.Validate() }

type plan struct {
	cpu.Plan
	simd    *simd.Funcs
	layout  *cpu.Layout
	stride  int
	workers []worker
}

type worker struct {
	k              []float32 // packed K, of which the panels that packed names are valid
	packed         []bool
	scores         []float32 // [rows, stride]: visible intervals side by side
	rowMax, rowSum []float32 // [rows]
	parts          []cpu.Part
	scratch        cpu.Scratch
}

// Plan returns a plan for float32 accumulation. Run allocates nothing and is
// not to be called concurrently. The workspace of a thread is the packed K of
// a head, of which it touches what is visible, and the visible scores of a few
// rows.
func (kernel) Plan(p kernels.Problem, opts kernels.Options) (kernels.Plan, error) {
	base, err := cpu.NewPlan("sparse", p, opts, tileQ)
	if err != nil {
		return nil, err
	}
	pl := &plan{Plan: base, simd: simd.For(base.ISA())}
	f := pl.simd
	pl.layout = cpu.NewLayout(&pl.Problem, cpu.Blocking{Rows: f.Rows}, f.Cols)
	pl.Hold(pl.layout.Bytes())
	pl.stride = pl.widest()
	for range pl.Workers(opts.Threads) {
		w := worker{
			packed: make([]bool, pl.layout.Chunks), parts: make([]cpu.Part, 0, pl.layout.Widest()),
			scratch: pl.NewScratch(),
		}
		if err := pl.Carve(
			cpu.Room(&w.k, f.PackedLen(p.HeadDim, p.KVLen)), cpu.Room(&w.scores, f.Rows*pl.stride),
			cpu.Room(&w.rowMax, f.Rows), cpu.Room(&w.rowSum, f.Rows),
		); err != nil {
			return nil, err
		}
		pl.workers = append(pl.workers, w)
	}
	if err := pl.Stage(); err != nil {
		return nil, err
	}
	pl.Start(opts.Threads, pl.Blocks(), pl.item)
	return pl, nil
}

// widest returns how many scores the widest block has, each interval rounded
// out to where its panel begins.
func (pl *plan) widest() int {
	const line = 16 // floats
	widest := 0
	for b := range pl.Problem.Batch {
		for block := range pl.layout.Blocks {
			n := 0
			for _, v := range pl.layout.Union(b, block) {
				n += cpu.Ceil(int(v.Hi)-pl.panel(int(v.Lo)), line) * line
			}
			widest = max(widest, n)
		}
	}
	return widest + line // so that rows do not fall on the same cache sets
}

// panel returns the first key of the panel that holds a key.
func (pl *plan) panel(key int) int { return key / pl.simd.Cols * pl.simd.Cols }

// item computes tileQ queries of one head.
func (pl *plan) item(id, item int) {
	w, all := &pl.workers[id], pl.Block(item)
	clear(w.packed)
	for lo := all.Queries.Lo; lo < all.Queries.Hi; lo += pl.simd.Rows {
		b := all
		b.Queries = kernels.Interval{Lo: lo, Hi: min(lo+pl.simd.Rows, all.Queries.Hi)}
		pl.block(w, b)
	}
}

func (pl *plan) block(w *worker, b cpu.Block) {
	index := b.Queries.Lo / pl.simd.Rows
	pl.score(w, b, pl.layout.Union(b.Batch, index))
	st := cpu.Stripe{Funcs: pl.simd, Scores: w.scores, Stride: pl.stride, RowMax: w.rowMax, RowSum: w.rowSum}
	pl.Softmax(&st, b, w.parts, pl.layout.Common(b.Batch, index), &w.scratch)
	pl.weigh(w, b)
	pl.Normalise(pl.simd, b, w.rowMax, w.rowSum, &w.scratch)
}

// score computes the raw scores of the intervals, one beside the other.
func (pl *plan) score(w *worker, b cpu.Block, union []cpu.Span) {
	f, rows, d := pl.simd, b.Queries.Len(), pl.Problem.HeadDim
	q := pl.Q.Float32[pl.Q.Offset(b.Batch, b.Head, b.Queries.Lo):]
	w.parts = w.parts[:0]
	const line = 16
	at := 0
	for _, span := range union {
		v := span.Interval()
		lo := pl.panel(v.Lo)
		pl.pack(w, b, kernels.Interval{Lo: lo, Hi: v.Hi})
		f.Mul(w.scores[at:], pl.stride, q, pl.Q.RowStride, f.Packed(w.k[lo*d:], d), rows, d, v.Hi-lo)
		w.parts = append(w.parts, cpu.Part{Keys: v, At: at + v.Lo - lo})
		at += cpu.Ceil(v.Hi-lo, line) * line
	}
}

// pack packs those panels of the keys that the item has not met.
func (pl *plan) pack(w *worker, b cpu.Block, keys kernels.Interval) {
	f, d := pl.simd, pl.Problem.HeadDim
	for lo := keys.Lo; lo < keys.Hi; lo += f.Cols {
		if w.packed[lo/f.Cols] {
			continue
		}
		w.packed[lo/f.Cols] = true
		k := pl.K.Float32[pl.K.Offset(b.Batch, b.KVHead, lo):]
		f.PackTransposed(w.k[lo*d:], k, pl.K.RowStride, min(f.Cols, pl.Problem.KVLen-lo), d, pl.ScaleLog2())
	}
}

// weigh is O = P·V, unnormalised, with V where it lies.
func (pl *plan) weigh(w *worker, b cpu.Block) {
	f, rows, d, o := pl.simd, b.Queries.Len(), pl.Problem.HeadDim, pl.output(b)
	for i, part := range w.parts {
		v := f.InPlace(pl.V.Float32[pl.V.Offset(b.Batch, b.KVHead, part.Keys.Lo):], pl.V.RowStride)
		if i == 0 {
			f.Mul(o, pl.O.RowStride, w.scores[part.At:], pl.stride, v, rows, part.Keys.Len(), d)
		} else {
			f.MulAdd(o, pl.O.RowStride, w.scores[part.At:], pl.stride, v, rows, part.Keys.Len(), d)
		}
	}
}

func (pl *plan) output(b cpu.Block) []float32 {
	return pl.O.Float32[pl.O.Offset(b.Batch, b.Head, b.Queries.Lo):]
}
