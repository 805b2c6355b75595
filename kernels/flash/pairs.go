package flash

import (
	"math"

	"github.com/attnbench/attnbench/kernels"
	"github.com/attnbench/attnbench/kernels/internal/cpu"
	"github.com/attnbench/attnbench/kernels/internal/simd"
)

// Where Q, K and V are bfloat16 and the instruction set multiplies pairs of
// them, K and V are packed as they are, and so is P between the products. Sums
// and the softmax are float32 as ever. Scores are scaled where the softmax
// subtracts their maximum, or where they are capped or biased: K takes no factor
// without rounding.

// RoundsWeights: P is multiplied as bfloat16 where K and V are, unless there are
// so few rows of it that they are not: decodesPairs.
func (kernel) RoundsWeights(p kernels.Problem, opts kernels.Options) bool {
	base, err := cpu.NewPlan("flash", p, opts, 0)
	if err != nil {
		return false
	}
	x := base.Pairs()
	return x != nil && (p.QLen > decodeQueries || decodesPairs(p, x))
}

// A pairWorker is what a worker needs for products of pairs.
type pairWorker struct {
	k, v   []uint32              // packed K and V of the chunk
	gather []uint16              // [chunk, headDim]: rows of a K or V that lies in pages
	q      []uint16              // [rows, headDim + 1]: queries of an odd depth, filled up with zero
	scale  [simd.MaxRows]float32 // of scores that are capped or biased
	values simd.PairPanels       // V of the chunk
	tiny   bool                  // some number of V packed for the item is so small that products with it count as zero
}

func (pl *plan) pairWorker(w *worker) {
	x, p := pl.pairs, &pl.Problem
	if x == nil {
		return
	}
	w.pairs.k, w.pairs.v = simd.AsPairs(w.k), simd.AsPairs(w.v)
	w.pairs.gather = simd.AsHalves(w.gather)
	if p.HeadDim%2 != 0 {
		w.pairs.q = make([]uint16, x.Rows*(p.HeadDim+1))
		pl.Hold(2 * int64(len(w.pairs.q)))
	}
	for i := range w.pairs.scale {
		w.pairs.scale[i] = pl.ScaleLog2()
	}
}

// packPairs packs the keys lo to hi of the chunk, of which lo is even, and their
// values.
func (pl *plan) packPairs(w *worker, it item, lo, hi int) {
	x, d, depth := pl.pairs, pl.Problem.HeadDim, pl.pairs.Depth(pl.Problem.HeadDim)
	run := kernels.Interval{Lo: w.keys.Lo + lo, Hi: w.keys.Lo + hi}
	k, ldk := pl.HalfRows(&pl.K, w.pairs.gather, it.batch, it.kvHead, run)
	x.PackTransposed(w.pairs.k[lo*depth:], k, ldk, hi-lo, d)
	v, ldv := pl.HalfRows(&pl.V, w.pairs.gather, it.batch, it.kvHead, run)
	w.pairs.values = x.Packed(w.pairs.v, w.keys.Len())
	for j := 0; j < d; j += x.Cols {
		at := j/x.Cols*w.pairs.values.Panel + lo/2*x.Cols
		if x.Pack(w.pairs.v[at:], v[j:], ldv, hi-lo, min(x.Cols, d-j)) {
			w.pairs.tiny = true
		}
	}
}

// over returns how many keys come before the one at an offset in its step of
// pairs, which are multiplied together.
func (pl *plan) over(offset int) int {
	if pl.pairs == nil {
		return 0
	}
	return offset % (2 * pl.pairs.Step)
}

// inSteps reports whether several pairs are multiplied together, in tiles.
func (pl *plan) inSteps() bool { return pl.pairs != nil && pl.pairs.Step > 1 }

// pairScale is what scores are yet to be multiplied by when a block attends.
func (pl *plan) pairScale() float32 {
	if pl.Shaped() {
		return 1
	}
	return pl.ScaleLog2()
}

// queryPairs returns the step's rows of Q, in whole pairs.
func (pl *plan) queryPairs(w *worker, st *step) (q []uint16, ldq int) {
	d := pl.Problem.HeadDim
	q, ldq = st.pairs[st.row*pl.Q.RowStride:], pl.Q.RowStride
	if d%2 == 0 {
		return q, ldq
	}
	for i := range st.queries.Len() {
		copy(w.pairs.q[i*(d+1):], q[i*ldq:][:d])
	}
	return w.pairs.q, d + 1
}

// scorePairs is score on pairs.
func (pl *plan) scorePairs(w *worker, st *step, full bool) {
	x, rows, d := pl.pairs, st.queries.Len(), pl.Problem.HeadDim
	lo, hi := st.keys.Lo-w.keys.Lo, st.keys.Hi-w.keys.Lo
	panel := lo / x.Cols * x.Cols // panels are whole
	st.first = lo - panel
	q, ldq := pl.queryPairs(w, st)
	k := x.Packed(w.pairs.k[panel*x.Depth(d):], d)
	var seen *simd.Seen
	whole := full && st.first == 0
	done := !pl.Shaped() && (whole || pl.see(w, st))
	if done && !whole {
		seen = &w.seen
	}
	x.MulMax(st.scores, w.stride, q, ldq, k, rows, d, hi-panel, st.state.Max[:], seen)
	if done {
		return
	}
	s := st.scores[st.first:]
	if pl.Shaped() {
		x.Funcs.Scale(s, w.stride, s, w.stride, rows, hi-lo, w.pairs.scale[:])
	}
	pl.Logits(s, w.stride, rows, st.batch, st.head, st.queries.Lo, st.keys, full, &w.scratch)
	x.Funcs.RowMax(s, w.stride, rows, hi-lo, st.state.Max[:])
}

// hasSmall reports whether a number of a row is so small that products taken for
// zero could count: a million below 2^-126, and 18 bits.
func hasSmall(row []float32) bool {
	const limit = (127 - 88) << 24
	least := [4]uint32{0: limit, 1: limit, 2: limit, 3: limit} // magnitudes as bits, doubled
	for ; len(row) >= 4; row = row[4:] {
		for i := range least {
			least[i] = min(least[i], math.Float32bits(row[i])<<1)
		}
	}
	for _, x := range row {
		least[0] = min(least[0], math.Float32bits(x)<<1)
	}
	return least != [4]uint32{limit, limit, limit, limit}
}

// repairTiny computes the rows of a block again that hold a small number.
func repairTiny(pl *cpu.Plan, b cpu.Block, scratch *cpu.Scratch) {
	for i := b.Queries.Lo; i < b.Queries.Hi; i++ {
		if !hasSmall(pl.O.Row(b.Batch, b.Head, i)) {
			continue
		}
		scratch.Visible = pl.Problem.AppendVisible(scratch.Visible[:0], b.Batch, i)
		if len(scratch.Visible) > 0 {
			pl.RepairRow(b, i, scratch.Visible)
		}
	}
}
