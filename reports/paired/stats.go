package paired

import (
	"math"
	"slices"

	"gonum.org/v1/gonum/stat/distuv"
)

// low returns the second percentile.
func low(x []float64) float64 {
	sorted := slices.Sorted(slices.Values(x))
	return sorted[len(sorted)/50]
}

// estimate returns the pseudomedian: the median of the means of all pairs of
// rounds, each with itself included (Hodges and Lehmann, 1963), as robust as a
// median against the odd round and nearly as sharp as a mean. Its interval holds
// the values that Wilcoxon's test would not reject; it is infinite when there
// are too few rounds for one.
//
// Note: the interval was a bootstrap's at first. Over the few rounds that an
// experiment may stop after, it covered less than it said (over 8 rounds with
// heavy tails 91% and not 95%), and everything that is called the same rests on
// it. The test's own interval is exact at any number of rounds, and agrees with
// the test.
func estimate(x []float64, confidence float64) Estimate {
	means := make([]float64, 0, len(x)*(len(x)+1)/2)
	for i := range x {
		for j := i; j < len(x); j++ {
			means = append(means, (x[i]+x[j])/2)
		}
	}
	slices.Sort(means)
	mid := len(means) / 2
	e := Estimate{means[mid], math.Inf(-1), math.Inf(1)}
	if len(means)%2 == 0 {
		e.Value = (means[mid-1] + means[mid]) / 2
	}
	if k := bound(len(x), (1-confidence)/2); k > 0 {
		e.Lo, e.Hi = means[k-1], means[len(means)-k]
	}
	return e
}

// bound returns which of the sorted means, from either end, bounds an interval
// with so much chance in each tail; 0 when none does.
func bound(n int, tail float64) int {
	if n > exactRounds {
		m := float64(n)
		spread := math.Sqrt(m * (m + 1) * (2*m + 1) / 24)
		return int(max(0, m*(m+1)/4+distuv.UnitNormal.Quantile(tail)*spread))
	}
	ranks, total := make([]int, n), 0
	for i := range ranks {
		ranks[i] = i + 1
		total += i + 1
	}
	sum, k := 0.0, 0
	for _, p := range signedSums(ranks, total) {
		if sum += p; sum > tail {
			break
		}
		k++
	}
	return k
}

// exactRounds bounds the exact distribution of the signed ranks: 2^n signs, in
// n³ steps.
const exactRounds = 60

// SignedRank returns the two-sided p of Wilcoxon's test that x is symmetric
// about 0 (Wilcoxon, "Individual comparisons by ranking methods", 1945). Zeros
// are dropped; ties share their ranks, and the distribution is that of the ranks
// as they are, so the test is exact with ties too.
func SignedRank(x []float64) float64 {
	x = slices.DeleteFunc(slices.Clone(x), func(v float64) bool { return v == 0 })
	if len(x) == 0 {
		return 1
	}
	ranks := doubledRanks(x)
	positive, total := 0, 0
	for i, r := range ranks {
		total += r
		if x[i] > 0 {
			positive += r
		}
	}
	least := min(positive, total-positive)
	if len(x) > exactRounds {
		return normalSignedRank(ranks, least, total)
	}
	return min(1, 2*below(ranks, least, total))
}

// doubledRanks returns twice the rank of each magnitude: whole numbers even
// where ties share one.
func doubledRanks(x []float64) []int {
	order := make([]int, len(x))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int {
		switch d := math.Abs(x[a]) - math.Abs(x[b]); {
		case d < 0:
			return -1
		case d > 0:
			return 1
		}
		return 0
	})
	ranks := make([]int, len(x))
	for i := 0; i < len(order); {
		j := i
		for j < len(order) && math.Abs(x[order[j]]) == math.Abs(x[order[i]]) {
			j++
		}
		for _, at := range order[i:j] {
			ranks[at] = i + 1 + j // twice the mean of i+1 … j
		}
		i = j
	}
	return ranks
}

// below returns the chance that random signs give a sum of ranks of at most w.
func below(ranks []int, w, total int) float64 {
	sum := 0.0
	for _, p := range signedSums(ranks, total)[:w+1] {
		sum += p
	}
	return sum
}

// signedSums returns the chance of each sum of the ranks whose sign, drawn at
// random, is positive.
func signedSums(ranks []int, total int) []float64 {
	ways := make([]float64, total+1)
	ways[0] = 1
	reach := 0
	for _, r := range ranks {
		reach += r
		for s := reach; s >= 0; s-- {
			ways[s] /= 2
			if s >= r {
				ways[s] += ways[s-r] / 2
			}
		}
	}
	return ways
}

func normalSignedRank(ranks []int, w, total int) float64 {
	variance := 0.0
	for _, r := range ranks {
		variance += float64(r) * float64(r) / 4
	}
	z := (float64(w) - float64(total)/2 + 1) / math.Sqrt(variance) // a step of the doubled ranks is 2
	return min(1, 2*distuv.UnitNormal.CDF(z))
}
