package paired

import (
	"math"
	"slices"

	"gonum.org/v1/gonum/stat/distuv"
)

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
