package flash

import (
	"github.com/attnbench/attnbench/kernels"
	"github.com/attnbench/attnbench/kernels/internal/cpu"
	"github.com/attnbench/attnbench/kernels/internal/simd"
)

// A block is a few consecutive queries of one head within an item.
type block struct {
	cpu.Block
	at int // its first row in the worker's state
}

func (pl *plan) block(it item, group, index int) block {
	queries := pl.layout.Queries(index)
	return block{
		Block: cpu.Block{
			Batch: it.batch, KVHead: it.kvHead, Head: it.kvHead*pl.Problem.Group() + group, Queries: queries,
		},
		at: group*it.queries.Len() + queries.Lo - it.queries.Lo,
	}
}

// fold takes the worker's chunk of keys into the state of a block.
//
// Note: the block attends to its scores only after the next one has computed
// its own. A product's end and the softmax's beginning wait for the same few
// numbers, and the processor has other work in between that way; without it
// the share of the peak is ten points lower.
func (pl *plan) fold(w *worker, it item, group, index int) {
	common := pl.layout.Common(it.batch, index)
	b := pl.block(it, group, index)
	for _, v := range pl.layout.Union(it.batch, index) {
		keys := v.Interval().Intersect(w.keys)
		if keys.Len() == 0 {
			continue
		}
		pl.score(w, &w.steps[w.turn], b, keys, cpu.Covers(common, keys))
		pl.flush(w)
		w.turn, w.waiting = 1-w.turn, true
	}
}

// flush lets the waiting block attend.
func (pl *plan) flush(w *worker) {
	if w.waiting {
		pl.attend(w, &w.steps[1-w.turn])
		w.waiting = false
	}
}

// score computes the block's scores of an interval of the chunk; every query
// sees all of it when it is full.
func (pl *plan) score(w *worker, st *step, b block, keys kernels.Interval, full bool) {
	f, rows, d := pl.simd, b.Queries.Len(), pl.Problem.HeadDim
	lo, hi := keys.Lo-w.keys.Lo, keys.Hi-w.keys.Lo
	panel := lo / f.Cols * f.Cols // panels are whole
	st.block, st.keys, st.first = b, keys, lo-panel
	q, ldq := pl.Q.Float32[pl.Q.Offset(b.Batch, b.Head, b.Queries.Lo):], pl.Q.RowStride
	k := f.Packed(w.k[panel*d:], d)
	if full && st.first == 0 && !pl.Shaped() {
		f.MulMax(st.scores, w.stride, q, ldq, k, rows, d, hi-panel, st.state.Max[:])
		return
	}
	f.Mul(st.scores, w.stride, q, ldq, k, rows, d, hi-panel)
	s := st.scores[st.first:]
	pl.shape(w, st, s, full)
	f.RowMax(s, w.stride, rows, hi-lo, st.state.Max[:])
}

// attend takes the step's scores and values into its block.
func (pl *plan) attend(w *worker, st *step) {
	f, rows := pl.simd, st.Queries.Len()
	v := simd.Panels{Data: w.v[(st.keys.Lo-w.keys.Lo)*f.Cols:], LD: f.Cols, Panel: w.keys.Len() * f.Cols}
	o := pl.O.Float32[pl.O.Offset(st.Batch, st.Head, st.Queries.Lo):]
	st.state.RowMax, st.state.RowSum = w.rowMax[st.at:][:rows], w.rowSum[st.at:][:rows]
	f.Attend(o, pl.O.RowStride, st.scores[st.first:], w.stride, v, rows, st.keys.Len(), pl.Problem.HeadDim, &st.state)
}

// shape turns raw scores into logits and hides from each query what it does
// not see.
func (pl *plan) shape(w *worker, st *step, s []float32, full bool) {
	scratch := &w.scratch.Visible
	if full {
		scratch = nil
	}
	for i := range st.Queries.Len() {
		pl.Logits(s[i*w.stride:][:st.keys.Len()], st.Batch, st.Head, st.Queries.Lo+i, st.keys, scratch)
	}
}
