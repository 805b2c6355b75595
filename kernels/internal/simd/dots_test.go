package simd

import (
	"fmt"
	"math"
	"testing"
)

func testDots(t *testing.T, f *Funcs, rows, keys, depth int, next func() float32) {
	t.Helper()
	what := fmt.Sprintf("isa=%s/rows=%d/keys=%d/depth=%d", f.Name, rows, keys, depth)
	q, k := newMatrix(rows, depth, 2, 1).fill(next), newMatrix(keys, depth, 1, 3).fill(next)
	s := newMatrix(rows, keys, 3, 2)
	f.Dots(s.x, s.ld, q.x, q.ld, k.x, k.ld, rows, keys, depth, Ahead{})
	s.checkGuards(t, what)
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
			one := []float32{0}
			if f.Dots(one, 1, q.row(i), 0, k.row(j), 0, 1, 1, depth, Ahead{}); !same(one[0], s.row(i)[j]) {
				t.Fatalf("%s: element %d,%d depends on the block", what, i, j)
			}
		}
	}
}

func TestDots(t *testing.T) {
	eachVariant(t, func(t *testing.T, f *Funcs) {
		for rows := range 10 {
			for _, keys := range []int{0, 1, 3, 4, 7, 8, 15, 16, 17, 33, 70} {
				for _, depth := range []int{0, 1, 7, 8, 9, 15, 16, 17, 32, 64, 80} {
					testDots(t, f, rows, keys, depth, normal(uint64(keys)))
				}
			}
		}
	})
}

func TestDotsNotFinite(t *testing.T) {
	eachVariant(t, func(t *testing.T, f *Funcs) {
		for seed := range uint64(30) {
			testDots(t, f, 5, 37, 21, wild(seed, 0.01))
		}
	})
}

func TestDotsPanics(t *testing.T) {
	eachVariant(t, func(t *testing.T, f *Funcs) {
		x := make([]float32, 32)
		mustPanic(t, func() { f.Dots(x, 8, x, 8, x, 8, 1, 5, 8, Ahead{}) })
		mustPanic(t, func() { f.Dots(x, 2, x, 8, x[:15], 8, 1, 2, 8, Ahead{}) })
		mustPanic(t, func() { f.Dots(x[:1], 2, x, 8, x, 8, 1, 2, 8, Ahead{}) })
		mustPanic(t, func() { f.Dots(x, 2, x, 8, x, 8, 1, 2, -8, Ahead{}) })
	})
}

func FuzzDots(f *testing.F) {
	f.Add(uint64(1), byte(1), byte(100), byte(128))
	f.Add(uint64(2), byte(8), byte(33), byte(15))
	f.Fuzz(func(t *testing.T, seed uint64, rows, keys, depth byte) {
		for _, v := range variants {
			if v.available {
				testDots(t, v, int(rows%10), int(keys), int(depth), wild(seed, 0.001))
			}
		}
	})
}
