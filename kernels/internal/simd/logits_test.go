package simd

import (
	"fmt"
	"math"
	"testing"
)

func TestSoftcap(t *testing.T) {
	const in, out = 1. / 50, 50 * math.Log2E
	eachVariant(t, func(t *testing.T, f *Funcs) {
		worst := 0.0
		for rows := 1; rows <= f.Rows; rows++ {
			for _, cols := range []int{1, f.Width - 1, f.Width, 3*f.Width + 2, 500} {
				next := normal(uint64(cols))
				s := newMatrix(rows, cols, 3, 1).fill(func() float32 { return next() * float32(math.Exp(float64(5*next()))) })
				got := s.clone()
				f.Softcap(got.x, got.ld, rows, cols, in, out)
				got.checkGuards(t, "softcap")
				for i := range rows {
					for j, x := range s.row(i) {
						want := out * math.Tanh(float64(x*float32(in)))
						e := math.Abs(float64(got.row(i)[j])-want) / math.Max(math.Abs(want), 0x1p-126)
						if worst = max(worst, e); e > 4*0x1p-23 {
							t.Fatalf("cap of %g is %g, want %g", x, got.row(i)[j], want)
						}
					}
				}
			}
		}
		t.Logf("worst relative error %.3g", worst)
		special := []float32{0, float32(math.Inf(1)), float32(math.Inf(-1)), float32(math.NaN()), math.MaxFloat32, -math.MaxFloat32, 1e-40}
		want := []float32{0, out, -out, float32(math.NaN()), out, -out, 1e-40 * in * out}
		f.Softcap(special, 0, 1, len(special), in, out)
		for i, x := range special {
			if !same(x, want[i]) && !near(x, want[i], 1e-42) {
				t.Errorf("special case %d is %g, want %g", i, x, want[i])
			}
		}
	})
}

func TestBias(t *testing.T) {
	eachVariant(t, func(t *testing.T, f *Funcs) {
		for rows := 1; rows <= f.Rows; rows++ {
			for _, cols := range []int{1, f.Width, 2*f.Width + 1, 77} {
				what := fmt.Sprintf("rows=%d/cols=%d", rows, cols)
				s := newMatrix(rows, cols, 2, 1).fill(normal(3))
				got := s.clone()
				slope, first := make([]float32, rows), make([]int32, rows)
				for i := range rows {
					slope[i], first[i] = 1/float32(i+2), int32(-30+20*i)
				}
				first[0] = 1 << 24
				f.Bias(got.x, got.ld, rows, cols, slope, first)
				got.checkGuards(t, what)
				for i := range rows {
					for j, x := range s.row(i) {
						d := math.Abs(float64(int(first[i]) + j))
						want := float64(x) - float64(slope[i])*d
						if !near(got.row(i)[j], float32(want), 3e-7*(math.Abs(float64(x))+d)) {
							t.Fatalf("%s: element %d,%d is %g, want %g", what, i, j, got.row(i)[j], want)
						}
					}
				}
			}
		}
	})
}
