package attnbench_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/attnbench/attnbench/harness"
	"github.com/attnbench/attnbench/kernels"
	_ "github.com/attnbench/attnbench/kernels/all"
	"github.com/attnbench/attnbench/kernels/kerneltest"
)

const benchSeed = 1

// BenchmarkAttention times every kernel over the sweep, with the names and the
// metrics of attnbench run. -bench takes a pattern for each part of the name,
// and an empty one matches all: -bench='Attention/kernel=(flash|tiled)' chooses
// kernels, -bench='Attention/kernel=flash//////qlen=512' a length too.
func BenchmarkAttention(b *testing.B) {
	fmt.Printf("seed: %d\n", benchSeed)
	kerneltest.Benchmark(b, harness.Sweep{Lengths: []int{128, 256, 512, 1024}, Inputs: harness.Inputs(benchSeed)}, kernels.All()...)
}

// TestSweepEndToEnd takes all kernels through verification, timing and records.
func TestSweepEndToEnd(t *testing.T) {
	cases, err := harness.Sweep{
		Lengths: []int{1, 97}, Masks: []string{"full", "causal+window:20+sinks:3"},
		Heads: 2, KVHeads: 1, HeadDim: 32, Inputs: harness.Inputs(benchSeed),
	}.Cases()
	if err != nil {
		t.Fatal(err)
	}
	results, err := harness.Measurement{
		Kernels: kernels.All(), Cases: cases, Count: 2, BenchTime: time.Microsecond, Seed: benchSeed,
	}.Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for i := range results {
		r := &results[i]
		if err := r.Failed(); err != nil {
			t.Errorf("%s on %s: %v", r.Name(), r.Case.Input.Name(), err)
		}
		if r.Skipped == nil && len(r.Samples) != 2 {
			t.Errorf("%s: %d samples, want 2", r.Name(), len(r.Samples))
		}
	}
}
