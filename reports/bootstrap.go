package reports

import (
	"cmp"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
)

const (
	// resamples is the number of bootstrap draws. The 2.5% tails then rest on
	// 25 draws each, enough for the two digits that are printed.
	resamples = 1000

	// confidence is that of every interval in this package.
	confidence = 0.95

	// minSamples is the least number at each length for a bootstrap interval:
	// as for the interval of a median in benchmath, fewer hold no such tail.
	minSamples = 6
)

// An Estimate is a value with its confidence interval. The ends may be
// infinite; they are NaN when there are too few samples for an interval.
type Estimate struct{ Value, Lo, Hi float64 }

// hasInterval reports whether the samples were enough for one.
func (e Estimate) hasInterval() bool { return !math.IsNaN(e.Lo) && !math.IsNaN(e.Hi) }

// curve holds the samples of one metric at each length of a series.
type curve struct {
	n       []float64
	samples [][]float64 // sorted
	exact   bool        // a count, and not a measurement: one sample tells it
}

// curve returns the samples of a unit at every length that has them. Its error
// says why nothing can be fitted.
func (s *Series) curve(unit string) (curve, error) {
	c := curve{exact: unit == Workspace}
	for _, p := range s.Points {
		values := p.Samples[unit]
		if len(values) == 0 {
			continue
		}
		for _, v := range values {
			if !(v > 0) || math.IsInf(v, 0) {
				return curve{}, fmt.Errorf("%s is %v at n=%d", unit, v, p.N)
			}
		}
		c.n = append(c.n, float64(p.N))
		c.samples = append(c.samples, slices.Sorted(slices.Values(values)))
		c.exact = c.exact && slices.Min(values) == slices.Max(values)
	}
	return c, nil
}

// bounded reports whether every length has samples enough for an interval.
func (c curve) bounded() bool {
	return !slices.ContainsFunc(c.samples, func(s []float64) bool { return len(s) < minSamples })
}

// medians returns the median at each length.
func (c curve) medians() []float64 {
	m := make([]float64, len(c.samples))
	for i, s := range c.samples {
		m[i] = median(s)
	}
	return m
}

// resample fills dst with the median, at each length, of as many samples drawn
// with replacement as were taken there.
func (c curve) resample(rng *rand.Rand, dst []float64) {
	var draw []float64
	for i, s := range c.samples {
		draw = draw[:0]
		for range s {
			draw = append(draw, s[rng.IntN(len(s))])
		}
		slices.Sort(draw)
		dst[i] = median(draw)
	}
}

// median returns that of sorted values.
func median(sorted []float64) float64 {
	mid := len(sorted) / 2
	if len(sorted)%2 == 1 {
		return sorted[mid]
	}
	return sorted[mid-1] + (sorted[mid]-sorted[mid-1])/2
}

// bootstrap returns the percentile interval of a statistic that draw computes
// from one resample.
func bootstrap(draw func() float64) (lo, hi float64) {
	values := make([]float64, resamples)
	for i := range values {
		values[i] = draw()
	}
	slices.SortFunc(values, cmp.Compare[float64])
	tail := int(math.Round(resamples * (1 - confidence) / 2))
	return values[tail], values[resamples-1-tail]
}
