package harness_test

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/attnbench/attnbench/harness"
	"github.com/attnbench/attnbench/harness/faults"
	"github.com/attnbench/attnbench/kernels"
	_ "github.com/attnbench/attnbench/kernels/all"
)

// TestSelftest wants every fault rejected and every kernel accepted.
func TestSelftest(t *testing.T) {
	all, err := harness.Selftest{Kernels: append(kernels.All(), faults.Right())}.Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	rejected := 0
	for _, j := range all {
		if !j.Right() {
			t.Errorf("%s %s: %d cases passed, then %q on %s: %s", j.Kernel, j.ISA, j.Passed, j.Check, j.Case, j.Reason)
		}
		if j.Rejected() {
			rejected++
		}
	}
	if rejected < 25 || rejected != len(faults.All()) {
		t.Errorf("rejected %d kernels, want the %d faults", rejected, len(faults.All()))
	}
}

func TestSelftestRefuses(t *testing.T) {
	_, err := harness.Selftest{Without: []string{"luck"}}.Run(t.Context())
	if err == nil || !strings.Contains(err.Error(), `"luck"`) || !strings.Contains(err.Error(), "key order") {
		t.Errorf("an unknown check: %v", err)
	}
	ctx, stop := context.WithCancel(t.Context())
	s := harness.Selftest{Faults: faults.All()[:3], Progress: func(done, _ int, _ string) {
		if done == 1 {
			stop()
		}
	}}
	all, err := s.Run(ctx)
	if len(all) != 2 || err == nil || !strings.Contains(err.Error(), "2 of 3") {
		t.Errorf("stopped in the second: %d judgements, %v", len(all), err)
	}
}

// TestFaultsAreHidden wants no fault where a user could choose or time it.
func TestFaultsAreHidden(t *testing.T) {
	seen := map[string]bool{}
	for _, f := range faults.All() {
		if slices.Contains(kernels.Names(), f.Name) || seen[f.Name] || f.Wrong == "" || f.Kernel.Name() != f.Name {
			t.Errorf("fault %q: registered, named twice or not explained", f.Name)
		}
		seen[f.Name] = true
	}
}
