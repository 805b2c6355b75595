package reports

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
)

// An ExponentChange is how the exponent of a metric's growth differs between
// two series of one kernel and shape.
type ExponentChange struct {
	Base, Head Estimate
	Difference Estimate
	P          float64 // of no difference, by the bootstrap; two-sided
	Lengths    []int   // those that both have
}

// CompareExponents fits both series over the lengths that both have. The seed
// decides the bootstrap's draws. Its error says what is lacking for a fit with
// an interval.
func CompareExponents(base, head *Series, unit string, seed uint64) (ExponentChange, error) {
	var common []int
	for _, p := range base.Points {
		if q := head.Point(p.N); q != nil && len(p.Samples[unit]) > 0 && len(q.Samples[unit]) > 0 {
			common = append(common, p.N)
		}
	}
	if len(common) < minLengths {
		return ExponentChange{}, fmt.Errorf("%s at %d common lengths: a fit needs at least %d", unit, len(common), minLengths)
	}
	var curves [2]curve
	for i, s := range []*Series{base, head} {
		c, err := s.at(common).curve(unit)
		if err != nil {
			return ExponentChange{}, err
		}
		if !c.bounded() {
			return ExponentChange{}, fmt.Errorf("fewer than %d samples of %s at a length: a bootstrap needs as many", minSamples, unit)
		}
		curves[i] = c
	}
	change := ExponentChange{Lengths: common}
	change.Base = curves[0].exponent(curves[0].medians(), seed)
	change.Head = curves[1].exponent(curves[1].medians(), seed)
	change.draw(curves[0], curves[1], seed)
	return change, nil
}

// draw fills in the difference with its interval and p.
func (c *ExponentChange) draw(base, head curve, seed uint64) {
	rng := rand.New(rand.NewPCG(seed, 1))
	y := make([]float64, len(base.n))
	above := 0
	c.Difference.Value = c.Head.Value - c.Base.Value
	c.Difference.Lo, c.Difference.Hi = bootstrap(func() float64 {
		base.resample(rng, y)
		from := slope(base.n, y)
		head.resample(rng, y)
		d := slope(head.n, y) - from
		if d > 0 {
			above++
		}
		return d
	})
	share := float64(above+1) / (resamples + 2) // never 0: a bootstrap proves no impossibility
	c.P = 2 * math.Min(share, 1-share)
}

// at returns the series with the points at the given lengths alone.
func (s *Series) at(lengths []int) *Series {
	out := &Series{Key: s.Key}
	for _, p := range s.Points {
		if slices.Contains(lengths, p.N) {
			out.Points = append(out.Points, p)
		}
	}
	return out
}
