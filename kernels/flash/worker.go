package flash

import (
	"math"

	"github.com/attnbench/attnbench/kernels"
	"github.com/attnbench/attnbench/kernels/internal/cpu"
	"github.com/attnbench/attnbench/kernels/internal/simd"
)

// A worker holds what one thread needs for one item at a time.
type worker struct {
	k      []float32 // packed K of the chunk, scaled: Q is read where it lies
	v      []float32 // packed V of the chunk
	gather []float32 // [chunk, headDim]: rows of a K or V that is not float32 and evenly strided
	keys   kernels.Interval
	stride int

	rowMax, rowSum []float32             // [group, queries of the item]
	steps          [2]step               // taken in turn
	turn           int                   // of the next to be scored
	waiting        bool                  // the other one has scores that its block has not attended to
	rest           [simd.MaxRows]float32 // maxima of scores that a mask cuts
	scratch        cpu.Scratch
}

// A step is a block, a few consecutive queries of one head, that meets an
// interval of the chunk's keys.
type step struct {
	lane
	batch   int
	row     int // the block's first query, in its lane
	queries kernels.Interval
	keys    kernels.Interval
	scores  []float32 // [rows, stride] from the panel on in which the keys begin
	first   int       // of the keys, in a row of scores
	state   simd.State
}

func (st *step) place(it *item, l *lane, queries, keys kernels.Interval) {
	st.lane, st.batch, st.row = *l, it.batch, queries.Lo-it.queries.Lo
	st.queries, st.keys = queries, keys
}

// gap keeps the rows of scores from falling on the same cache sets.
const gap = 16

func (pl *plan) newWorker() (worker, error) {
	f, d := pl.simd, pl.Problem.HeadDim
	w := worker{stride: pl.chunk + gap, scratch: pl.NewScratch()}
	state := pl.Problem.Group() * min(pl.queries, pl.Problem.QLen)
	err := pl.Carve(
		cpu.Room(&w.k, f.PackedLen(d, pl.chunk)), cpu.Room(&w.v, f.PackedLen(pl.chunk, d)),
		cpu.Room(&w.steps[0].scores, f.Rows*w.stride), cpu.Room(&w.steps[1].scores, f.Rows*w.stride),
		cpu.Room(&w.rowMax, state), cpu.Room(&w.rowSum, state), cpu.Room(&w.gather, pl.gathered()),
	)
	return w, err
}

// gathered returns the size of the gather buffer, 0 where none is needed.
func (pl *plan) gathered() int {
	if p := &pl.Problem; p.KVDType != kernels.Float32 || p.PageSize > 0 {
		return pl.chunk * p.HeadDim
	}
	return 0
}

// begin sets the state of no key seen for so many rows.
func (w *worker) begin(rows int) {
	for i := range rows {
		w.rowMax[i], w.rowSum[i] = float32(math.Inf(-1)), 0
	}
}

// pack packs the keys of a chunk and their values.
func (pl *plan) pack(w *worker, it item, chunk int) {
	d := pl.Problem.HeadDim
	w.keys = kernels.Interval{Lo: chunk * pl.chunk, Hi: min((chunk+1)*pl.chunk, pl.Problem.KVLen)}
	k, ldk := pl.Rows(&pl.K, w.gather, it.batch, it.kvHead, w.keys)
	pl.simd.PackTransposed(w.k, k, ldk, w.keys.Len(), d, pl.ScaleLog2())
	v, ldv := pl.Rows(&pl.V, w.gather, it.batch, it.kvHead, w.keys)
	pl.simd.Pack(w.v, v, ldv, w.keys.Len(), d)
}
