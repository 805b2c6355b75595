package compare

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"golang.org/x/perf/benchfmt"
)

// heavy draws the factor that a sample is off by: Student's t with three degrees
// of freedom in place of the normal distribution, scaled to a standard deviation
// of sigma.
func heavy(rng *rand.Rand, sigma float64) float64 {
	sum := 0.0
	for range 3 {
		z := rng.NormFloat64()
		sum += z * z
	}
	return math.Exp(sigma * rng.NormFloat64() / math.Sqrt(sum))
}

// interrupted is heavy noise on a machine that does something else one time in
// twenty, for up to half as long as the sample.
func interrupted(rng *rand.Rand, sigma float64) float64 {
	f := heavy(rng, sigma)
	if rng.IntN(20) == 0 {
		f *= 1 + 0.5*rng.Float64()
	}
	return f
}

// A madeUp is an experiment whose truth is known.
type madeUp struct {
	rows, samples int
	sigma         float64
	noise         func(*rand.Rand, float64) float64 // nil means heavy
	slowdown      map[int]float64                   // by row; others do not change
	columns       []string
}

// report draws the records; the slowdowns are those of the last column.
func (m madeUp) report(t testing.TB, seed uint64) *Report {
	t.Helper()
	if m.columns == nil {
		m.columns = []string{"base", "head"}
	}
	if m.noise == nil {
		m.noise = heavy
	}
	rng := rand.New(rand.NewPCG(seed, 2026))
	b, err := New(Options{})
	if err != nil {
		t.Fatal(err)
	}
	for i, col := range m.columns {
		for row := range m.rows {
			factor := 1.0
			if s, ok := m.slowdown[row]; ok && i == len(m.columns)-1 {
				factor = s
			}
			for range m.samples {
				add(t, b, col, fmt.Sprintf("B/row=%d-1", row), "sec/op", 1e-3*float64(row+1)*factor*m.noise(rng, m.sigma))
			}
		}
	}
	r, err := b.Report()
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func add(t testing.TB, b *Builder, col, name, unit string, value float64) {
	t.Helper()
	res := &benchfmt.Result{Name: benchfmt.Name(name), Iters: 1, Values: []benchfmt.Value{{Value: value, Unit: unit}}}
	res.SetConfig(".file", col)
	if err := b.Add(res); err != nil {
		t.Fatal(err)
	}
}
