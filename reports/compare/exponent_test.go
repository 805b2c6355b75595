package compare

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
)

// growing returns a report of a kernel whose time grows as n^base in the first
// column and as n^head in the second.
func growing(t *testing.T, base, head float64, seed uint64) *Report {
	t.Helper()
	rng := rand.New(rand.NewPCG(seed, 7))
	b, err := New(Options{})
	if err != nil {
		t.Fatal(err)
	}
	for i, exponent := range []float64{base, head} {
		col := []string{"base", "head"}[i]
		for _, n := range []int{128, 256, 512, 1024} {
			name := fmt.Sprintf("Attention/kernel=flash/isa=avx2/mask=causal/batch=1/heads=4/kvheads=4/qlen=%d/kvlen=%d/dim=32-2", n, n)
			for range 10 {
				add(t, b, col, name, "sec/op", 1e-6*math.Pow(float64(n)/128, exponent)*heavy(rng, 0.02))
			}
		}
	}
	r, err := b.Report()
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// A budget of 0.05 on the exponent lets noise pass and stops a kernel that grew
// by 0.1, at a time that no single length need show.
func TestExponentBudget(t *testing.T) {
	policy := Policy{Budgets: []Budget{{Unit: Exponent, Limit: 0.05}}, Seed: 1}
	for _, x := range []struct {
		base, head float64
		pass       bool
	}{{2, 2, true}, {2, 2.1, false}, {2, 1.9, true}} {
		wrong := 0
		for seed := range uint64(50) {
			r := growing(t, x.base, x.head, seed)
			if err := r.Judge(policy); err != nil {
				t.Fatal(err)
			}
			if r.Gate.Pass() != x.pass {
				wrong++
			}
		}
		if wrong > 0 {
			t.Errorf("n^%v → n^%v: wrong in %d of 50 runs", x.base, x.head, wrong)
		}
	}
}

func TestExponentNeedsLengths(t *testing.T) {
	r := madeUp{rows: 3, samples: 10, sigma: 0.02}.report(t, 1)
	err := r.Judge(Policy{Budgets: []Budget{{Unit: Exponent}}})
	if err == nil || !strings.Contains(err.Error(), "base has no benchmark Attention/") {
		t.Errorf("error %v, want one that says what has an exponent", err)
	}
}
