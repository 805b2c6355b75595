package reports

import (
	"math"
	"math/rand/v2"
	"slices"

	"golang.org/x/perf/benchmath"
)

// What follows are the parts of the reports, for those who lay them out
// otherwise than as text.

// SummaryTable returns the table of [WriteSummary] for the series of one shape.
func SummaryTable(group []*Series) *Table { return summary(group) }

// GrowthTable returns the scaling table of [WriteScaling].
func GrowthTable(group []*Series, seed uint64) *Table { return scalingTable(group, seed) }

// CrossoverTable returns the crossovers of [WriteScaling].
func CrossoverTable(group []*Series, seed uint64) *Table { return crossoverTable(group, seed) }

// Lengths returns the n that any series of the group has, ascending.
func Lengths(group []*Series) []int { return lengths(group) }

// Labels names the series of a group: by kernel, with the ISA where one kernel
// has several.
func Labels(group []*Series) func(*Series) string { return labels(group) }

// Median returns the median of samples with its interval, whose ends are NaN
// or infinite when there are too few samples. There must be at least one.
func Median(values []float64) Estimate {
	s := summarise(values)
	return Estimate{s.Center, s.Lo, s.Hi}
}

// ToldApart reports whether two samples differ at the level of [benchmath]'s
// default, by Mann-Whitney.
func ToldApart(a, b []float64) bool {
	c := benchmath.AssumeNothing.Compare(sample(a), sample(b))
	return c.P < c.Alpha
}

// ExponentText formats the exponent with its interval.
func (s Scaling) ExponentText() string { return s.Exponent.exponent() }

// LawBand returns the 95% bootstrap interval of the law that fits a unit of a
// series, at each of the given n. It reports false where there are too few
// samples or lengths for one. The draws are those of [Scale].
func LawBand(s *Series, unit string, seed uint64, at []float64) (lo, hi []float64, ok bool) {
	c, err := s.curve(unit)
	if err != nil || len(c.n) < minLengths || !c.exact && !c.bounded() {
		return nil, nil, false
	}
	rng, drawn := rand.New(rand.NewPCG(seed, 0)), make([]float64, len(c.n))
	values := make([][]float64, len(at))
	for range resamples {
		c.resample(rng, drawn)
		law := FitLaw(c.n, drawn)
		for i, n := range at {
			values[i] = append(values[i], law.At(n))
		}
	}
	tail := int(math.Round(resamples * (1 - confidence) / 2))
	for _, v := range values {
		slices.Sort(v)
		lo, hi = append(lo, v[tail]), append(hi, v[resamples-1-tail])
	}
	return lo, hi, true
}

// SpeedUp returns the ratio of the medians base/values with its bootstrap
// interval; both must hold positive samples. The seed decides the draws.
func SpeedUp(base, values []float64, seed uint64) Estimate {
	b := curve{n: []float64{1}, samples: [][]float64{slices.Sorted(slices.Values(base))}}
	v := curve{n: []float64{1}, samples: [][]float64{slices.Sorted(slices.Values(values))}}
	e := Estimate{b.medians()[0] / v.medians()[0], math.NaN(), math.NaN()}
	if b.bounded() && v.bounded() {
		rng := rand.New(rand.NewPCG(seed, 2))
		mb, mv := make([]float64, 1), make([]float64, 1)
		e.Lo, e.Hi = bootstrap(func() float64 {
			b.resample(rng, mb)
			v.resample(rng, mv)
			return mb[0] / mv[0]
		})
	}
	return e
}
