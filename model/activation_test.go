package model

import (
	"math"
	"slices"
	"testing"
)

func TestExp(t *testing.T) {
	exp := func(x float64) float64 {
		z := []float64{1, x, 2}
		exp(z)
		return z[1]
	}
	for i := -70000; i <= 70000; i++ {
		x := float64(i)*0.01 + float64(i%7)*1e-4
		if got, want := exp(x), math.Exp(x); math.Abs(x) <= 700 && !(math.Abs(got/want-1) <= 1e-8) {
			t.Fatalf("exp(%v) = %v, want %v", x, got, want)
		}
	}
	for _, x := range []float64{-1e300, -800, math.Inf(-1)} {
		if got := exp(x); !(got >= 0 && got < 1e-300) {
			t.Errorf("exp(%v) = %v", x, got)
		}
	}
	for _, x := range []float64{1e300, 800, math.Inf(1)} {
		if got := exp(x); !(got > 1e300) {
			t.Errorf("exp(%v) = %v", x, got)
		}
	}
	if got := exp(math.NaN()); got == got {
		t.Errorf("exp(NaN) = %v", got)
	}
}

// TestActivations holds them against their definitions.
func TestActivations(t *testing.T) {
	for i := -3000; i <= 3000; i++ {
		v := float64(float32(i) * 0.01)
		tanh := 0.5 * v * (1 + math.Tanh(math.Sqrt(2/math.Pi)*(v+0.044715*v*v*v)))
		silu := v / (1 + math.Exp(-v))
		x, gate := []float32{float32(v)}, []float32{float32(v)}
		geluTanh(x)
		swiGLU(gate, []float32{3})
		if off := math.Abs(float64(x[0]) - tanh); off > 1e-7*math.Abs(tanh)+1e-12 {
			t.Errorf("gelu(%v) = %v, want %v", v, x[0], tanh)
		}
		if off := math.Abs(float64(gate[0]) - 3*silu); off > 2e-7*math.Abs(3*silu) {
			t.Errorf("3·silu(%v) = %v, want %v", v, gate[0], 3*silu)
		}
	}
	nan := []float32{float32(math.NaN()), float32(math.Inf(1))}
	geluTanh(nan)
	if nan[0] == nan[0] || !math.IsInf(float64(nan[1]), 1) {
		t.Errorf("NaN and Inf give %v", nan)
	}
}

// TestActivationsOfAnyLength: an element's result does not depend on its place.
func TestActivationsOfAnyLength(t *testing.T) {
	for _, n := range []int{0, 1, 63, 64, 65, 200} {
		x, gate, up := make([]float32, n), make([]float32, n), make([]float32, n+3)
		for i := range x {
			x[i], gate[i], up[i] = float32(i%11)-5, float32(i%11)-5, float32(i)
		}
		geluTanh(x)
		swiGLU(gate, up)
		for i := range x {
			one, other := []float32{float32(i%11) - 5}, []float32{float32(i%11) - 5}
			geluTanh(one)
			swiGLU(other, up[i:])
			if x[i] != one[0] || gate[i] != other[0] {
				t.Fatalf("element %d of %d: %v and %v, alone %v and %v", i, n, x[i], gate[i], one[0], other[0])
			}
		}
	}
}

// TestGeluErf holds it against its definition, far out too.
func TestGeluErf(t *testing.T) {
	x := []float32{0, 1e3, -1e3, 1e30, -1e30}
	for i := -3000; i <= 3000; i++ {
		x = append(x, float32(i)*0.004)
	}
	got := slices.Clone(x)
	geluErf(got)
	for i, v := range x {
		want := 0.5 * float64(v) * math.Erfc(-float64(v)/math.Sqrt2)
		if off := math.Abs(float64(got[i]) - want); !(off <= 2.5e-7*math.Max(1, math.Abs(want))) {
			t.Errorf("gelu(%v) = %v, want %v", v, got[i], want)
		}
	}
	nan := []float32{1, float32(math.NaN()), 2}
	if geluErf(nan); nan[1] == nan[1] {
		t.Errorf("gelu(NaN) = %v", nan[1])
	}
}
