package reports

import (
	"math"
	"math/rand/v2"
	"testing"

	"gonum.org/v1/gonum/stat"
)

func TestExponentOfExactPowers(t *testing.T) {
	for _, exponent := range []float64{0, 0.5, 1, 1.7, 2, 3} {
		s := measure(Key{}, Time, doubling, minSamples, power(3e-9, exponent), quiet, nil)
		got, err := Scale(s, Time, 1)
		if err != nil {
			t.Fatal(err)
		}
		for _, v := range []float64{got.Exponent.Value, got.Exponent.Lo, got.Exponent.Hi} {
			if math.Abs(v-exponent) > 1e-12 {
				t.Errorf("exponent %v: got %+v", exponent, got.Exponent)
			}
		}
	}
}

// The interval must hold the truth in 95% of the trials, and must not do so by
// being wide: wide is how it compares with the interval that someone who knew
// the spread of the exponents would give. It is dear where one sample in ten
// is an outlier, because a resample of few draws has its median there at times.
func TestExponentIntervalCovers(t *testing.T) {
	const trials, truth = 400, 1.7
	for _, test := range []struct {
		name    string
		samples int
		noise   noise
		wide    float64
	}{
		{"gaussian", 10, gaussian(0.03), 1.2},
		{"gaussian few", minSamples, gaussian(0.03), 1.2},
		{"bursts", 10, bursts, 2.5},
	} {
		t.Run(test.name, func(t *testing.T) {
			covered, width := 0, 0.0
			values := make([]float64, trials)
			for trial := range trials {
				rng := rand.New(rand.NewPCG(uint64(trial), 7))
				s := measure(Key{}, Time, doubling, test.samples, power(1e-9, truth), test.noise, rng)
				e := exponentOf(t, s)
				if e.Lo <= truth && truth <= e.Hi {
					covered++
				}
				values[trial] = e.Value
				width += (e.Hi - e.Lo) / trials
			}
			rate := float64(covered) / trials
			normal := 2 * 1.96 * stat.StdDev(values, nil)
			t.Logf("covered %.3f, mean width %.4f, of a normal interval %.4f", rate, width, normal)
			if rate < 0.94 || width > test.wide*normal {
				t.Errorf("covered %.3f of %d trials with a mean width of %.4f, want 0.95 within %.4f", rate, trials, width, test.wide*normal)
			}
			if mean := stat.Mean(values, nil); math.Abs(mean-truth) > 0.005 {
				t.Errorf("mean exponent %v, want %v", mean, truth)
			}
		})
	}
}

// exponentOf is Scale without the fit of the law, which the trials do not need.
func exponentOf(t *testing.T, s *Series) Estimate {
	t.Helper()
	c, err := s.curve(Time)
	if err != nil {
		t.Fatal(err)
	}
	return c.exponent(c.medians(), 1)
}

func TestQuadraticIntervalCovers(t *testing.T) {
	law := Law{A: 20e-6, B: 100e-9, C: 0.4e-9}
	truth := law.Quadratic()
	const trials = 60
	covered := 0
	for trial := range trials {
		rng := rand.New(rand.NewPCG(uint64(trial), 8))
		s := measure(Key{}, Time, doubling, 10, law.At, gaussian(0.01), rng)
		got, err := Scale(s, Time, 1)
		if err != nil {
			t.Fatal(err)
		}
		if q := got.Quadratic; q.Lo <= truth && truth <= q.Hi {
			covered++
		}
	}
	if covered < trials*9/10 {
		t.Errorf("the interval held the truth in %d of %d trials", covered, trials)
	}
}

func TestScaleIsReproducible(t *testing.T) {
	s := measure(Key{}, Time, doubling, 10, power(1e-9, 2), bursts, rand.New(rand.NewPCG(1, 2)))
	a, _ := Scale(s, Time, 5)
	b, _ := Scale(s, Time, 5)
	other, _ := Scale(s, Time, 6)
	if a != b {
		t.Errorf("equal seeds give %+v and %+v", a, b)
	}
	if a.Exponent == other.Exponent {
		t.Errorf("seeds 5 and 6 give the same interval %+v", a.Exponent)
	}
}

func TestScaleRefuses(t *testing.T) {
	exact := func(lengths []int, f cost) *Series { return measure(Key{}, Time, lengths, 6, f, quiet, nil) }
	for name, test := range map[string]struct {
		s    *Series
		want string
	}{
		"two lengths": {exact([]int{1, 2}, power(1, 1)), "sec/op at 2 lengths: a fit needs at least 3"},
		"no samples":  {&Series{}, "sec/op at 0 lengths: a fit needs at least 3"},
		"zero":        {exact(doubling, power(0, 1)), "sec/op is 0 at n=128"},
		"negative":    {exact(doubling, power(-1, 0)), "sec/op is -1 at n=128"},
		"NaN":         {exact(doubling, power(math.NaN(), 1)), "sec/op is NaN at n=128"},
		"Inf":         {exact(doubling, power(math.Inf(1), 1)), "sec/op is +Inf at n=128"},
	} {
		if _, err := Scale(test.s, Time, 1); err == nil || err.Error() != test.want {
			t.Errorf("%s: error %v, want %q", name, err, test.want)
		}
	}
}

func TestFewSamplesHaveNoInterval(t *testing.T) {
	s := measure(Key{}, Time, doubling, minSamples-1, power(1e-9, 2), bursts, rand.New(rand.NewPCG(1, 2)))
	got, err := Scale(s, Time, 1)
	if err != nil {
		t.Fatal(err)
	}
	if got.Exponent.hasInterval() || got.Quadratic.hasInterval() {
		t.Errorf("%d samples gave the intervals %+v, %+v", minSamples-1, got.Exponent, got.Quadratic)
	}
	near(t, "exponent", got.Exponent.Value, 2, 0.05)
}

// Bytes are counted, not measured: one sample is enough, unless they vary.
func TestCountsNeedNoResampling(t *testing.T) {
	s := measure(Key{}, Workspace, doubling, 1, power(8, 2), quiet, nil)
	got, err := Scale(s, Workspace, 1)
	if err != nil {
		t.Fatal(err)
	}
	if e := got.Exponent; e.Lo != e.Value || e.Hi != e.Value || math.Abs(e.Value-2) > 1e-12 {
		t.Errorf("exponent %+v of counted bytes, want exactly 2", e)
	}
	varied := measure(Key{}, Workspace, doubling, 2, power(8, 2), bursts, rand.New(rand.NewPCG(1, 2)))
	if got, _ := Scale(varied, Workspace, 1); got.Exponent.hasInterval() {
		t.Errorf("two samples that differ gave the interval %+v", got.Exponent)
	}
}
