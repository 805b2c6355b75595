package reports

import (
	"math"
	"math/rand/v2"
	"testing"
)

// A cost is what a made-up kernel needs at length n.
type cost func(n float64) float64

func power(factor, exponent float64) cost {
	return func(n float64) float64 { return factor * math.Pow(n, exponent) }
}

// noise draws the factor that a sample is off by.
type noise func(*rand.Rand) float64

// gaussian is symmetric on the logarithm.
func gaussian(sigma float64) noise {
	return func(rng *rand.Rand) float64 { return math.Exp(sigma * rng.NormFloat64()) }
}

// bursts is what a shared machine does: a little jitter, always upwards, and
// now and then a sample that was interrupted.
func bursts(rng *rand.Rand) float64 {
	e := 0.02 * rng.ExpFloat64()
	if rng.IntN(10) == 0 {
		e += 0.5 * rng.Float64()
	}
	return math.Exp(e)
}

var doubling = []int{128, 256, 512, 1024, 2048}

// measure makes a series of samples of a unit.
func measure(key Key, unit string, lengths []int, samples int, f cost, x noise, rng *rand.Rand) *Series {
	s := &Series{Key: key}
	for _, n := range lengths {
		p := Point{N: n, Samples: map[string][]float64{}}
		for range samples {
			p.Samples[unit] = append(p.Samples[unit], f(float64(n))*x(rng))
		}
		s.Points = append(s.Points, p)
	}
	return s
}

func quiet(*rand.Rand) float64 { return 1 }

func near(t *testing.T, what string, got, want, relative float64) {
	t.Helper()
	if !(math.Abs(got-want) <= relative*math.Abs(want)) {
		t.Errorf("%s = %v, want %v within %v%%", what, got, want, 100*relative)
	}
}
