package harness

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/pprof/profile"

	"github.com/attnbench/attnbench/kernels"
)

// stacks makes a profile of stacks, the innermost function first, and what each took.
func stacks(spent map[string]int64) *profile.Profile {
	p := &profile.Profile{SampleType: []*profile.ValueType{{Type: "samples", Unit: "count"}, {Type: "cpu", Unit: "nanoseconds"}}}
	for stack, ns := range spent {
		s := &profile.Sample{Value: []int64{1, ns}}
		for _, name := range strings.Fields(stack) {
			l := &profile.Location{Mapping: &profile.Mapping{File: "/lib/libmine.so"}}
			if name != "?" {
				l.Line = []profile.Line{{Function: &profile.Function{Name: name}}}
			}
			s.Location = append(s.Location, l)
		}
		p.Sample = append(p.Sample, s)
	}
	return p
}

func TestFunctionTimes(t *testing.T) {
	list, total := functionTimes(stacks(map[string]int64{
		"a.com/x/simd.mul a.com/x/flash.(*plan).score a.com/x/flash.(*plan).item": 50,
		"a.com/x/simd.mul a.com/x/flash.(*plan).attend":                           10,
		"a.com/x/flash.(*plan).score a.com/x/flash.(*plan).item":                  20,
		"main.f main.f main.g": 7, // a recursion
		"? main.g":             3, // not Go's
	}))
	want := map[string][2]time.Duration{
		"simd.mul": {60, 60}, "flash.(*plan).score": {20, 70}, "flash.(*plan).item": {0, 70}, "flash.(*plan).attend": {0, 10},
		"main.f": {7, 7}, "main.g": {0, 10}, "libmine.so": {3, 3},
	}
	if total != 90 || len(list) != len(want) || list[0].Name != "simd.mul" {
		t.Errorf("%v in all, of %d functions, first %s: want 90, %d, simd.mul", total, len(list), list[0].Name, len(want))
	}
	for _, f := range list {
		if got := [2]time.Duration{f.Self, f.With}; got != want[f.Name] {
			t.Errorf("%s: self and with callees %v: want %v", f.Name, got, want[f.Name])
		}
	}
}

func TestProfileKernel(t *testing.T) {
	input, err := LookupInput("normal", testSeed)
	if err != nil {
		t.Fatal(err)
	}
	c := Case{problem(1, 2, 2, 64, 64, 16, "causal"), input}
	p, err := ProfileKernel(t.Context(), fake{name: "right"}, c, kernels.Options{Threads: 1}, 200*time.Millisecond, Sampling{})
	if err != nil {
		t.Skipf("there is a profile already: %v", err) // go test -cpuprofile
	}
	if p.Failed() != nil || p.Runs == 0 || p.Elapsed < 200*time.Millisecond {
		t.Fatalf("%d runs in %v, failed: %v", p.Runs, p.Elapsed, p.Failed())
	}
	sum := time.Duration(0)
	for _, f := range p.Functions {
		sum += f.Self
	}
	if sum != p.Busy {
		t.Errorf("functions took %v of %v", sum, p.Busy)
	}
	merged, err := MergeProfiles([]Profile{p, {}, p})
	if err != nil {
		t.Fatal(err)
	}
	var buf bytes.Buffer
	if err := merged.Write(&buf); err != nil {
		t.Fatal(err)
	}
	read, err := profile.Parse(&buf)
	if err != nil {
		t.Fatal(err)
	}
	spent := time.Duration(0)
	for _, s := range read.Sample {
		spent += time.Duration(s.Value[1])
		if got := s.Label["case"]; len(got) != 1 || got[0] != p.Name() {
			t.Fatalf("a stack of case %q: want %q", got, p.Name())
		}
	}
	if spent != 2*p.Busy {
		t.Errorf("merged stacks of %v: want twice %v", spent, p.Busy)
	}
}

// What is wrong at first or in the end has no profile, nor has what is refused.
func TestProfileOfNothing(t *testing.T) {
	c := smallCases(t, 16)[0]
	for _, k := range []fake{
		{name: "wrong", online: online{dropLast: true}},
		{name: "stale", stopsAfter: 1},
		{name: "runless", runErr: errors.New("broken")},
		{name: "planless", planErr: errors.New("broken")},
		{name: "unable", supports: errNoSoftcap},
	} {
		p, err := ProfileKernel(t.Context(), k, c, kernels.Options{Threads: 1}, time.Millisecond, Sampling{})
		if err != nil {
			t.Skipf("there is a profile already: %v", err)
		}
		if p.Functions != nil || p.Stacks != nil || (p.Failed() == nil) != (k.name == "unable") || (p.Skipped == nil) == (k.name == "unable") {
			t.Errorf("%s: %d functions, failed %v, skipped %v", k.name, len(p.Functions), p.Failed(), p.Skipped)
		}
	}
	if _, err := MergeProfiles([]Profile{{}}); err == nil {
		t.Error("nothing was merged without an error")
	}
}
