package model

import (
	"math"
	"math/rand/v2"
	"testing"
)

// TestProjection holds both layouts against a float64 product, over sizes around
// the blocks.
func TestProjection(t *testing.T) {
	rng := rand.New(rand.NewPCG(20260304, 1))
	random := func(n int) []float32 {
		x := make([]float32, n)
		for i := range x {
			x[i] = float32(rng.NormFloat64())
		}
		return x
	}
	for _, rows := range []int{1, 63, 64, 65, 130} {
		for _, in := range []int{1, 15, 64} {
			for _, out := range []int{1, 30, 192, 193, 400} {
				x, w, b := random(rows*in), random(in*out), random(out)
				for _, transposed := range []bool{false, true} {
					for _, bias := range [][]float32{b, nil} {
						l := newProjection(w, bias, in, out, transposed)
						dst := random(rows * out) // stale values must not matter
						l.apply(dst, x, rows, 3)
						if d := projectionError(w, bias, dst, x, rows, in, out, transposed); d > 1e-4 {
							t.Fatalf("rows=%d in=%d out=%d transposed=%v bias=%v: off by %.2g", rows, in, out, transposed, bias != nil, d)
						}
					}
				}
			}
		}
	}
}

func projectionError(w, bias, dst, x []float32, rows, in, out int, transposed bool) float64 {
	worst := 0.0
	for r := range rows {
		for c := range out {
			sum := 0.0
			if bias != nil {
				sum = float64(bias[c])
			}
			for i := range in {
				at := i*out + c
				if transposed {
					at = c*in + i
				}
				sum += float64(x[r*in+i]) * float64(w[at])
			}
			worst = max(worst, math.Abs(float64(dst[r*out+c])-sum))
		}
	}
	return worst
}

// dense returns the weight of a projection, W [in, out], which multiplies the
// identity.
func dense(l *projection) []float32 {
	eye, w := make([]float32, l.in*l.in), make([]float32, l.in*l.out)
	for i := range l.in {
		eye[i*l.in+i] = 1
	}
	l.weight.Apply(w, eye, nil, l.in, 1)
	return w
}

func TestNormIsStable(t *testing.T) {
	n := norm{weight: []float32{1, 1, 1, 1}, bias: []float32{0, 0, 0, 0}}
	x := []float32{1e4, 1e4 + 1, 1e4 + 2, 1e4 + 3, 5, 5, 5, 5}
	n.apply(x, x, 1e-5)
	want := []float32{-1.3416, -0.4472, 0.4472, 1.3416, 0, 0, 0, 0}
	for i := range x {
		if math.Abs(float64(x[i]-want[i])) > 1e-3 {
			t.Fatalf("norm = %v: want %v", x, want)
		}
	}
}
