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
	v      []float32 // packed V of the chunk, unless it lies as if packed
	gather []float32 // [chunk, headDim]: rows of a K or V that is not float32 and evenly strided
	keys   kernels.Interval
	values simd.Panels // V of the chunk
	stride int

	rowMax, rowSum []float32 // [group, queries of the item]
	steps          [2]step   // taken in turn
	turn           int       // of the next to be scored
	waiting        bool      // the other one has scores that its block has not attended to
	met            []int32   // [blocks of the item]: their first interval that ends beyond the chunk's beginning
	seen           simd.Seen
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
	w := worker{stride: pl.chunk + gap, scratch: pl.NewScratch(), met: make([]int32, pl.queries/f.Rows)}
	pl.Hold(4 * int64(cap(w.met)))
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
	clear(w.met)
}

// units is how many parts of a chunk are packed or left out.
const units = 8

// meet finds the first interval of each block that ends beyond where the
// worker's chunk begins, and returns a bit for each unit of the chunk that some
// of the blocks see.
func (pl *plan) meet(w *worker, it item, blocks kernels.Interval) (needed uint) {
	for block := blocks.Lo; block < blocks.Hi; block++ {
		union, at := pl.layout.Union(it.batch, block), &w.met[block-it.blocks.Lo]
		for int(*at) < len(union) && int(union[*at].Hi) <= w.keys.Lo {
			*at++
		}
		for _, span := range union[*at:] {
			v := span.Interval().Intersect(w.keys)
			if v.Len() == 0 {
				break
			}
			from, to := (v.Lo-w.keys.Lo)/pl.unit, (v.Hi-1-w.keys.Lo)/pl.unit
			needed |= 2<<to - 1<<from
		}
	}
	return needed
}

// pack packs those units of the worker's chunk that are needed.
func (pl *plan) pack(w *worker, it item, needed uint) {
	for from := 0; needed>>from != 0; from++ {
		if needed>>from&1 == 0 {
			continue
		}
		to := from + 1
		for needed>>to&1 != 0 {
			to++
		}
		pl.packRun(w, it, from*pl.unit, min(to*pl.unit, w.keys.Len()))
		from = to
	}
}

// packRun packs the keys lo to hi of the chunk and their values, which may lie
// as if they were packed.
func (pl *plan) packRun(w *worker, it item, lo, hi int) {
	f, d, n := pl.simd, pl.Problem.HeadDim, w.keys.Len()
	run := kernels.Interval{Lo: w.keys.Lo + lo, Hi: w.keys.Lo + hi}
	k, ldk := pl.Rows(&pl.K, w.gather, it.batch, it.kvHead, run)
	f.PackTransposed(w.k[lo*d:], k, ldk, hi-lo, d, pl.ScaleLog2())
	if v := &pl.V; v.DType == kernels.Float32 && v.PageSize == 0 && v.RowStride == f.Cols && d == f.Cols {
		w.values = f.InPlace(v.Float32[v.Offset(it.batch, it.kvHead, w.keys.Lo):], f.Cols)
		return
	}
	v, ldv := pl.Rows(&pl.V, w.gather, it.batch, it.kvHead, run)
	for j := 0; j < d; j += f.Cols {
		f.Pack(w.v[j*n+lo*f.Cols:], v[j:], ldv, hi-lo, min(f.Cols, d-j))
	}
	w.values = f.Packed(w.v, n)
}
