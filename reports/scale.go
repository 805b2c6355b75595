package reports

import (
	"fmt"
	"math"
	"math/rand/v2"

	"gonum.org/v1/gonum/stat"
)

// A Scaling says how one metric of one series grows with n.
type Scaling struct {
	Exponent  Estimate // slope of log(metric) over log(n), least squares over the medians
	Law       Law      // fitted to the medians
	Misfit    float64  // root mean square of (law − median)/median
	Quadratic Estimate // the n from which c·n² exceeds a + b·n; see [Law.Quadratic]
}

// Scale fits a unit of a series. The seed decides the bootstrap's draws, so
// that equal records give an equal report. It fails when fewer than three
// lengths have samples, or when a sample is not positive: a metric that
// is 0 has no exponent.
func Scale(s *Series, unit string, seed uint64) (Scaling, error) {
	c, err := s.curve(unit)
	if err != nil {
		return Scaling{}, err
	}
	if len(c.n) < minLengths {
		return Scaling{}, fmt.Errorf("%s at %s: a fit needs at least %d", unit, Count(len(c.n), "length"), minLengths)
	}
	return c.scale(seed), nil
}

// minLengths is the least that determines the three terms of a law.
const minLengths = 3

func (c curve) scale(seed uint64) Scaling {
	medians := c.medians()
	law := FitLaw(c.n, medians)
	return Scaling{
		Exponent:  c.exponent(medians, seed),
		Law:       law,
		Misfit:    math.Sqrt(law.squares(c.n, medians) / float64(len(medians))),
		Quadratic: c.estimate(law.Quadratic(), seed, func(y []float64) float64 { return FitLaw(c.n, y).Quadratic() }),
	}
}

func (c curve) exponent(medians []float64, seed uint64) Estimate {
	return c.estimate(slope(c.n, medians), seed, func(y []float64) float64 { return slope(c.n, y) })
}

// estimate adds to a value the bootstrap interval of the statistic that it is,
// a function of the medians at each length.
func (c curve) estimate(value float64, seed uint64, statistic func(medians []float64) float64) Estimate {
	if c.exact {
		return Estimate{value, value, value}
	}
	if !c.bounded() {
		return Estimate{value, math.NaN(), math.NaN()}
	}
	rng := rand.New(rand.NewPCG(seed, 0))
	drawn := make([]float64, len(c.n))
	lo, hi := bootstrap(func() float64 {
		c.resample(rng, drawn)
		return statistic(drawn)
	})
	return Estimate{value, lo, hi}
}

// slope returns the least-squares slope of log y over log n.
func slope(n, y []float64) float64 {
	_, beta := stat.LinearRegression(logs(n), logs(y), nil, false)
	return beta
}

func logs(x []float64) []float64 {
	out := make([]float64, len(x))
	for i, v := range x {
		out[i] = math.Log(v)
	}
	return out
}
