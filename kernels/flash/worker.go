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
	visits         []visit   // [blocks of the item]
	present        []int32   // the blocks that see some of the chunk's keys
	seen           simd.Seen
	scratch        cpu.Scratch

	pairs pairWorker // where K and V are packed as pairs
}

// A visit is where a block is in its list of intervals.
type visit struct {
	span  int32 // the first that ends beyond where the worker's chunk begins
	chunk int32 // the next one in which the block sees keys
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
	blocks := pl.layout.Count(pl.queries)
	w.visits, w.present = make([]visit, blocks), make([]int32, 0, blocks)
	pl.Hold(12 * int64(blocks))
	state := pl.Problem.Group() * min(pl.queries, pl.Problem.QLen)
	k, v := f.PackedLen(d, pl.chunk), f.PackedLen(pl.chunk, d)
	if pl.pairs != nil {
		k, v = pl.pairs.PackedLen(d, pl.chunk), pl.pairs.PackedLen(pl.chunk, d)
	}
	scores := pl.rows * w.stride
	waiting := scores
	if pl.inSteps() {
		waiting = 0 // no block waits
	}
	err := pl.Carve(
		cpu.Room(&w.k, k), cpu.Room(&w.v, v),
		cpu.Room(&w.steps[0].scores, scores), cpu.Room(&w.steps[1].scores, waiting),
		cpu.Room(&w.rowMax, state), cpu.Room(&w.rowSum, state), cpu.Room(&w.gather, pl.gathered()),
	)
	pl.pairWorker(&w)
	return w, err
}

// gathered returns the size of the gather buffer, 0 where none is needed.
func (pl *plan) gathered() int {
	p := &pl.Problem
	switch {
	case pl.pairs != nil && p.PageSize > 0:
		return cpu.Ceil(pl.chunk*p.HeadDim, 2)
	case pl.pairs == nil && (p.KVDType != kernels.Float32 || p.PageSize > 0):
		return pl.chunk * p.HeadDim
	}
	return 0
}

// begin sets the state of no key seen for so many rows.
func (w *worker) begin(rows int) {
	for i := range rows {
		w.rowMax[i], w.rowSum[i] = float32(math.Inf(-1)), 0
	}
	clear(w.visits)
	w.pairs.tiny = false
}

// units is how many parts of a chunk are packed or left out.
const units = 8

// meet lists the blocks that see keys of a chunk, the worker's from now on, and
// returns a bit for each unit of it that they see.
func (pl *plan) meet(w *worker, it item, blocks kernels.Interval, chunk int) (needed uint) {
	w.keys = kernels.Interval{Lo: chunk * pl.chunk, Hi: min((chunk+1)*pl.chunk, pl.Problem.KVLen)}
	w.present = w.present[:0]
	for block := blocks.Lo; block < blocks.Hi; block++ {
		v := &w.visits[block-it.blocks.Lo]
		if int(v.chunk) > chunk {
			continue
		}
		if units := pl.visit(w, v, pl.layout.Union(it.batch, block)); units != 0 {
			needed |= units
			w.present = append(w.present, int32(block))
		}
	}
	return needed
}

// visit moves a block's visit on to the worker's chunk, and returns a bit for
// each unit of it that the block sees.
func (pl *plan) visit(w *worker, v *visit, union []cpu.Span) (units uint) {
	for int(v.span) < len(union) && int(union[v.span].Hi) <= w.keys.Lo {
		v.span++
	}
	v.chunk = math.MaxInt32
	for _, span := range union[v.span:] {
		keys := span.Interval().Intersect(w.keys)
		if keys.Len() > 0 {
			from, to := (keys.Lo-w.keys.Lo)/pl.unit, (keys.Hi-1-w.keys.Lo)/pl.unit
			units |= 2<<to - 1<<from
		}
		if int(span.Hi) > w.keys.Hi {
			v.chunk = int32(max(int(span.Lo), w.keys.Hi) / pl.chunk)
			break
		}
	}
	return units
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
		lo, hi := from*pl.unit, min(to*pl.unit, w.keys.Len())
		if hi-lo < w.keys.Len() {
			pl.fetch(it, kernels.Interval{Lo: w.keys.Lo + lo, Hi: w.keys.Lo + hi})
		}
		pl.packRun(w, it, lo, hi)
		from = to
	}
}

// fetch asks for keys and values that are met out of order, as under a pattern of
// blocks: the processor does not expect them.
func (pl *plan) fetch(it item, run kernels.Interval) {
	for _, t := range []*kernels.Tensor{&pl.K, &pl.V} {
		for key, n := run.Lo, 0; key < run.Hi; key += n {
			n = run.Hi - key
			if size := t.PageSize; size > 0 {
				n = min(n, size-key%size)
			}
			pl.simd.Fetch(stored(t, t.Offset(it.batch, it.kvHead, key)), n, pl.Problem.HeadDim)
		}
	}
}

// packRun packs the keys lo to hi of the chunk and their values, which may lie
// as if they were packed.
func (pl *plan) packRun(w *worker, it item, lo, hi int) {
	if pl.pairs != nil {
		pl.packPairs(w, it, lo, hi)
		return
	}
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
