package history

import (
	"math"
	"math/rand/v2"
	"slices"
)

// Options state what counts as a change.
type Options struct {
	Alpha     float64 // the chance of a change where there is none, over all tracks together
	MinEffect float64 // the least change, as a share of the level before
	Guard     int     // the least number of commits on either side of a change; at least 2
	Seed      uint64  // of the permutations
}

// Defaults are the options that commands start from. The guard keeps two odd
// commits in a row, and the last commit of all, from being called a change.
var Defaults = Options{Alpha: 0.05, MinEffect: 0.02, Guard: 3, Seed: 1}

// A split is a place that divides a segment in two.
type split struct {
	at int     // the first index of the second part
	q  float64 // the scaled energy distance of the parts
}

// best returns the split of x with the greatest energy distance between its
// parts, each at least guard long, and false when x is too short for one.
//
// For parts X and Y of m and n values that distance is
// 2·E|X−Y| − E|X−X'| − E|Y−Y'|, scaled by m·n/(m+n). The three sums are
// carried along as values pass from Y to X.
//
// Note: the paper also lets the end of Y vary. That finds a passing change in
// fewer values, but takes as many evaluations again for each permutation;
// here such a change is found when its first part is split.
func best(x []float64, guard int) (split, bool) {
	out := split{at: -1}
	var within, rest, between float64 // sums of distances in X, in Y, and from X to Y
	for i, v := range x {
		for _, w := range x[i+1:] {
			rest += math.Abs(v - w)
		}
	}
	for t := 1; t <= len(x)-guard; t++ {
		v, left, right := x[t-1], 0.0, 0.0
		for _, w := range x[:t-1] {
			left += math.Abs(v - w)
		}
		for _, w := range x[t:] {
			right += math.Abs(v - w)
		}
		within, rest, between = within+left, rest-right, between-left+right
		if t < guard {
			continue
		}
		m, n := float64(t), float64(len(x)-t)
		q := m * n / (m + n) * (2*between/(m*n) - 2*within/(m*(m-1)) - 2*rest/(n*(n-1)))
		if out.at < 0 || q > out.q {
			out = split{t, q}
		}
	}
	return out, out.at >= 0
}

// exceedances end a permutation test early: so many draws at least as far
// apart say that p is large, however many more would follow. See Besag and
// Clifford, "Sequential Monte Carlo p-values", Biometrika 78 (1991).
const exceedances = 30

// significance returns the p-value of a split of x: how often a random order
// of the same values can be split as far apart.
func significance(x []float64, s split, guard, draws int, rng *rand.Rand) float64 {
	shuffled := slices.Clone(x)
	beyond := 0
	for i := 1; i <= draws; i++ {
		rng.Shuffle(len(shuffled), func(a, b int) { shuffled[a], shuffled[b] = shuffled[b], shuffled[a] })
		if other, _ := best(shuffled, guard); other.q >= s.q-1e-12*math.Abs(s.q) {
			if beyond++; beyond == exceedances {
				return float64(beyond) / float64(i)
			}
		}
	}
	return float64(beyond+1) / float64(draws+1)
}

// A change is a place in a sequence of levels where another level begins.
type change struct {
	at int
	p  float64
}

// A search looks for the changes of one sequence.
type search struct {
	Options
	x     []float64
	draws int
	rng   *rand.Rand
}

// newSearch works on logarithms where there are some: costs change by factors.
func newSearch(levels []float64, o Options, draws int, stream uint64) *search {
	s := &search{Options: o, x: slices.Clone(levels), draws: draws, rng: rand.New(rand.NewPCG(o.Seed, stream))}
	if slices.Min(levels) > 0 {
		for i, v := range levels {
			s.x[i] = math.Log(v)
		}
	}
	return s
}

// first tests the best split of the whole. Without one, p is 1.
func (s *search) first() change { return s.test(0, len(s.x)) }

func (s *search) test(lo, hi int) change {
	b, ok := best(s.x[lo:hi], s.Guard)
	if !ok || b.q <= 0 {
		return change{lo, 1}
	}
	return change{lo + b.at, significance(s.x[lo:hi], b, s.Guard, s.draws, s.rng)}
}

// divide splits what lies on either side of a change, and so on, and returns
// all changes in order.
func (s *search) divide(c change) []change {
	list := []change{c}
	s.within(0, c.at, &list)
	s.within(c.at, len(s.x), &list)
	slices.SortFunc(list, func(a, b change) int { return a.at - b.at })
	return s.settle(list)
}

func (s *search) within(lo, hi int, list *[]change) {
	c := s.test(lo, hi)
	if c.p > s.Alpha {
		return
	}
	*list = append(*list, c)
	s.within(lo, c.at, list)
	s.within(c.at, hi, list)
}

// settle moves each change to the best place between its neighbours. It was
// found while others lay in the same segment, which pull at it.
//
// Note: the least sum of absolute deviations from the medians of the parts was
// tried for the place, for its robustness. In TestPlace and TestSeveral it was
// no nearer.
func (s *search) settle(list []change) []change {
	for i := range list {
		lo, hi := 0, len(s.x)
		if i > 0 {
			lo = list[i-1].at
		}
		if i+1 < len(list) {
			hi = list[i+1].at
		}
		if b, ok := best(s.x[lo:hi], s.Guard); ok {
			list[i].at = lo + b.at
		}
	}
	return list
}
