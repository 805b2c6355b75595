package compare

import (
	"math"
	"slices"
	"sync"

	"github.com/aclements/go-moremath/stats"
	"golang.org/x/perf/benchmath"
	"gonum.org/v1/gonum/stat/distuv"
)

// A Change is what became of a benchmark, in the unit of its table.
type Change struct {
	benchmath.Comparison         // the test, with its p
	Delta                float64 // difference of the centers
	Lo, Hi               float64 // interval of the difference; infinite when the samples are too few
	Ratio                float64 // of the centers; NaN when the base is 0 and the other is not

	// The rest is the gate's.
	Judged  bool
	Q       float64 // p, adjusted for all rows that were judged
	Floor   float64 // difference that the same code shows; NaN where it was not measured
	Allowed float64 // difference for the worse that is let pass
	Verdict Verdict // "" where it was not judged
	Reason  string  // of a verdict other than same

	failing bool
}

func newChange(base, head *Cell, a benchmath.Assumption, confidence float64) *Change {
	b, h := base.Summary.Center, head.Summary.Center
	c := &Change{Comparison: a.Compare(base.sample, head.sample), Delta: h - b, Ratio: ratio(b, h), Floor: math.NaN()}
	if a == benchmath.Assumption(benchmath.AssumeExact) {
		c.Lo, c.Hi = c.Delta, c.Delta
		return c
	}
	c.Lo, c.Hi = interval(base.sample.Values, head.sample.Values, b, confidence)
	return c
}

func ratio(base, head float64) float64 {
	switch {
	case base == head:
		return 1
	case base == 0:
		return math.NaN()
	}
	return head / base
}

// relative returns a difference as a share of the base.
func (c *Change) relative(difference, base float64) float64 {
	if difference == 0 {
		return 0
	}
	return difference / math.Abs(base)
}

// interval returns that of the difference head − base. It is the Mann-Whitney
// test inverted: the shifts that the test would not reject (Hodges and Lehmann,
// "Estimates of location based on rank tests", 1963). Where all values are
// positive the shift is one of logarithms, thus a factor, and is applied to the
// base's center; noise and slowdowns are factors.
func interval(base, head []float64, center, confidence float64) (lo, hi float64) {
	x, y, back := base, head, func(d float64) float64 { return d }
	if base[0] > 0 && head[0] > 0 { // sorted
		x, y = logs(base), logs(head)
		back = func(d float64) float64 { return center * math.Expm1(d) }
	}
	rank := cachedRank(len(x), len(y), confidence)
	if rank == 0 {
		return math.Inf(-1), math.Inf(1)
	}
	return back(pairwise(x, y, rank)), back(pairwise(x, y, len(x)*len(y)+1-rank))
}

func logs(x []float64) []float64 {
	out := make([]float64, len(x))
	for i, v := range x {
		out[i] = math.Log(v)
	}
	return out
}

// pairwise returns the k-th smallest of all differences y − x, from 1. The
// values are sorted. It halves the range of the differences and counts, so that
// it needs neither the memory nor the time of all pairs.
func pairwise(x, y []float64, k int) float64 {
	lo, hi := y[0]-x[len(x)-1], y[len(y)-1]-x[0]
	for {
		mid := lo + (hi-lo)/2
		if mid <= lo || mid >= hi {
			break
		}
		if countBelow(x, y, mid) >= k {
			hi = mid
		} else {
			lo = mid
		}
	}
	if countBelow(x, y, lo) >= k {
		return lo
	}
	return hi
}

// countBelow counts the pairs whose difference y − x is at most d.
func countBelow(x, y []float64, d float64) int {
	n, j := 0, 0
	for _, v := range x {
		for j < len(y) && y[j]-v <= d {
			j++
		}
		n += j
	}
	return n
}

type rankKey struct {
	n1, n2     int
	confidence float64
}

var ranks sync.Map // of rankKey

func cachedRank(n1, n2 int, confidence float64) int {
	key := rankKey{n1, n2, confidence}
	if k, ok := ranks.Load(key); ok {
		return k.(int)
	}
	k := rank(n1, n2, confidence)
	ranks.Store(key, k)
	return k
}

// rank returns which of the sorted differences bounds the interval from either
// side, or 0 when the samples are too few for one.
func rank(n1, n2 int, confidence float64) int {
	tail := (1 - confidence) / 2
	if n1 <= stats.MannWhitneyExactLimit && n2 <= stats.MannWhitneyExactLimit {
		dist, k := stats.UDist{N1: n1, N2: n2}, 0
		for dist.CDF(float64(k)) <= tail {
			k++
		}
		return k
	}
	m, n := float64(n1), float64(n2)
	spread := math.Sqrt(m * n * (m + n + 1) / 12)
	return max(0, int(math.Floor(m*n/2+distuv.UnitNormal.Quantile(tail)*spread+0.5)))
}

// constant reports whether all values of both samples are their sample's first.
func constant(base, head *Cell) bool {
	for _, c := range []*Cell{base, head} {
		if slices.Min(c.Values) != slices.Max(c.Values) {
			return false
		}
	}
	return true
}
