package harness

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/attnbench/attnbench/kernels"
)

func smallCases(t *testing.T, lengths ...int) []Case {
	t.Helper()
	cases, err := Sweep{Lengths: lengths, Heads: 1, HeadDim: 8, Inputs: Inputs(testSeed)[:1]}.Cases()
	if err != nil {
		t.Fatal(err)
	}
	return cases
}

func TestMeasure(t *testing.T) {
	var log []string
	m := Measurement{
		Kernels: []kernels.Kernel{fake{name: "a", log: &log}, fake{name: "b", log: &log}},
		Cases:   smallCases(t, 16, 24, 32), Count: 4, BenchTime: time.Microsecond, Seed: testSeed,
	}
	results, err := m.Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if len(results) != 6 {
		t.Fatalf("%d results, want 6", len(results))
	}
	for _, r := range results {
		if r.Failed() != nil || len(r.Samples) != 4 {
			t.Errorf("%s: %d samples, error %v; want 4, none", r.Name(), len(r.Samples), r.Failed())
		}
		if r.Workspace != 4096 || r.Threads < 1 || r.AllocsPerOp == 0 {
			t.Errorf("%s: workspace %d, threads %d, allocs %v", r.Name(), r.Workspace, r.Threads, r.AllocsPerOp)
		}
	}
	again := slices.Clone(log)
	log = log[:0]
	if _, err := m.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	first, second := timedOrder(again), timedOrder(log)
	if !slices.Equal(first, second) {
		t.Errorf("the same seed took samples in another order:\n%v\n%v", first, second)
	}
	checkInterleaved(t, first, 6, 4)
}

// TestPatience skips what would take too long at the rate of the case before.
func TestPatience(t *testing.T) {
	m := Measurement{
		Kernels: []kernels.Kernel{fake{name: "a", log: new([]string)}}, Cases: smallCases(t, 16, 24),
		Count: 2, BenchTime: time.Microsecond, Patience: time.Nanosecond,
	}
	results, err := m.Run(t.Context())
	if err != nil || len(results[0].Samples) != 2 || results[0].Skipped != nil {
		t.Fatalf("first case: %+v, %v", results[0], err)
	}
	if why := results[1].Skipped; !errors.Is(why, errors.ErrUnsupported) || !strings.Contains(why.Error(), "a run at n=24 would take about") || results[1].Samples != nil {
		t.Errorf("second case: %d samples, skipped: %v", len(results[1].Samples), why)
	}
}

// timedOrder returns the order of the samples: each is a run of equal entries
// at least, so neighbours are merged, and the preparation's are cut off.
func timedOrder(log []string) []string {
	order := slices.Compact(slices.Clone(log))
	return order[6:]
}

// checkInterleaved wants each round to have every lane, and rounds to differ.
func checkInterleaved(t *testing.T, order []string, lanes, rounds int) {
	t.Helper()
	sorted := slices.Compact(slices.Sorted(slices.Values(order)))
	if len(sorted) != lanes {
		t.Errorf("sampled %v, want %d lanes", sorted, lanes)
	}
	if runs := len(order); runs <= lanes*(rounds-1) {
		t.Errorf("samples of a lane stand together: %d switches for %d lanes in %d rounds", runs, lanes, rounds)
	}
	if slices.Equal(order[:lanes], order[lanes:2*lanes]) && slices.Equal(order[:lanes], order[2*lanes:3*lanes]) {
		t.Errorf("every round has the same order: %v", order)
	}
}

func TestMeasureRejects(t *testing.T) {
	broken := errors.New("device lost")
	results, err := Measurement{
		Kernels: []kernels.Kernel{
			fake{name: "right"},
			fake{name: "wrong", online: online{dropLast: true}},
			fake{name: "stale", stopsAfter: 12},
			fake{name: "partial", supports: errNoSoftcap},
			fake{name: "planless", planErr: broken},
			fake{name: "runless", runErr: broken},
		},
		Cases: smallCases(t, 16), Count: 20, BenchTime: time.Microsecond, Seed: 1,
	}.Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	right, wrong, stale, partial, planless, runless := results[0], results[1], results[2], results[3], results[4], results[5]
	if right.Failed() != nil || len(right.Samples) != 20 {
		t.Errorf("right: %v, %d samples", right.Failed(), len(right.Samples))
	}
	if wrong.Verdict.Pass() || wrong.Samples != nil {
		t.Errorf("wrong: %v, %d samples; want a failure and none", wrong.Verdict, len(wrong.Samples))
	}
	if stale.Verdict.Check != "unwritten" || stale.Samples != nil {
		t.Errorf("stale: %v, %d samples; want unwritten and none", stale.Verdict, len(stale.Samples))
	}
	if partial.Skipped == nil || partial.Failed() != nil || partial.Samples != nil {
		t.Errorf("partial: skipped %v, failed %v; want skipped only", partial.Skipped, partial.Failed())
	}
	for _, r := range []Result{planless, runless} {
		if !errors.Is(r.Failed(), broken) || r.Samples != nil {
			t.Errorf("%s: %v, %d samples; want %v and none", r.Kernel, r.Failed(), len(r.Samples), broken)
		}
	}
}

func TestMeasureCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	m := Measurement{
		Kernels: []kernels.Kernel{fake{name: "a"}}, Cases: smallCases(t, 16, 24), Count: 10, BenchTime: time.Microsecond,
		Progress: func(done, total int, _ string) {
			if total != 22 {
				t.Errorf("total %d, want 22", total)
			}
			if done == 7 { // two preparations and five samples are done
				cancel()
			}
		},
	}
	results, err := m.Run(ctx)
	if !errors.Is(err, ErrIncomplete) || !errors.Is(err, context.Canceled) || !strings.Contains(err.Error(), "of 20 samples") {
		t.Errorf("error %v, want an incomplete, cancelled measurement", err)
	}
	n := 0
	for _, r := range results {
		n += len(r.Samples)
	}
	if n < 5 || n > 6 {
		t.Errorf("kept %d samples, want the 5 taken, or the one under way too", n)
	}
}

func TestSweep(t *testing.T) {
	in := Inputs(1)[:2]
	cases, err := Sweep{Lengths: []int{64, 128}, Masks: []string{"full", "causal+window:16"}, Inputs: in, KVHeads: 2}.Cases()
	if err != nil {
		t.Fatal(err)
	}
	if len(cases) != 8 {
		t.Errorf("%d cases, want 8", len(cases))
	}
	const want = "Attention/kernel=flash/isa=avx2/mask=causal+window:16/batch=1/heads=8/kvheads=2/qlen=128/kvlen=128/dim=64"
	if got := cases[7].Name("flash", "avx2"); got != want {
		t.Errorf("name %s, want %s", got, want)
	}
	soft := func(p *kernels.Problem) error {
		p.Softcap, p.KVDType = 30, kernels.BFloat16
		return nil
	}
	two := Sweep{Lengths: []int{8}, Inputs: in[:1], Variants: []func(p *kernels.Problem) error{func(*kernels.Problem) error { return nil }, soft}}
	if cases, err = two.Cases(); err != nil {
		t.Fatal(err)
	}
	for i, end := range []string{"/dim=64", "/dim=64/kvdtype=bfloat16/softcap=30"} {
		if got := cases[i].Name("a", "b"); !strings.HasSuffix(got, end) {
			t.Errorf("name %s of variant %d does not end with %s", got, i, end)
		}
	}
	impossible := []func(p *kernels.Problem) error{func(*kernels.Problem) error { return errors.New("no such thing") }}
	for want, s := range map[string]Sweep{
		"kvLen 0":          {Lengths: []int{0}, Inputs: in},
		"kvHeads 3":        {Lengths: []int{8}, KVHeads: 3, Inputs: in},
		`"diagonal"`:       {Lengths: []int{8}, Masks: []string{"diagonal"}, Inputs: in},
		"0 lengths":        {Inputs: in},
		"headDim 1000":     {Lengths: []int{8}, HeadDim: 1000, Inputs: in},
		"no such thing":    {Lengths: []int{8}, Inputs: in, Variants: impossible},
		"mask blocks:16:1": {Lengths: []int{-1}, Masks: []string{"blocks:16:1"}, Inputs: in},
	} {
		if _, err := s.Cases(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want one that names %s", err, want)
		}
	}
}
