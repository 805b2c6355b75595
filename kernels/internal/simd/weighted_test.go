package simd

import (
	"fmt"
	"testing"

	"github.com/attnbench/attnbench/kernels"
)

// AddWeighted is MulAdd of the same rows and widened values, bit for bit:
// whatever the number of rows, columns and keys, and wherever they lie.
func testAddWeighted(t *testing.T, f *Funcs, rows, keys, cols int, next func() float32) {
	t.Helper()
	p := newMatrix(rows, keys, 3, 1).fill(next)
	start := newMatrix(rows, cols, 2, 3).fill(next)
	check := func(v, wide Stored) {
		what := fmt.Sprintf("isa=%s/type=%v/rows=%d/keys=%d/cols=%d", f.Name, v.DType, rows, keys, cols)
		got, want := start.clone(), start.clone()
		f.AddWeighted(got.x, got.ld, p.x, p.ld, piecesOf(v, keys, cols, Ahead{Next: v.place(), Beyond: 1}), rows)
		for i := range rows {
			f.MulAdd(want.row(i), 0, p.row(i), 0, f.InPlace(wide.Float32, wide.LD), 1, keys, cols)
		}
		sameMatrix(t, what, got, want)
		again := start.clone()
		f.AddWeighted(again.x, again.ld, p.x, p.ld, cutPieces(v, keys, cols, 1), rows)
		sameMatrix(t, what+"/cut", again, got)
	}
	v := newMatrix(keys, cols, 1, 5).fill(next)
	check(Stored{Float32: v.x, LD: v.ld}, Stored{Float32: v.x, LD: v.ld})
	for _, dtype := range narrow {
		check(newStored(dtype, keys, cols, next))
	}
}

func TestAddWeighted(t *testing.T) {
	eachVariant(t, func(t *testing.T, f *Funcs) {
		for rows := range 18 {
			for _, keys := range []int{0, 1, 3, 4, 5, 16, 33} {
				for _, cols := range []int{0, 1, 7, 8, 9, 15, 16, 17, 31, 40, 64, 80, 128, 200} {
					testAddWeighted(t, f, rows, keys, cols, normal(uint64(keys)))
				}
			}
		}
	})
}

func TestAddWeightedNotFinite(t *testing.T) {
	eachVariant(t, func(t *testing.T, f *Funcs) {
		for seed := range uint64(30) {
			testAddWeighted(t, f, 5, 37, 21, wild(seed, 0.01))
			testAddWeighted(t, f, 8, 37, 48, wild(seed, 0.01))
		}
	})
}

// Weigh and AddWeighted are Attend, whose rows they take at once.
func TestWeigh(t *testing.T) {
	eachVariant(t, func(t *testing.T, f *Funcs) {
		for rows := range MaxRows + 1 {
			for _, chunks := range attendChunks(f) {
				x := newStep(rows, f.Cols+5, chunks, normal(uint64(rows)))
				if rows > 1 {
					for j := range x.s[0].row(1) {
						x.s[0].row(1)[j] = negInf
					}
				}
				x.checkWeigh(t, f, fmt.Sprintf("rows=%d/chunks=%v", rows, chunks))
			}
		}
	})
}

func (x step) checkWeigh(t *testing.T, f *Funcs, what string) {
	t.Helper()
	o := newMatrix(x.rows, x.cols, 3, 2)
	st := newState(x.rows)
	for i := range x.s {
		s, v := x.s[i].clone(), x.v[i]
		f.Weigh(o.x, o.ld, s.x, s.ld, x.rows, s.cols, x.cols, &st)
		f.AddWeighted(o.x, o.ld, s.x, s.ld, piecesOf(Stored{Float32: v.x, LD: v.ld}, s.cols, x.cols, Ahead{}), x.rows)
		s.checkGuards(t, what)
	}
	for r := range x.rows {
		row := step{rows: 1, cols: x.cols, v: x.v}
		for _, s := range x.s {
			one := newMatrix(1, s.cols, 0, 0)
			copy(one.x, s.row(r))
			row.s = append(row.s, one)
		}
		want, sums := row.attend(t, f, what)
		if !same(st.RowMax[r], sums.RowMax[0]) || !same(st.RowSum[r], sums.RowSum[0]) {
			t.Fatalf("%s: row %d has maximum %g and sum %g, want %g and %g", what, r, st.RowMax[r], st.RowSum[r], sums.RowMax[0], sums.RowSum[0])
		}
		for c, y := range o.row(r) {
			if !same(y, want.row(0)[c]) {
				t.Fatalf("%s: element %d,%d is %g, want %g", what, r, c, y, want.row(0)[c])
			}
		}
	}
	o.checkGuards(t, what)
}

func newState(rows int) State {
	st := State{RowMax: make([]float32, rows), RowSum: make([]float32, rows)}
	for i := range st.RowMax {
		st.RowMax[i] = negInf
	}
	return st
}

func TestWeightedPanics(t *testing.T) {
	eachVariant(t, func(t *testing.T, f *Funcs) {
		x, st := make([]float32, 32), newState(1)
		v := Stored{Float32: x, LD: 8}
		mustPanic(t, func() { f.AddWeighted(x, 8, x, 5, piecesOf(v, 5, 8, Ahead{}), 1) })
		mustPanic(t, func() { f.AddWeighted(x[:7], 8, x, 4, piecesOf(v, 4, 8, Ahead{}), 1) })
		mustPanic(t, func() { f.AddWeighted(x, 8, x, 4, piecesOf(v, 4, 8, Ahead{}), -1) })
		mustPanic(t, func() {
			f.AddWeighted(x, 8, x, 4, piecesOf(Stored{Half: make([]uint16, 31), DType: kernels.BFloat16, LD: 8}, 4, 8, Ahead{}), 1)
		})
		mustPanic(t, func() { f.Weigh(x, 8, x, 4, 2, 4, 8, &st) })
		mustPanic(t, func() { f.Weigh(x, 1, x, 1, MaxRows+1, 1, 1, &st) })
	})
}

func FuzzAddWeighted(f *testing.F) {
	f.Add(uint64(1), byte(1), byte(100), byte(128))
	f.Add(uint64(2), byte(8), byte(33), byte(15))
	f.Fuzz(func(t *testing.T, seed uint64, rows, keys, cols byte) {
		for _, v := range variants {
			if v.available {
				testAddWeighted(t, v, int(rows%18), int(keys), int(cols), wild(seed, 0.001))
			}
		}
	})
}
