package cpu

import (
	"math"

	"github.com/attnbench/attnbench/kernels"
	"github.com/attnbench/attnbench/kernels/internal/simd"
)

// A Part is an interval of keys whose scores lie together in the rows of a
// stripe, from column At on.
type Part struct {
	Keys kernels.Interval
	At   int
}

// A Stripe holds the scores of at most simd.MaxRows queries for all the keys
// that any of them sees.
type Stripe struct {
	Funcs  *simd.Funcs
	Scores []float32 // raw scores, then weights
	Stride int       // between its rows
	RowMax []float32 // of each row, in units of ln 2
	RowSum []float32
}

// Softmax turns the raw scores of a block into unnormalised weights and notes
// the rows' maxima and sums. common are the keys that every query sees.
func (p *Plan) Softmax(st *Stripe, b Block, parts []Part, common []Span, scratch *Scratch) {
	rows := b.Queries.Len()
	for i := range rows {
		st.RowMax[i], st.RowSum[i] = float32(math.Inf(-1)), 0
	}
	for _, part := range parts {
		s, n, full := st.Scores[part.At:], part.Keys.Len(), Covers(common, part.Keys)
		p.Logits(s, st.Stride, rows, b.Batch, b.Head, b.Queries.Lo, part.Keys, full, scratch)
		st.Funcs.RowMax(s, st.Stride, rows, n, scratch.rows[:])
		for i := range rows {
			st.RowMax[i] = max(st.RowMax[i], scratch.rows[i])
		}
	}
	for i, m := range st.RowMax[:rows] {
		if scratch.rows[i] = m; math.IsInf(float64(m), -1) {
			scratch.rows[i] = 0 // nothing seen: every weight is 2^−Inf
		}
	}
	for _, part := range parts {
		st.Funcs.ExpSum(st.Scores[part.At:], st.Stride, rows, part.Keys.Len(), scratch.rows[:], st.RowSum)
	}
}

// Normalise divides the unnormalised output of a block of any number of rows by
// its sums, which are lost, and writes lse. It repairs rows that a value reached
// which is not finite and which they do not see.
func (p *Plan) Normalise(f *simd.Funcs, b Block, rowMax, rowSum []float32, scratch *Scratch) {
	for i := range b.Queries.Len() {
		query, m, sum := b.Queries.Lo+i, rowMax[i], rowSum[i]
		if sum == 0 && len(p.visible(b, query, scratch)) == 0 {
			p.EmptyRow(b, query)
			continue
		}
		p.SetLSE(b.Batch, b.Head, query, float32(float64(m)*math.Ln2+math.Log(float64(sum))))
		rowSum[i] = 1 / p.Denominator(b.Head, m*math.Ln2, sum)
	}
	o, ldo := p.O.Float32[p.O.Offset(b.Batch, b.Head, b.Queries.Lo):], p.O.RowStride
	finite := f.Scale(o, ldo, o, ldo, b.Queries.Len(), p.Problem.HeadDim, rowSum)
	for i := b.Queries.Lo; i < b.Queries.Hi && !finite; i++ {
		if !Finite(p.O.Row(b.Batch, b.Head, i)) {
			p.RepairRow(b, i, p.visible(b, i, scratch))
		}
	}
}

func (p *Plan) visible(b Block, query int, scratch *Scratch) []kernels.Interval {
	scratch.Visible = p.Problem.AppendVisible(scratch.Visible[:0], b.Batch, query)
	return scratch.Visible
}
