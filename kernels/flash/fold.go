package flash

import (
	"github.com/attnbench/attnbench/kernels"
)

// A lane is one query head of an item, from the item's first query on.
type lane struct {
	head  int
	q, o  []float32
	pairs []uint16 // Q, where it is multiplied as pairs
	at    int      // of the first query, in the worker's state
}

func (pl *plan) lane(it item, group int) lane {
	head := it.kvHead*pl.Problem.Group() + group
	l := lane{
		head: head,
		o:    pl.O.Float32[pl.O.Offset(it.batch, head, it.queries.Lo):],
		at:   group * it.queries.Len(),
	}
	if at := pl.Q.Offset(it.batch, head, it.queries.Lo); pl.pairs != nil {
		l.pairs = pl.Q.Half[at:]
	} else {
		l.q = pl.Q.Float32[at:]
	}
	return l
}

// fold takes the worker's chunk of keys into the state of a block.
//
// Note: the block attends to its scores only after the next one has computed
// its own. A product's end and the softmax's beginning wait for the same few
// numbers, and the processor has other work in between that way; without it
// the share of the peak is ten points lower. Not so where pairs are multiplied in
// steps: of the scores of such a block the first-level cache does not hold two.
func (pl *plan) fold(w *worker, it *item, l *lane, index int) {
	union := pl.layout.Union(it.batch, index)[w.visits[index-it.blocks.Lo].span:]
	for len(union) > 0 {
		keys := union[0].Interval().Intersect(w.keys)
		if keys.Len() == 0 {
			break
		}
		full := pl.layout.Sees(it.batch, index, keys)
		if over := pl.over(keys.Lo - w.keys.Lo); over != 0 {
			keys.Lo, full = keys.Lo-over, false // which no query sees
		}
		for union = union[1:]; len(union) > 0; union = union[1:] {
			if next := int(union[0].Lo); next-pl.over(next-w.keys.Lo) >= keys.Hi {
				break
			}
			keys.Hi, full = min(int(union[0].Hi), w.keys.Hi), false // they share a step
		}
		st := &w.steps[w.turn]
		st.place(it, l, pl.layout.Queries(index), keys)
		pl.score(w, st, full)
		if pl.inSteps() {
			pl.attend(w, st)
			continue
		}
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

// score computes the step's scores and their maxima; full says that every query
// sees all its keys.
func (pl *plan) score(w *worker, st *step, full bool) {
	if pl.pairs != nil {
		pl.scorePairs(w, st, full)
		return
	}
	f, rows, d := pl.simd, st.queries.Len(), pl.Problem.HeadDim
	lo, hi := st.keys.Lo-w.keys.Lo, st.keys.Hi-w.keys.Lo
	panel := lo / f.Cols * f.Cols // panels are whole
	st.first = lo - panel
	q, ldq := st.q[st.row*pl.Q.RowStride:], pl.Q.RowStride
	k := f.Packed(w.k[panel*d:], d)
	if !pl.Shaped() {
		if full && st.first == 0 {
			f.MulMax(st.scores, w.stride, q, ldq, k, rows, d, hi-panel, st.state.Max[:], nil)
			return
		}
		if pl.see(w, st) {
			f.MulMax(st.scores, w.stride, q, ldq, k, rows, d, hi-panel, st.state.Max[:], &w.seen)
			return
		}
	}
	f.Mul(st.scores, w.stride, q, ldq, k, rows, d, hi-panel)
	pl.Logits(st.scores[st.first:], w.stride, rows, st.batch, st.head, st.queries.Lo, st.keys, full, &w.scratch)
	f.RowMax(st.scores[st.first:], w.stride, rows, hi-lo, st.state.Max[:])
}

// see notes which of its scores each query of the step sees, unless there is
// one with more than one interval of them.
func (pl *plan) see(w *worker, st *step) bool {
	first := st.keys.Lo - st.first // the key of the first score
	for i := range st.queries.Len() {
		v, ok := pl.row(w, st, st.queries.Lo+i)
		if !ok {
			return false
		}
		w.seen.Lo[i], w.seen.Hi[i] = int32(v.Lo-first), int32(v.Hi-first)
	}
	return true
}

// row returns the one interval of the step's keys, which may be empty, that a
// query sees.
func (pl *plan) row(w *worker, st *step, query int) (one kernels.Interval, ok bool) {
	if v, ok := pl.layout.Row(st.batch, query); ok {
		return v.Interval().Intersect(st.keys), true
	}
	w.scratch.Visible = pl.Problem.AppendVisible(w.scratch.Visible[:0], st.batch, query)
	for _, v := range w.scratch.Visible {
		if v = v.Intersect(st.keys); v.Len() == 0 {
			continue
		}
		if one.Len() > 0 {
			return one, false
		}
		one = v
	}
	return one, true
}

// attend takes the step's scores and values into its queries' state.
func (pl *plan) attend(w *worker, st *step) {
	f, rows, first := pl.simd, st.queries.Len(), st.keys.Lo-w.keys.Lo
	o, ldo := st.o[st.row*pl.O.RowStride:], pl.O.RowStride
	st.state.RowMax, st.state.RowSum = w.rowMax[st.at+st.row:][:rows], w.rowSum[st.at+st.row:][:rows]
	if x := pl.pairs; x != nil {
		v := w.pairs.values
		v.Data = v.Data[first/2*x.Cols:]
		x.Attend(o, ldo, st.scores[st.first:], w.stride, v, rows, st.keys.Len(), pl.Problem.HeadDim, pl.pairScale(), &st.state)
		return
	}
	v := w.values
	v.Data = v.Data[first*int(v.LD):]
	f.Attend(o, ldo, st.scores[st.first:], w.stride, v, rows, st.keys.Len(), pl.Problem.HeadDim, &st.state)
}
