package reports

import (
	"math"
	"math/rand/v2"
	"testing"
)

func floats(n []int) []float64 {
	out := make([]float64, len(n))
	for i, v := range n {
		out[i] = float64(v)
	}
	return out
}

func TestFitLawIsExactWithoutNoise(t *testing.T) {
	n := floats([]int{1, 128, 256, 1024, 8192, 131072})
	for _, want := range []Law{
		{A: 1e-5}, {B: 2e-7}, {C: 3e-9},
		{1e-5, 2e-7, 0}, {1e-5, 0, 3e-9}, {0, 2e-7, 3e-9}, {1e-5, 2e-7, 3e-9},
	} {
		y := make([]float64, len(n))
		for i := range n {
			y[i] = want.At(n[i])
		}
		got := FitLaw(n, y)
		for _, x := range n {
			near(t, "law", got.At(x), want.At(x), 1e-9)
		}
		near(t, "A", got.A, want.A, 1e-7)
		near(t, "B", got.B, want.B, 1e-7)
		near(t, "C", got.C, want.C, 1e-7)
	}
}

// Each term is of weight somewhere in the sweep, so each must be found under
// noise of a few per cent.
func TestFitLawRecoversTerms(t *testing.T) {
	want := Law{A: 50e-6, B: 200e-9, C: 0.5e-9}
	var a, b, c []float64
	for trial := range 200 {
		rng := rand.New(rand.NewPCG(uint64(trial), 3))
		s := measure(Key{}, Time, []int{64, 128, 256, 512, 1024, 2048, 4096}, 10, want.At, gaussian(0.02), rng)
		curve, err := s.curve(Time)
		if err != nil {
			t.Fatal(err)
		}
		got := FitLaw(curve.n, curve.medians())
		a, b, c = append(a, got.A), append(b, got.B), append(c, got.C)
		near(t, "C", got.C, want.C, 0.08)
	}
	near(t, "median A", summarise(a).Center, want.A, 0.03)
	near(t, "median B", summarise(b).Center, want.B, 0.03)
	near(t, "median C", summarise(c).Center, want.C, 0.03)
}

// The optimum of a convex problem over x ≥ 0 is known by its gradient: zero in
// the terms that are positive, not negative in those that are zero.
func TestFitLawIsOptimal(t *testing.T) {
	n := floats(doubling)
	bounded := 0
	for trial := range 500 {
		rng := rand.New(rand.NewPCG(uint64(trial), 4))
		y := make([]float64, len(n))
		for i := range y {
			y[i] = math.Exp(3 * rng.NormFloat64())
		}
		law := FitLaw(n, y)
		term, gradient := [3]float64{law.A, law.B, law.C}, gradientOf(law, n, y)
		for p := range term {
			if term[p] == 0 {
				bounded++
			}
			if term[p] < 0 || gradient[p] < -1e-9 || (term[p] > 0 && gradient[p] > 1e-9) {
				t.Fatalf("trial %d: terms %v have the gradient %v", trial, term, gradient)
			}
		}
	}
	if bounded == 0 {
		t.Error("no trial had a term at its bound")
	}
}

// gradientOf returns that of half the squared relative residuals, by terms in
// units of the longest length.
func gradientOf(l Law, n, y []float64) (g [3]float64) {
	for i := range n {
		for p := range g {
			g[p] += (l.At(n[i])/y[i] - 1) * math.Pow(n[i]/n[len(n)-1], float64(p)) / y[i]
		}
	}
	norm := 0.0
	for i := range n {
		norm += 1 / (y[i] * y[i])
	}
	for p := range g {
		g[p] /= norm
	}
	return g
}

func TestQuadratic(t *testing.T) {
	for _, test := range []struct {
		law  Law
		want float64
	}{
		{Law{0, 0, 1}, 0},
		{Law{1, 1, 0}, math.Inf(1)},
		{Law{0, 100, 1}, 100},
		{Law{64, 0, 1}, 8},
		{Law{6, 1, 1}, 3},
	} {
		if got := test.law.Quadratic(); got != test.want {
			t.Errorf("%+v: quadratic from %v, want %v", test.law, got, test.want)
		}
	}
}
