package reports

import (
	"math"

	"gonum.org/v1/gonum/mat"
)

// A Law is the cost A + B·n + C·n² of a problem of length n, each term not
// negative: a fixed cost, work per token, and work per pair of tokens.
type Law struct{ A, B, C float64 }

// At returns the law's value at n.
func (l Law) At(n float64) float64 { return l.A + (l.B+l.C*n)*n }

// Quadratic returns the n from which on C·n² exceeds A + B·n: 0 when it does
// everywhere, +Inf when there is no quadratic term.
func (l Law) Quadratic() float64 {
	if l.C == 0 {
		return math.Inf(1)
	}
	return (l.B + math.Sqrt(l.B*l.B+4*l.A*l.C)) / (2 * l.C)
}

// FitLaw returns the law that minimises the sum of squared relative residuals
// ((law(n) − y)/y)² over terms that are not negative. Relative ones, because
// the lengths of a sweep double: absolute residuals would fit the longest
// length and nothing else. n and y must be positive and of equal length, with
// at least three distinct n.
//
// The fit is exact: the optimum is the unconstrained least-squares solution on
// the set of terms that it leaves positive (the Karush-Kuhn-Tucker conditions
// of a convex problem), and of three terms there are only seven such sets.
func FitLaw(n, y []float64) Law {
	var best Law
	least := math.Inf(1)
	for _, powers := range termSets {
		law, ok := fitTerms(n, y, powers)
		if !ok {
			continue
		}
		if r := law.squares(n, y); r < least-rounding {
			best, least = law, r
		}
	}
	return best
}

// termSets are the powers of n that may be positive, fewest first.
var termSets = [][]float64{{0}, {1}, {2}, {0, 1}, {0, 2}, {1, 2}, {0, 1, 2}}

// rounding is a sum of squared relative residuals that says nothing: a term
// must gain more, so that exact bytes don't get a term of 1e-13.
const rounding = 1e-18

// fitTerms solves for the given powers of n alone. It reports false when a term
// comes out negative or the system is singular.
func fitTerms(n, y, powers []float64) (Law, bool) {
	unit := n[len(n)-1] // columns of like size keep the decomposition well conditioned
	a, ones := mat.NewDense(len(n), len(powers), nil), mat.NewVecDense(len(n), nil)
	for i := range n {
		ones.SetVec(i, 1)
		for j, p := range powers {
			a.Set(i, j, math.Pow(n[i]/unit, p)/y[i])
		}
	}
	var x mat.VecDense
	if err := x.SolveVec(a, ones); err != nil {
		return Law{}, false
	}
	var term [3]float64
	for j, p := range powers {
		if x.AtVec(j) < 0 {
			return Law{}, false
		}
		term[int(p)] = x.AtVec(j) / math.Pow(unit, p)
	}
	return Law{term[0], term[1], term[2]}, true
}

// squares returns the sum of the squared relative residuals.
func (l Law) squares(n, y []float64) float64 {
	sum := 0.0
	for i := range n {
		r := l.At(n[i])/y[i] - 1
		sum += r * r
	}
	return sum
}
