package external

import (
	"fmt"
	"testing"

	"github.com/attnbench/attnbench/harness"
	"github.com/attnbench/attnbench/kernels"
)

// Each fault of the example is found by holding it against the oracle, or against
// itself in another way of running it; without a fault nothing is.
func TestFaults(t *testing.T) {
	if testing.Short() {
		t.Skip("every input on every fault")
	}
	for fault, name := range []string{
		"none", "mask off by one", "scale missing", "last row dropped", "beside output", "not rescaled",
		"lse of base 2", "weights of zero", "bound too early", "neighbour's head", "by threads",
	} {
		t.Run(name, func(t *testing.T) {
			k := only(t, library(t, "example/blocked.c", "-fopenmp", fmt.Sprintf("-DFAULT=%d", fault)))
			found := rejected(t, k)
			if (found != "") != (fault > 0) {
				t.Errorf("found %q", found)
			}
			t.Log(found)
		})
	}
}

// rejected says what is found to be wrong with k, "" where nothing is.
func rejected(t *testing.T, k kernels.Kernel) string {
	t.Helper()
	for _, spec := range []string{"causal", "window:20+sinks:2"} {
		mask, err := kernels.ParseMask(spec, 150)
		if err != nil {
			t.Fatal(err)
		}
		p := kernels.Problem{Batch: 2, Heads: 4, KVHeads: 2, QLen: 150, KVLen: 150, HeadDim: 32, Mask: mask}
		for _, in := range harness.Inputs(1) {
			v, err := harness.Verify(k, harness.Case{Problem: p, Input: in}, kernels.Options{Threads: 2}, harness.Sampling{})
			if err != nil {
				t.Fatal(err)
			}
			if err := v.Err(); err != nil {
				return fmt.Sprintf("on %s, %s: %v", spec, in.Name(), err)
			}
		}
		results, err := harness.CheckInvariances(k, harness.Case{Problem: p, Input: harness.Inputs(1)[0]}, kernels.Options{Threads: 2})
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range results {
			if r.Broken != "" {
				return fmt.Sprintf("on %s, %s: %s", spec, r.Name, r.Broken)
			}
		}
	}
	return ""
}
