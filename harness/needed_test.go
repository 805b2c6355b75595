package harness

import (
	"slices"
	"testing"

	"github.com/attnbench/attnbench/harness/faults"
)

// only names for each check a fault that no other check finds.
var only = map[string]string{
	"unwritten":          "nan-row-skipped",
	"empty rows":         "empty-row-mean",
	"finite":             "hidden-leak-in-a-lane",
	"range":              "division-missing-in-a-lane",
	"non-finite":         "nan-to-zero",
	"rounding bound":     "output-one-scale",
	"max error":          "last-row-coarse",
	"mean error":         "zero-point-off",
	"lse rounding bound": "lse-one-scale",
	"lse max error":      "last-lse-coarse",
	"lse mean error":     "lse-biased",
	"repeat":             "race-of-blocks",
	"rebind":             "output-of-before",
	"threads":            "tiles-by-threads",
	"batch neighbours":   "tiles-over-batch",
	"strides":            "tiles-by-layout",
	"without lse":        "division-with-lse-only",
	"stray writes":       "values-cleaned",
	"decode":             "decode-remainder",
	"split keys":         "window-right-clipped",
	"key order":          "max-lazy",
	"shifted logits":     "max-from-zero",
}

// TestEachCheckIsNeeded leaves out one check at a time: some fault must then
// get through.
func TestEachCheckIsNeeded(t *testing.T) {
	cases, err := setUpAll(selftestCases())
	if err != nil {
		t.Fatal(err)
	}
	judge := func(fault string, without ...string) Judgement {
		all, err := Selftest{Faults: faultNamed(t, fault), Without: without}.run(t.Context(), cases)
		if err != nil {
			t.Fatal(err)
		}
		return all[0]
	}
	for _, check := range append(CheckNames(), InvarianceNames()...) {
		if j := judge(only[check]); j.Check != check {
			t.Errorf("%s: rejected by %q, want %q", j.Kernel, j.Check, check)
		}
		if j := judge(only[check], check); j.Rejected() {
			t.Errorf("without %q: %s is still rejected, by %q on %s: %s", check, j.Kernel, j.Check, j.Case, j.Reason)
		}
	}
}

func faultNamed(t *testing.T, name string) []faults.Fault {
	t.Helper()
	all := faults.All()
	i := slices.IndexFunc(all, func(f faults.Fault) bool { return f.Name == name })
	if i < 0 {
		t.Fatalf("no fault %q", name)
	}
	return all[i : i+1]
}
