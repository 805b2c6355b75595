package simd

import (
	"fmt"
	"math"
	"testing"
)

// A step is a block of rows that attends to chunks of keys, one S after the
// other.
type step struct {
	rows, cols int
	s, v       []matrix // of each chunk
}

func newStep(rows, cols int, chunks []int, next func() float32) step {
	x := step{rows: rows, cols: cols}
	for _, keys := range chunks {
		x.s = append(x.s, newMatrix(rows, keys, 5, 1).fill(func() float32 { return 4 * next() }))
		x.v = append(x.v, newMatrix(keys, cols, 2, 3).fill(next))
	}
	return x
}

// attend returns O, unnormalised, over poison, and the state.
func (x step) attend(t *testing.T, f *Funcs, what string) (o matrix, st State) {
	t.Helper()
	o = newMatrix(x.rows, x.cols, 3, 2)
	rowMax, rowSum := newMatrix(1, x.rows, 0, 1), newMatrix(1, x.rows, 0, 2)
	st = State{
		RowMax: rowMax.fill(func() float32 { return negInf }).x,
		RowSum: rowSum.fill(func() float32 { return 0 }).x,
	}
	for i := range x.s {
		s, v := x.s[i].clone(), x.v[i]
		f.RowMax(s.x, s.ld, x.rows, s.cols, st.Max[:])
		f.Attend(o.x, o.ld, s.x, s.ld, f.InPlace(v.x, v.ld), x.rows, s.cols, x.cols, &st)
		s.checkGuards(t, what)
	}
	for _, m := range []matrix{o, rowMax, rowSum} {
		m.checkGuards(t, what)
	}
	return o, st
}

// plain is softmax(S)·V of one row in float64, its lse in units of ln 2, and
// the mean magnitude of what went into each column.
func (x step) plain(row int) (o, size []float64, lse float64) {
	m := math.Inf(-1)
	for _, s := range x.s {
		for _, y := range s.row(row) {
			m = math.Max(m, float64(y))
		}
	}
	o, size = make([]float64, x.cols), make([]float64, x.cols)
	if math.IsInf(m, -1) {
		return o, size, m
	}
	sum := 0.0
	for i, s := range x.s {
		for j, y := range s.row(row) {
			p := math.Exp2(float64(y) - m)
			sum += p
			for c, z := range x.v[i].row(j) {
				o[c] += p * float64(z)
				size[c] += p * math.Abs(float64(z))
			}
		}
	}
	for c := range o {
		o[c] /= sum
		size[c] /= sum
	}
	return o, size, m + math.Log2(sum)
}

// check holds Attend against plain. Each weight errs by expBound and by the
// rounding of S - m, each sum by its additions.
func (x step) check(t *testing.T, f *Funcs, what string) {
	t.Helper()
	o, st := x.attend(t, f, what)
	keys := 0
	for _, s := range x.s {
		keys += s.cols
	}
	for i := range x.rows {
		want, size, lse := x.plain(i)
		if got := float64(st.RowMax[i]) + math.Log2(float64(st.RowSum[i])); !near(float32(got), float32(lse), 1e-5) {
			t.Fatalf("%s: lse of row %d is %g, want %g", what, i, got, lse)
		}
		for c, w := range want {
			got := float64(o.row(i)[c])
			if st.RowSum[i] != 0 {
				got /= float64(st.RowSum[i])
			}
			if tol := (32 + float64(keys)) * 0x1p-23 * size[c]; !near(float32(got), float32(w), tol+0x1p-149) {
				t.Fatalf("%s: element %d,%d is %g, want %g ± %g", what, i, c, got, w, tol)
			}
		}
	}
}

func attendChunks(f *Funcs) [][]int {
	return [][]int{{1}, {f.Width}, {40, 1}, {17, 64, 33}, {64, 16}, {5, 128}}
}

func TestAttend(t *testing.T) {
	eachVariant(t, func(t *testing.T, f *Funcs) {
		for rows := 1; rows <= f.Rows; rows++ {
			for _, cols := range []int{1, f.Cols - 1, f.Cols, f.Cols + 5, 2 * f.Cols} {
				for _, chunks := range attendChunks(f) {
					what := fmt.Sprintf("rows=%d/cols=%d/chunks=%v", rows, cols, chunks)
					newStep(rows, cols, chunks, normal(uint64(cols))).check(t, f, what)
				}
			}
		}
	})
}

// Masked scores weigh nothing, whole rows and whole chunks of them included.
func TestAttendMasked(t *testing.T) {
	eachVariant(t, func(t *testing.T, f *Funcs) {
		x := newStep(f.Rows, f.Cols+3, []int{20, 35, 7}, normal(3))
		for i := range f.Rows {
			for chunk, s := range x.s {
				for j := range s.row(i) {
					if i == 0 || i == 1 && chunk == 0 || i == 2 && chunk == 1 || (i+j)%3 == 0 {
						s.row(i)[j] = negInf
					}
				}
			}
		}
		x.check(t, f, "masked")
		o, st := x.attend(t, f, "masked")
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

// What is not finite and visible shows in its row, and in no other.
func TestAttendNotFinite(t *testing.T) {
	for _, bad := range []float64{math.NaN(), math.Inf(1)} {
		eachVariant(t, func(t *testing.T, f *Funcs) {
			for chunk := range 3 {
				x := newStep(f.Rows, f.Cols, []int{20, 35, 18}, normal(5))
				x.s[chunk].row(1)[17] = float32(bad)
				o, st := x.attend(t, f, "not finite")
				for i := range f.Rows {
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

// Rows attend alike in a block of their own and in company.
func TestAttendShapeInvariant(t *testing.T) {
	eachVariant(t, func(t *testing.T, f *Funcs) {
		for _, chunks := range attendChunks(f) {
			x := newStep(f.Rows, 2*f.Cols, chunks, normal(6))
			whole, sums := x.attend(t, f, "whole")
			for i := range f.Rows {
				row := step{rows: 1, cols: x.cols, v: x.v}
				for _, s := range x.s {
					one := newMatrix(1, s.cols, 0, 0)
					copy(one.x, s.row(i))
					row.s = append(row.s, one)
				}
				o, st := row.attend(t, f, "row")
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

func TestAttendPanics(t *testing.T) {
	eachVariant(t, func(t *testing.T, f *Funcs) {
		x := make([]float32, 4*f.Cols)
		st := State{RowMax: []float32{negInf}, RowSum: []float32{0}}
		v := f.InPlace(x, f.Cols)
		mustPanic(t, func() { f.Attend(x, f.Cols, x, 4, v, 2, 4, f.Cols, &st) })
		mustPanic(t, func() { f.Attend(x, f.Cols, x, 4, v, 1, 5, f.Cols, &st) })
		mustPanic(t, func() { f.Attend(x, f.Cols, x[:3], 4, v, 1, 4, f.Cols, &st) })
		mustPanic(t, func() { f.Attend(x[:1], f.Cols, x, 4, v, 1, 4, f.Cols, &st) })
	})
}

func FuzzAttend(f *testing.F) {
	f.Add(uint64(1), byte(6), byte(64), byte(100), byte(17))
	f.Add(uint64(2), byte(6), byte(130), byte(16), byte(0))
	f.Add(uint64(3), byte(2), byte(3), byte(1), byte(200))
	f.Fuzz(func(t *testing.T, seed uint64, rows, cols, first, second byte) {
		if first == 0 && second == 0 {
			t.Skip("no keys have no sum to divide by")
		}
		for _, v := range variants {
			if v.available {
				chunks := []int{int(first), int(second)}
				newStep(1+int(rows)%v.Rows, 1+int(cols), chunks, normal(seed)).check(t, v, v.Name)
			}
		}
	})
}
