package reports

import (
	"math"
	"math/rand/v2"
	"testing"
)

// pair makes two series, a costs fixed work and little per pair, b the reverse.
func pair(a, b cost, samples int, x noise, seed uint64) []*Series {
	rng := rand.New(rand.NewPCG(seed, 11))
	return []*Series{
		measure(Key{Kernel: "a"}, Time, doubling, samples, a, x, rng),
		measure(Key{Kernel: "b"}, Time, doubling, samples, b, x, rng),
	}
}

func only(t *testing.T, group []*Series) Crossover {
	t.Helper()
	got := Crossovers(group, 1)
	if len(got) != 1 {
		t.Fatalf("%d crossovers, want 1", len(got))
	}
	return got[0]
}

func TestCrossoverOfPowers(t *testing.T) {
	// 1e-6·n and 2e-9·n² meet at n = 500, exactly so on log-log axes.
	c := only(t, pair(power(1e-6, 1), power(2e-9, 2), 6, quiet, 0))
	if c.Faster.Kernel != "a" || c.Slower.Kernel != "b" || c.Shortest != 128 || c.Longest != 2048 {
		t.Errorf("%s over %s in %d…%d, want a over b in 128…2048", c.Faster.Kernel, c.Slower.Kernel, c.Shortest, c.Longest)
	}
	for _, v := range []float64{c.From.Value, c.From.Lo, c.From.Hi} {
		near(t, "crossover", v, 500, 1e-9)
	}
}

func TestCrossoverIntervalCovers(t *testing.T) {
	const trials = 200
	covered, width := 0, 0.0
	for trial := range trials {
		c := only(t, pair(power(1e-6, 1), power(2e-9, 2), 10, gaussian(0.03), uint64(trial)))
		if c.From.Lo <= 500 && 500 <= c.From.Hi {
			covered++
		}
		width += (c.From.Hi - c.From.Lo) / trials
	}
	t.Logf("covered %d of %d, mean width %.1f", covered, trials, width)
	if covered < trials*93/100 || width > 40 {
		t.Errorf("the interval held n=500 in %d of %d trials with a mean width of %.1f", covered, trials, width)
	}
}

func TestCrossoverAtTheEdges(t *testing.T) {
	everywhere := only(t, pair(power(2e-9, 2), power(1e-9, 2), 6, quiet, 0))
	if everywhere.Faster.Kernel != "b" || everywhere.From != (Estimate{0, 0, 0}) {
		t.Errorf("b is twice as fast everywhere: got %s from %+v", everywhere.Faster.Kernel, everywhere.From)
	}
	same := only(t, pair(power(1e-9, 2), power(1e-9, 2), 10, gaussian(0.05), 3))
	if !same.Undecided() {
		t.Errorf("equal kernels are told apart: from %+v", same.From)
	}
	few := only(t, pair(power(1e-6, 1), power(2e-9, 2), minSamples-1, gaussian(0.01), 4))
	if few.From.hasInterval() || few.Undecided() {
		t.Errorf("%d samples gave the interval %+v", minSamples-1, few.From)
	}
}

func TestCrossoverUsesCommonLengths(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	a := measure(Key{Kernel: "a"}, Time, []int{64, 128, 512, 2048}, 6, power(1e-6, 1), quiet, rng)
	b := measure(Key{Kernel: "b"}, Time, []int{128, 256, 512, 1024}, 6, power(2e-9, 2), quiet, rng)
	c := only(t, []*Series{a, b})
	if c.Shortest != 128 || c.Longest != 512 {
		t.Errorf("compared over %d…%d, want 128…512", c.Shortest, c.Longest)
	}
	alone := measure(Key{Kernel: "c"}, Time, []int{128, 300}, 6, power(1, 1), quiet, rng)
	if got := Crossovers([]*Series{a, alone}, 1); got != nil {
		t.Errorf("one common length gave %+v", got)
	}
}

func TestStaysFasterTakesTheLastChange(t *testing.T) {
	n := []float64{100, 200, 400, 800}
	slow := []float64{1, 1, 1, 1}
	for _, test := range []struct {
		fast []float64
		want float64
	}{
		{[]float64{0.5, 2, 2, 0.5}, 400 * math.Sqrt2},
		{[]float64{2, 0.5, 0.5, 0.5}, 100 * math.Sqrt2},
		{[]float64{0.5, 0.5, 0.5, 2}, math.Inf(1)},
		{[]float64{0.5, 0.5, 1, 0.5}, 400},
		{[]float64{0.5, 0.5, 0.5, 0.5}, 0},
	} {
		if got := staysFaster(n, test.fast, slow); math.Abs(got-test.want) > 1e-9 {
			t.Errorf("%v stays below 1 from %v, want %v", test.fast, got, test.want)
		}
	}
}
