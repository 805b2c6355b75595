package cpu

import (
	"math"

	"github.com/attnbench/attnbench/kernels"
)

// Dot returns Σ x[i]·y[i] in four partial sums. Both have len(x) elements.
func Dot(x, y []float32) float32 {
	var s0, s1, s2, s3 float32
	y = y[:len(x)]
	i := 0
	for ; i+4 <= len(x); i += 4 {
		s0 += x[i] * y[i]
		s1 += x[i+1] * y[i+1]
		s2 += x[i+2] * y[i+2]
		s3 += x[i+3] * y[i+3]
	}
	for ; i < len(x); i++ {
		s0 += x[i] * y[i]
	}
	return (s0 + s1) + (s2 + s3)
}

// Axpy adds a·x to y. Both have len(x) elements.
func Axpy(a float32, x, y []float32) {
	y = y[:len(x)]
	for i, v := range x {
		y[i] += a * v
	}
}

// Scale multiplies x by a.
func Scale(a float32, x []float32) {
	for i := range x {
		x[i] *= a
	}
}

// Max returns the greatest element, −Inf for none; a NaN is passed over, for
// the exponentials after it carry it into the sum.
func Max(x []float32) float32 {
	m := float32(math.Inf(-1))
	for _, v := range x {
		if v > m {
			m = v
		}
	}
	return m
}

// ExpSum replaces each x by exp(x−m) and returns their sum.
func ExpSum(x []float32, m float32) float32 {
	var sum float32
	for i, v := range x {
		e := float32(math.Exp(float64(v - m)))
		x[i] = e
		sum += e
	}
	return sum
}

// Finite reports whether no element is an infinity or a NaN.
func Finite(x []float32) bool {
	var sum float32
	for _, v := range x {
		sum += v - v // 0, or NaN
	}
	return sum == 0
}

// LSE returns the natural log-sum-exp of a row from its maximum and the sum of
// exp(s−rowMax).
func LSE(rowMax, rowSum float32) float32 {
	return float32(float64(rowMax) + math.Log(float64(rowSum)))
}

// Shape turns the raw scores scale·q·k of a query and consecutive keys from
// first on into logits, in place: soft cap, then distance bias.
func (p *Plan) Shape(head, query, first int, s []float32) {
	if limit := float32(p.Problem.Softcap); limit != 0 {
		for i, x := range s {
			s[i] = limit * float32(math.Tanh(float64(x/limit)))
		}
	}
	if p.Problem.ALiBi {
		slope, pos := float32(p.Problem.ALiBiSlope(head)), p.Problem.Position(query)
		for i := range s {
			s[i] -= slope * float32(distance(pos, first+i))
		}
	}
}

func distance(a, b int) int { return max(a-b, b-a) }

// Denominator returns what a row's weighted sum is divided by: rowSum, and
// the sink logit's share where the problem has one.
func (p *Plan) Denominator(head int, rowMax, rowSum float32) float32 {
	if !p.Problem.SinkLogits {
		return rowSum
	}
	return rowSum + float32(math.Exp(float64(p.SinkLogits[head]-rowMax)))
}

// EmptyRow writes the result of a query that sees no key: O = 0, lse = −Inf.
func (p *Plan) EmptyRow(b Block, query int) {
	clear(p.O.Row(b.Batch, b.Head, query))
	p.SetLSE(b.Batch, b.Head, query, float32(math.Inf(-1)))
}

// RepairRow computes a row of O and its lse in two passes over its visible keys,
// for the maximum and for the weighted sum, without room for the scores.
// Kernels that multiply whole tiles need it for rows that came out infinite or
// NaN: there a masked key has weight 0, and 0·NaN or 0·Inf in a value that only
// other rows see would leak. A row that holds such a value rightly comes out
// as before.
func (p *Plan) RepairRow(b Block, query int, visible []kernels.Interval) {
	var wide, buf [kernels.MaxHeadDim]float32 // for what is stored as halves
	q, o := p.Q.ReadRow(wide[:], b.Batch, b.Head, query), p.O.Row(b.Batch, b.Head, query)
	scale := float32(p.Problem.EffectiveScale())
	score := func(j int) float32 {
		s := [1]float32{scale * Dot(q, p.K.ReadRow(buf[:], b.Batch, b.KVHead, j))}
		p.Shape(b.Head, query, j, s[:])
		return s[0]
	}
	rowMax, rowSum := float32(math.Inf(-1)), float32(0)
	for _, v := range visible {
		for j := v.Lo; j < v.Hi; j++ {
			if s := score(j); s > rowMax {
				rowMax = s
			}
		}
	}
	clear(o)
	for _, v := range visible {
		for j := v.Lo; j < v.Hi; j++ {
			e := [1]float32{score(j)}
			rowSum += ExpSum(e[:], rowMax)
			Axpy(e[0], p.V.ReadRow(buf[:], b.Batch, b.KVHead, j), o)
		}
	}
	Scale(1/p.Denominator(b.Head, rowMax, rowSum), o)
	p.SetLSE(b.Batch, b.Head, query, LSE(rowMax, rowSum))
}
