package simd

import (
	"fmt"
	"math"
	"testing"
)

// A pairStep is a step whose values are bfloat16 and whose scores are yet to be
// scaled.
type pairStep struct {
	step
	scale  float32
	values []halfMatrix
}

func newPairStep(rows, cols int, chunks []int, next func() float32) pairStep {
	x := pairStep{step: newStep(rows, cols, chunks, next), scale: 0.37}
	for i, keys := range chunks {
		v := newHalfMatrix(keys, cols, 2, next)
		x.values, x.v[i] = append(x.values, v), v.matrix
	}
	return x
}

func (x pairStep) attend(t *testing.T, p *Pairs, what string) (o matrix, st State) {
	t.Helper()
	o = newMatrix(x.rows, x.cols, 3, 2)
	rowMax, rowSum := newMatrix(1, x.rows, 0, 1), newMatrix(1, x.rows, 0, 2)
	st = State{
		RowMax: rowMax.fill(func() float32 { return negInf }).x,
		RowSum: rowSum.fill(func() float32 { return 0 }).x,
	}
	for i := range x.s {
		s, v := x.s[i].clone(), x.values[i]
		data := make([]uint32, p.PackedLen(s.cols, x.cols))
		p.Pack(data, v.bits, v.ld, s.cols, x.cols)
		p.Funcs.RowMax(s.x, s.ld, x.rows, s.cols, st.Max[:])
		p.Attend(o.x, o.ld, s.x, s.ld, p.Packed(data, s.cols), x.rows, s.cols, x.cols, x.scale, &st)
		s.checkGuards(t, what)
	}
	for _, m := range []matrix{o, rowMax, rowSum} {
		m.checkGuards(t, what)
	}
	return o, st
}

func (x pairStep) check(t *testing.T, p *Pairs, what string) {
	t.Helper()
	o, st := x.attend(t, p, what)
	x.hold(t, what, o, st)
}

// hold holds a result against float64: each weight errs by half a unit in the
// last place of bfloat16, and lse by no more than in float32.
func (x pairStep) hold(t *testing.T, what string, o matrix, st State) {
	t.Helper()
	scaled := x.step
	scaled.s = nil
	for _, s := range x.s {
		s = s.clone()
		for i := range s.rows {
			for j := range s.row(i) {
				s.row(i)[j] *= x.scale
			}
		}
		scaled.s = append(scaled.s, s)
	}
	for i := range x.rows {
		want, size, lse := scaled.plain(i)
		if got := float64(st.RowMax[i]) + math.Log2(float64(st.RowSum[i])); !near(float32(got), float32(lse), 1e-5) {
			t.Fatalf("%s: lse of row %d is %g, want %g", what, i, got, lse)
		}
		for c, w := range want {
			got := float64(o.row(i)[c])
			if st.RowSum[i] != 0 {
				got /= float64(st.RowSum[i])
			}
			if tol := 0x1p-8 * size[c]; !near(float32(got), float32(w), tol+0x1p-126) {
				t.Fatalf("%s: element %d,%d is %g, want %g ± %g", what, i, c, got, w, tol)
			}
		}
	}
}

func pairChunks(p *Pairs) [][]int {
	return append(attendChunks(p.Funcs), []int{31}, []int{33, 2}, []int{95, 64, 3}, []int{128, 127})
}

func TestAttendPairs(t *testing.T) {
	eachPairs(t, func(t *testing.T, p *Pairs) {
		for _, rows := range pairRows(p) {
			for _, cols := range []int{1, p.Cols - 1, p.Cols, p.Cols + 5, 2 * p.Cols} {
				for _, chunks := range pairChunks(p) {
					what := fmt.Sprintf("rows=%d/cols=%d/chunks=%v", rows, cols, chunks)
					newPairStep(rows, cols, chunks, normal(uint64(cols))).check(t, p, what)
				}
			}
		}
	})
}

// Weights are rounded to nearest: with values of 1 and sums of what was not
// rounded, a bias would show as a mean far from 1.
func TestAttendPairsUnbiased(t *testing.T) {
	eachPairs(t, func(t *testing.T, p *Pairs) {
		x := newPairStep(p.Rows, p.Cols, []int{512, 511}, normal(4))
		for i, v := range x.values {
			x.values[i] = newHalfMatrix(v.rows, v.cols, 2, func() float32 { return 1 })
		}
		o, st := x.attend(t, p, "ones")
		for i := range p.Rows {
			if got := o.row(i)[0] / st.RowSum[i]; math.Abs(float64(got-1)) > 4*0x1p-9/math.Sqrt(300) {
				t.Errorf("row %d: the weights sum up to %g, not 1", i, got)
			}
		}
	})
}

func TestAttendPairsMasked(t *testing.T) {
	eachPairs(t, func(t *testing.T, p *Pairs) {
		x := newPairStep(p.Rows, p.Cols+3, []int{20, 35, 7}, normal(3))
		for i := range p.Rows {
			for chunk, s := range x.s {
				for j := range s.row(i) {
					if i == 0 || i == 1 && chunk == 0 || i == 2 && chunk == 1 || (i+j)%3 == 0 {
						s.row(i)[j] = negInf
					}
				}
			}
		}
		x.check(t, p, "masked")
		o, st := x.attend(t, p, "masked")
		for c, y := range o.row(0) {
			if y != 0 {
				t.Errorf("row without keys: column %d is %g", c, y)
			}
		}
		if st.RowSum[0] != 0 || st.RowMax[0] != negInf {
			t.Errorf("row without keys: sum %g, maximum %g", st.RowSum[0], st.RowMax[0])
		}
	})
}

func TestAttendPairsNotFinite(t *testing.T) {
	for _, bad := range []float64{math.NaN(), math.Inf(1)} {
		eachPairs(t, func(t *testing.T, p *Pairs) {
			for chunk := range 3 {
				x := newPairStep(p.Rows, p.Cols, []int{20, 35, 18}, normal(5))
				x.s[chunk].row(1)[17] = float32(bad)
				o, st := x.attend(t, p, "not finite")
				for i := range p.Rows {
					for c, y := range o.row(i) {
						if isNaN := y/st.RowSum[i] != y/st.RowSum[i]; isNaN != (i == 1) {
							t.Fatalf("%g in chunk %d: element %d,%d is %g", bad, chunk, i, c, y/st.RowSum[i])
						}
					}
				}
			}
		})
	}
}

// Rows attend alike in a block of their own and in company, and columns alike
// in a panel and beyond it.
func TestAttendPairsShapeInvariant(t *testing.T) {
	eachPairs(t, func(t *testing.T, p *Pairs) {
		for _, chunks := range pairChunks(p) {
			x := newPairStep(p.Rows, 2*p.Cols, chunks, normal(6))
			whole, sums := x.attend(t, p, "whole")
			for i := range p.Rows {
				row := pairStep{step: step{rows: 1, cols: x.cols, v: x.v}, scale: x.scale, values: x.values}
				for _, s := range x.s {
					one := newMatrix(1, s.cols, 0, 0)
					copy(one.x, s.row(i))
					row.s = append(row.s, one)
				}
				o, st := row.attend(t, p, "row")
				if !same(st.RowSum[0], sums.RowSum[i]) || !same(st.RowMax[0], sums.RowMax[i]) {
					t.Fatalf("chunks=%v: sum of row %d depends on the block", chunks, i)
				}
				for c, y := range o.row(0) {
					if !same(y, whole.row(i)[c]) {
						t.Fatalf("chunks=%v: element %d,%d depends on the block", chunks, i, c)
					}
				}
			}
		}
	})
}
