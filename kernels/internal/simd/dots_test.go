package simd

import (
	"fmt"
	"math"
	"testing"

	"github.com/attnbench/attnbench/kernels"
)

func testDots(t *testing.T, f *Funcs, rows, keys, depth int, next func() float32) {
	t.Helper()
	what := fmt.Sprintf("isa=%s/rows=%d/keys=%d/depth=%d", f.Name, rows, keys, depth)
	q, k := newMatrix(rows, depth, 2, 1).fill(next), newMatrix(keys, depth, 1, 3).fill(next)
	s := newMatrix(rows, keys, 3, 2)
	f.Dots(s.x, s.ld, queries(f, q), piecesOf(Stored{Float32: k.x, LD: k.ld}, keys, depth, Ahead{}))
	s.checkGuards(t, what)
	cut := newMatrix(rows, keys, 3, 2)
	f.Dots(cut.x, cut.ld, queries(f, q), cutPieces(Stored{Float32: k.x, LD: k.ld}, keys, depth, 1))
	sameMatrix(t, what+"/cut", cut, s)
	least := 1 // rows for which the order is this
	if rows > StreamRows {
		least = StreamRows + 1
	}
	for i := range rows {
		for j := range keys {
			want, size := 0.0, 0.0
			for c := range depth {
				p := float64(q.row(i)[c]) * float64(k.row(j)[c])
				want += p
				size += math.Abs(p)
			}
			if got := s.row(i)[j]; !near(got, float32(want), float64(depth+2)*0x1p-24*size+0x1p-149) {
				t.Fatalf("%s: element %d,%d is %g, want %g", what, i, j, got, want)
			}
			one, alone := make([]float32, least), f.NewQueries(make([]float32, f.QueriesLen(least, depth)), least, depth)
			alone.Set(0, q.row(i), 1)
			if f.Dots(one, 1, alone, piecesOf(Stored{Float32: k.row(j)}, 1, depth, Ahead{})); !same(one[0], s.row(i)[j]) {
				t.Fatalf("%s: element %d,%d depends on the block", what, i, j)
			}
		}
	}
}

// Keys stored as halves or bytes give what their widened ones do, bit for bit, wherever
// they lie, in however many pieces, and whatever is fetched meanwhile.
func testDotsStored(t *testing.T, f *Funcs, rows, keys, depth int, next func() float32) {
	t.Helper()
	for _, dtype := range narrow {
		what := fmt.Sprintf("isa=%s/type=%v/rows=%d/keys=%d/depth=%d", f.Name, dtype, rows, keys, depth)
		q := newMatrix(rows, depth, 2, 1).fill(next)
		k, wide := newStored(dtype, keys, depth, next)
		s, want := newMatrix(rows, keys, 3, 2), newMatrix(rows, keys, 3, 2)
		f.Dots(s.x, s.ld, queries(f, q), piecesOf(k, keys, depth, Ahead{Next: k.place(), Beyond: 1}))
		f.Dots(want.x, s.ld, queries(f, q), piecesOf(wide, keys, depth, Ahead{}))
		sameMatrix(t, what, s, want)
		for _, unit := range []int{1, 7, 16} { // sixteen keys may be widened ahead of a piece
			if unit < max(2, keys) {
				f.Dots(s.x, s.ld, queries(f, q), cutPieces(k, keys, depth, unit))
				sameMatrix(t, fmt.Sprintf("%s/unit=%d", what, unit), s, want)
			}
		}
	}
}

// queries lays out a matrix as [Funcs.Dots] takes it.
func queries(f *Funcs, m matrix) Queries {
	q := f.NewQueries(make([]float32, f.QueriesLen(m.rows, m.cols)), m.rows, m.cols)
	for i := range m.rows {
		q.Set(i, m.row(i), 1)
	}
	return q
}

// narrow are the element types that are widened as they are loaded.
var narrow = append(halves, kernels.Int8)

// newStored is a matrix of halves or bytes in a slice that ends with it, and the
// same widened.
func newStored(dtype kernels.DType, rows, cols int, next func() float32) (x, wide Stored) {
	n := max(0, (rows-1)*(cols+3)+cols)
	if rows == 0 || cols == 0 {
		n = 0
	}
	x = Stored{DType: dtype, LD: cols + 3}
	wide = Stored{LD: x.LD, Float32: make([]float32, n)}
	if dtype == kernels.Int8 {
		x.Int8 = make([]int8, n)
		for i := range x.Int8 {
			x.Int8[i] = int8(math.Float32bits(next()) >> 13)
			wide.Float32[i] = float32(x.Int8[i])
		}
		return x, wide
	}
	x.Half = make([]uint16, n)
	for i := range x.Half {
		x.Half[i] = dtype.Narrow(next())
		wide.Float32[i] = dtype.Widen(x.Half[i])
	}
	return x, wide
}

func sameMatrix(t *testing.T, what string, got, want matrix) {
	t.Helper()
	got.checkGuards(t, what)
	for i := range got.rows {
		for j, x := range got.row(i) {
			if !same(x, want.row(i)[j]) {
				t.Fatalf("%s: element %d,%d is %g, want %g", what, i, j, x, want.row(i)[j])
			}
		}
	}
}

func TestDots(t *testing.T) {
	eachVariant(t, func(t *testing.T, f *Funcs) {
		for rows := range 18 {
			for _, keys := range []int{0, 1, 3, 4, 7, 8, 15, 16, 17, 33, 70} {
				for _, depth := range []int{0, 1, 7, 8, 9, 15, 16, 17, 32, 64, 80} {
					testDots(t, f, rows, keys, depth, normal(uint64(keys)))
					testDotsStored(t, f, rows, keys, depth, normal(uint64(keys)))
				}
			}
		}
	})
}

func TestDotsNotFinite(t *testing.T) {
	eachVariant(t, func(t *testing.T, f *Funcs) {
		for seed := range uint64(30) {
			testDots(t, f, 5, 37, 21, wild(seed, 0.01))
			testDots(t, f, 8, 37, 48, wild(seed, 0.01))
			testDotsStored(t, f, 15, 37, 24, wild(seed, 0.01))
		}
	})
}

func TestDotsPanics(t *testing.T) {
	eachVariant(t, func(t *testing.T, f *Funcs) {
		x := make([]float32, 32)
		q := f.NewQueries(make([]float32, 8), 1, 8)
		mustPanic(t, func() { f.Dots(x, 8, q, piecesOf(Stored{Float32: x, LD: 8}, 5, 8, Ahead{})) })
		mustPanic(t, func() { f.Dots(x, 2, q, piecesOf(Stored{Float32: x[:15], LD: 8}, 2, 8, Ahead{})) })
		mustPanic(t, func() { f.Dots(x[:1], 2, q, piecesOf(Stored{Float32: x, LD: 8}, 2, 8, Ahead{})) })
		mustPanic(t, func() {
			f.Dots(x, 1, q, piecesOf(Stored{Half: make([]uint16, 7), DType: kernels.Float16}, 1, 8, Ahead{}))
		})
		mustPanic(t, func() { f.Dots(x, 1, q, piecesOf(Stored{Int8: make([]int8, 7), DType: kernels.Int8}, 1, 8, Ahead{})) })
		mustPanic(t, func() { f.Dots(x, 1, q, piecesOf(Stored{Float32: x, DType: kernels.Int8}, 1, 8, Ahead{})) })
		mustPanic(t, func() { f.NewQueries(make([]float32, 15), 2, 8) })
		mustPanic(t, func() { f.NewQueries(x, 1, -8) })
		mustPanic(t, func() { q.Set(1, x, 1) })
		mustPanic(t, func() { q.Set(0, x[:7], 1) })
	})
}

func FuzzDots(f *testing.F) {
	f.Add(uint64(1), byte(1), byte(100), byte(128))
	f.Add(uint64(2), byte(8), byte(33), byte(15))
	f.Fuzz(func(t *testing.T, seed uint64, rows, keys, depth byte) {
		for _, v := range variants {
			if v.available {
				testDots(t, v, int(rows%18), int(keys), int(depth), wild(seed, 0.001))
				testDotsStored(t, v, int(rows%18), int(keys), int(depth), wild(seed, 0.001))
			}
		}
	})
}
