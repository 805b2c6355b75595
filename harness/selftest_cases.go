package harness

import (
	"fmt"

	"github.com/attnbench/attnbench/kernels"
)

// selftestSeed makes the inputs of the self-test.
const selftestSeed = 20260214

// A selftestCase is a case of the self-test: the simplest first, so that a
// fault is caught by the case that shows it best.
type selftestCase struct {
	input       string
	batch       int
	heads       int
	kvHeads     int
	qLen        int
	kvLen       int
	dim         int
	mask        string
	change      func(p *kernels.Problem)
	sampling    Sampling
	invariances bool // are checked too
}

func selftestCases() []selftestCase {
	return []selftestCase{
		{input: "normal", batch: 1, heads: 2, kvHeads: 2, qLen: 41, kvLen: 57, dim: 24, mask: "full"},
		{input: "normal", batch: 2, heads: 4, kvHeads: 2, qLen: 41, kvLen: 57, dim: 24, mask: "causal"},
		{input: "normal", batch: 1, heads: 2, kvHeads: 1, qLen: 60, kvLen: 60, dim: 16, mask: "window:5:3"},
		{input: "normal", batch: 1, heads: 2, kvHeads: 1, qLen: 60, kvLen: 60, dim: 16, mask: "causal+window:9+sinks:3"},
		{input: "normal", batch: 2, heads: 2, kvHeads: 2, qLen: 20, kvLen: 50, dim: 12, mask: "sinks:4+window:12+keylens:50:23"},
		{input: "normal", batch: 1, heads: 1, kvHeads: 1, qLen: 96, kvLen: 96, dim: 16, mask: "causal+blocks:16:1:3"},
		{input: "normal", batch: 1, heads: 2, kvHeads: 1, qLen: 60, kvLen: 60, dim: 16, mask: "causal+packed:17:30"},
		{input: "normal", batch: 1, heads: 2, kvHeads: 2, qLen: 30, kvLen: 21, dim: 8, mask: "causal"}, // 9 rows see no key
		{input: "normal", batch: 2, heads: 4, kvHeads: 2, qLen: 1, kvLen: 211, dim: 64, mask: "causal"},
		{input: "normal", batch: 1, heads: 2, kvHeads: 2, qLen: 33, kvLen: 40, dim: 16, mask: "full", change: func(p *kernels.Problem) { p.Scale = 0.1 }},
		{input: "normal", batch: 1, heads: 3, kvHeads: 1, qLen: 33, kvLen: 40, dim: 16, mask: "causal", change: func(p *kernels.Problem) { p.Softcap = 1.5 }},
		{input: "normal", batch: 1, heads: 3, kvHeads: 3, qLen: 33, kvLen: 40, dim: 16, mask: "causal", change: func(p *kernels.Problem) { p.ALiBi = true }},
		{input: "normal", batch: 1, heads: 3, kvHeads: 3, qLen: 33, kvLen: 40, dim: 16, mask: "causal", change: func(p *kernels.Problem) { p.SinkLogits = true }},
		{input: "normal", batch: 1, heads: 2, kvHeads: 2, qLen: 33, kvLen: 40, dim: 16, mask: "full", change: func(p *kernels.Problem) { p.ALiBi = true }},
		{input: "normal", batch: 1, heads: 2, kvHeads: 1, qLen: 33, kvLen: 40, dim: 16, mask: "causal", change: func(p *kernels.Problem) { p.Softcap, p.ALiBi = 1.5, true }},
		{input: "normal", batch: 2, heads: 2, kvHeads: 1, qLen: 20, kvLen: 60, dim: 16, mask: "causal", change: func(p *kernels.Problem) { p.PageSize = 16 }},
		{input: "normal", batch: 1, heads: 2, kvHeads: 1, qLen: 20, kvLen: 60, dim: 16, mask: "causal", change: func(p *kernels.Problem) {
			p.DType, p.KVDType = kernels.Float16, kernels.Float16
		}},
		{input: "normal", batch: 1, heads: 2, kvHeads: 1, qLen: 20, kvLen: 60, dim: 16, mask: "bigbird:16:1:1:1", change: func(p *kernels.Problem) {
			p.DType, p.KVDType = kernels.BFloat16, kernels.BFloat16
		}},
		{input: "normal", batch: 1, heads: 4, kvHeads: 1, qLen: 1, kvLen: 130, dim: 32, mask: "causal", change: func(p *kernels.Problem) {
			p.KVDType, p.PageSize = kernels.BFloat16, 16
		}},
		{input: "normal", batch: 2, heads: 8, kvHeads: 2, qLen: 1, kvLen: 131, dim: 32, mask: "causal", change: func(p *kernels.Problem) {
			p.DType, p.KVDType = kernels.BFloat16, kernels.BFloat16
		}},
		{input: "normal", batch: 1, heads: 4, kvHeads: 2, qLen: 20, kvLen: 150, dim: 16, mask: "causal", change: func(p *kernels.Problem) {
			p.KVDType = kernels.Int8
		}},
		{input: "normal", batch: 2, heads: 4, kvHeads: 2, qLen: 1, kvLen: 130, dim: 32, mask: "causal", change: func(p *kernels.Problem) {
			p.KVDType, p.PageSize = kernels.Int8, 16
		}},
		{input: "uniform", batch: 1, heads: 2, kvHeads: 2, qLen: 41, kvLen: 57, dim: 24, mask: "full"},
		{input: "constant", batch: 1, heads: 2, kvHeads: 1, qLen: 65, kvLen: 65, dim: 32, mask: "causal"},
		{input: "dominant", batch: 1, heads: 2, kvHeads: 2, qLen: 40, kvLen: 90, dim: 24, mask: "full"},
		{input: "outliers", batch: 1, heads: 2, kvHeads: 2, qLen: 40, kvLen: 90, dim: 24, mask: "full"},
		{input: "large", batch: 1, heads: 2, kvHeads: 2, qLen: 40, kvLen: 90, dim: 24, mask: "full"},
		{input: "denormal", batch: 1, heads: 2, kvHeads: 2, qLen: 40, kvLen: 90, dim: 24, mask: "full"},
		{input: "uneven", batch: 1, heads: 4, kvHeads: 2, qLen: 40, kvLen: 90, dim: 24, mask: "full"},
		{input: "hidden", batch: 2, heads: 2, kvHeads: 2, qLen: 40, kvLen: 70, dim: 16, mask: "keylens:70:33"},
		{input: "nan", batch: 1, heads: 2, kvHeads: 2, qLen: 70, kvLen: 70, dim: 16, mask: "causal"},
		{input: "inf", batch: 1, heads: 2, kvHeads: 2, qLen: 70, kvLen: 70, dim: 16, mask: "causal"},
		{input: "normal", batch: 2, heads: 1, kvHeads: 1, qLen: 300, kvLen: 300, dim: 8, mask: "causal+keylens:300:297", sampling: Sampling{Pairs: 1}},
		{input: "normal", batch: 2, heads: 2, kvHeads: 1, qLen: 30, kvLen: 330, dim: 16, mask: "full", invariances: true},
		{input: "normal", batch: 2, heads: 2, kvHeads: 1, qLen: 70, kvLen: 70, dim: 20, mask: "causal", invariances: true},
		{input: "normal", batch: 2, heads: 2, kvHeads: 1, qLen: 20, kvLen: 50, dim: 16, mask: "window:12:3+keylens:50:23", invariances: true},
	}
}

// A readyCase is a case set up.
type readyCase struct {
	selftestCase
	name  string
	setup *Setup
}

func setUpAll(cases []selftestCase) ([]readyCase, error) {
	var ready []readyCase
	for _, c := range cases {
		r, err := c.setUp()
		if err != nil {
			return nil, fmt.Errorf("%s on %s: %w", c.input, c.mask, err)
		}
		ready = append(ready, r)
	}
	return ready, nil
}

func (c selftestCase) setUp() (readyCase, error) {
	in, err := LookupInput(c.input, selftestSeed)
	if err != nil {
		return readyCase{}, err
	}
	p := kernels.Problem{Batch: c.batch, Heads: c.heads, KVHeads: c.kvHeads, QLen: c.qLen, KVLen: c.kvLen, HeadDim: c.dim}
	if p.Mask, err = kernels.ParseMask(c.mask, c.kvLen); err != nil {
		return readyCase{}, err
	}
	if c.change != nil {
		c.change(&p)
	}
	setup, err := NewSetup(Case{Problem: p, Input: in}, c.sampling)
	return readyCase{c, caseName(c.input, p), setup}, err
}

// caseName says what a case is in a few words.
func caseName(input string, p kernels.Problem) string {
	name := fmt.Sprintf("%s %v q%d k%d", input, p.Mask, p.QLen, p.KVLen)
	for _, option := range []struct {
		set  bool
		name string
	}{
		{p.KVHeads != p.Heads, "grouped"}, {p.Scale != 0, fmt.Sprintf("scale %v", p.Scale)}, {p.Softcap != 0, "softcap"},
		{p.ALiBi, "alibi"}, {p.SinkLogits, "sink logits"}, {p.PageSize != 0, "paged"}, {p.KVDType != kernels.Float32, p.KVDType.String()},
	} {
		if option.set {
			name += ", " + option.name
		}
	}
	return name
}
