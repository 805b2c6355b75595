package history

import (
	"math"
	"slices"
)

// Detect finds the changes of several sequences of levels, one value a
// commit, and returns those of each as the indices where a new level begins,
// with their p-values.
//
// Whether a sequence changed at all is decided by Benjamini and Hochberg's
// rule over all of them; where else it changed, at the level of the options.
// Changes smaller than the least effect are dropped, the smallest first.
func Detect(sequences [][]float64, o Options) [][]Found {
	draws := max(999, int(math.Ceil(2*float64(len(sequences))/o.Alpha)))
	searches, firsts := make([]*search, len(sequences)), make([]change, len(sequences))
	p := make([]float64, len(sequences))
	for i, levels := range sequences {
		p[i] = 1
		if len(levels) >= 2*o.Guard && !slices.ContainsFunc(levels, bad) {
			searches[i] = newSearch(levels, o, draws, uint64(i))
			firsts[i] = searches[i].first()
			p[i] = firsts[i].p
		}
	}
	out := make([][]Found, len(sequences))
	limit := threshold(p, o.Alpha)
	for i, levels := range sequences {
		if p[i] <= limit {
			out[i] = prune(levels, searches[i].divide(firsts[i]), o.MinEffect)
		}
	}
	return out
}

// Found is a change of a sequence: from one level to another, at an index.
type Found struct {
	At           int
	Before, From float64 // the median level of the segments on either side
	P            float64
}

func bad(v float64) bool { return math.IsNaN(v) || math.IsInf(v, 0) }

// threshold returns the greatest p-value that Benjamini and Hochberg's rule
// accepts at level alpha, or −1.
func threshold(p []float64, alpha float64) float64 {
	limit := -1.0
	for i, v := range slices.Sorted(slices.Values(p)) {
		if v <= alpha*float64(i+1)/float64(len(p)) {
			limit = v
		}
	}
	return limit
}

// prune drops the smallest change while it is below the least effect, and
// joins the segments that it divided.
func prune(levels []float64, list []change, least float64) []Found {
	for len(list) > 0 {
		found := measured(levels, list)
		small := 0
		for i := range found {
			if size(found[i]) < size(found[small]) {
				small = i
			}
		}
		if size(found[small]) >= least {
			return found
		}
		list = slices.Delete(list, small, small+1)
	}
	return nil
}

// size returns the change on the scale of factors: as much for a half as for
// twice. From or to 0 it is infinite.
func size(f Found) float64 {
	switch {
	case f.Before == f.From:
		return 0
	case f.Before <= 0 || f.From <= 0:
		return math.Inf(1)
	}
	return max(f.From/f.Before, f.Before/f.From) - 1
}

// measured adds the levels on either side.
func measured(levels []float64, list []change) []Found {
	found := make([]Found, len(list))
	for i, c := range list {
		lo, hi := 0, len(levels)
		if i > 0 {
			lo = list[i-1].at
		}
		if i+1 < len(list) {
			hi = list[i+1].at
		}
		found[i] = Found{At: c.at, P: c.p, Before: median(levels[lo:c.at]), From: median(levels[c.at:hi])}
	}
	return found
}

func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	mid := len(sorted) / 2
	if len(sorted)%2 == 1 {
		return sorted[mid]
	}
	return (sorted[mid-1] + sorted[mid]) / 2
}
