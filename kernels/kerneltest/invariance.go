package kerneltest

import (
	"fmt"
	"testing"

	"github.com/attnbench/attnbench/harness"
	"github.com/attnbench/attnbench/kernels"
)

// invariance holds the kernel against itself, in every way of running it that
// must not matter; see [harness.CheckInvariances].
func (v variant) invariance(t *testing.T) {
	for _, c := range v.invarianceProblems() {
		t.Run(c.name, func(t *testing.T) { v.invariant(t, c.problem) })
	}
}

type namedProblem struct {
	name    string
	problem kernels.Problem
}

// invarianceProblems cross shapes with masks, and add one of each feature that
// has code of its own.
func (v variant) invarianceProblems() []namedProblem {
	var list []namedProblem
	for _, sh := range []shape{{2, 2, 1, 70, 130, 64}, {2, 2, 1, 3, 200, 40}, {2, 2, 2, 66, 300, 15}} {
		for _, spec := range []string{"full", "causal", "window:30+sinks:2"} {
			p := v.problem(sh, mustParse(spec, sh.kvLen))
			list = append(list, namedProblem{caseName(p), p})
		}
	}
	for _, feature := range []struct {
		name string
		add  func(p *kernels.Problem)
	}{
		{"softcap", func(p *kernels.Problem) { p.Softcap = 20 }},
		{"alibi", func(p *kernels.Problem) { p.ALiBi = true }},
		{"sinklogits", func(p *kernels.Problem) { p.SinkLogits = true }},
		{"paged", func(p *kernels.Problem) { p.PageSize = 16 }},
		{"float16", func(p *kernels.Problem) { p.DType, p.KVDType = kernels.Float16, kernels.Float16 }},
		{"bfloat16", func(p *kernels.Problem) { p.KVDType = kernels.BFloat16 }},
		{"int8", func(p *kernels.Problem) { p.KVDType = kernels.Int8 }},
		{"int8 paged", func(p *kernels.Problem) { p.KVDType, p.PageSize = kernels.Int8, 16 }},
	} {
		p := v.problem(shape{2, 2, 1, 40, 70, 32}, mustParse("causal", 70))
		feature.add(&p)
		list = append(list, namedProblem{fmt.Sprintf("%s/%s", feature.name, caseName(p)), p})
	}
	return list
}

func (v variant) invariant(t *testing.T, p kernels.Problem) {
	in, err := harness.LookupInput("normal", seed)
	if err != nil {
		t.Fatal(err)
	}
	v.plan(t, p, 1).Close() // or the test is skipped
	results, err := harness.CheckInvariances(v.kernel, harness.Case{Problem: p, Input: in}, kernels.Options{Threads: 2, ISA: v.isa})
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range results {
		if r.Broken != "" {
			t.Errorf("%s: %s (seed %d)", r.Name, r.Broken, seed)
		}
	}
}
