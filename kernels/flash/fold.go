package flash

import (
	"github.com/attnbench/attnbench/kernels"
	"github.com/attnbench/attnbench/kernels/internal/cpu"
	"github.com/attnbench/attnbench/kernels/internal/simd"
)

// A lane is one query head of an item, from the item's first query on.
type lane struct {
	head int
	q, o []float32
	at   int // of the first query, in the worker's state
}

func (pl *plan) lane(it item, group int) lane {
	head := it.kvHead*pl.Problem.Group() + group
	return lane{
		head: head,
		q:    pl.Q.Float32[pl.Q.Offset(it.batch, head, it.queries.Lo):],
		o:    pl.O.Float32[pl.O.Offset(it.batch, head, it.queries.Lo):],
		at:   group * it.queries.Len(),
	}
}

// fold takes the worker's chunk of keys into the state of a block.
//
// Note: the block attends to its scores only after the next one has computed
// its own. A product's end and the softmax's beginning wait for the same few
// numbers, and the processor has other work in between that way; without it
// the share of the peak is ten points lower.
func (pl *plan) fold(w *worker, it *item, l *lane, index int) {
	common := pl.layout.Common(it.batch, index)
	for _, v := range pl.layout.Union(it.batch, index) {
		keys := v.Interval().Intersect(w.keys)
		if keys.Len() == 0 {
			continue
		}
		st := &w.steps[w.turn]
		st.place(it, l, pl.layout.Queries(index), keys)
		pl.score(w, st, cpu.Prefix(common, keys))
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

// score computes the step's scores; every query sees the first so many of its
// keys. The panels of those need no mask, and their product finds the maxima.
func (pl *plan) score(w *worker, st *step, seen int) {
	f, rows, d := pl.simd, st.queries.Len(), pl.Problem.HeadDim
	lo, hi := st.keys.Lo-w.keys.Lo, st.keys.Hi-w.keys.Lo
	panel := lo / f.Cols * f.Cols // panels are whole
	st.first = lo - panel
	q, ldq := st.q[st.row*pl.Q.RowStride:], pl.Q.RowStride
	n := 0
	if st.first == 0 && !pl.Shaped() {
		if n = seen; n < hi-lo {
			n = n / f.Cols * f.Cols
		}
		f.MulMax(st.scores, w.stride, q, ldq, f.Packed(w.k[panel*d:], d), rows, d, n, st.state.Max[:], nil)
		if n == hi-lo {
			return
		}
	}
	f.Mul(st.scores[n:], w.stride, q, ldq, f.Packed(w.k[(panel+n)*d:], d), rows, d, hi-panel-n)
	at := max(n, st.first)
	rest := kernels.Interval{Lo: w.keys.Lo + panel + at, Hi: st.keys.Hi}
	pl.Logits(st.scores[at:], w.stride, rows, st.batch, st.head, st.queries.Lo, rest, seen == hi-lo, &w.scratch)
	if n == 0 {
		f.RowMax(st.scores[at:], w.stride, rows, hi-panel-at, st.state.Max[:])
		return
	}
	f.RowMax(st.scores[at:], w.stride, rows, hi-panel-at, w.rest[:])
	for i, m := range w.rest[:rows] {
		st.state.Max[i] = max(st.state.Max[i], m)
	}
}

// attend takes the step's scores and values into its queries' state.
func (pl *plan) attend(w *worker, st *step) {
	f, rows := pl.simd, st.queries.Len()
	v := simd.Panels{Data: w.v[(st.keys.Lo-w.keys.Lo)*f.Cols:], LD: f.Cols, Panel: w.keys.Len() * f.Cols}
	o, ldo := st.o[st.row*pl.O.RowStride:], pl.O.RowStride
	st.state.RowMax, st.state.RowSum = w.rowMax[st.at+st.row:][:rows], w.rowSum[st.at+st.row:][:rows]
	f.Attend(o, ldo, st.scores[st.first:], w.stride, v, rows, st.keys.Len(), pl.Problem.HeadDim, &st.state)
}
