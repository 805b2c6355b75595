package harness

import (
	"fmt"
	"strings"

	"github.com/attnbench/attnbench/kernels"
)

// A Feature is something that the attention of today's models, or a way of
// serving them, asks of a kernel. The list of them is what `attnbench verify`
// shows as coverage.
type Feature struct {
	Name string
	mask string // as kernels.ParseMask reads it; "" is causal
	qLen int    // 0 means as many as keys
	keys []int
	with func(p *kernels.Problem)
}

// short are lengths that no tile divides, one below and one above the usual
// tiles.
var short = []int{37, 193}

var features = []Feature{
	{Name: "bidirectional", mask: "full", keys: short},
	{Name: "causal", keys: short},
	{Name: "sliding window", mask: "window:20", keys: short},
	{Name: "window to both sides", mask: "window:20:7", keys: short},
	{Name: "attention sinks", mask: "window:20+sinks:4", keys: short},
	{Name: "key lengths", mask: "full", keys: short, with: halfKeys},
	{Name: "varlen", mask: "causal+packed:50:17", keys: short},
	{Name: "strided", mask: "causal+blocks:16:2:4", keys: short},
	{Name: "Longformer", mask: "longformer:16:2:1", keys: short},
	{Name: "BigBird", mask: "bigbird:16:2:1:2", keys: short},
	{Name: "BigBird in blocks of 48", mask: "bigbird:48:1:1:1", keys: []int{193}},
	{Name: "pattern from a file", mask: "full", keys: []int{193}, with: checkered},
	{Name: "softcap", keys: short, with: func(p *kernels.Problem) { p.Softcap = 2 }},
	{Name: "ALiBi", keys: short, with: func(p *kernels.Problem) { p.ALiBi = true }},
	{Name: "sink logits", keys: short, with: func(p *kernels.Problem) { p.SinkLogits = true }},
	{Name: "scale", keys: short, with: func(p *kernels.Problem) { p.Scale = 0.3 }},
	{Name: "one key head (MQA)", keys: short, with: oneKeyHead},
	{Name: "decode", qLen: 1, keys: short},
	{Name: "decode, split-KV", qLen: 1, keys: []int{4500}},
	{Name: "chunked prefill", qLen: 30, keys: []int{193, 2500}},
	{Name: "paged by 16", keys: short, with: pages(16)},
	{Name: "paged by 64", keys: short, with: pages(64)},
	{Name: "paged by 256", keys: []int{193, 600}, with: pages(256)},
	{Name: "paged decode", qLen: 1, keys: []int{193, 4500}, with: pages(64)},
	{Name: "float16", keys: short, with: halves(kernels.Float16)},
	{Name: "bfloat16", keys: short, with: halves(kernels.BFloat16)},
	{Name: "float16 cache", qLen: 1, keys: []int{193, 4500}, with: cached(kernels.Float16)},
	{Name: "bfloat16 cache", qLen: 1, keys: []int{193, 4500}, with: cached(kernels.BFloat16)},
	{Name: "int8 cache", keys: short, with: cached(kernels.Int8)},
	{Name: "int8 cache, decode", qLen: 1, keys: []int{193, 4500}, with: cached(kernels.Int8)},
	{Name: "int8 cache, paged decode", qLen: 1, keys: []int{193, 4500}, with: all(pages(16), cached(kernels.Int8))},
	{Name: "int8 cache, one key head, chunk", qLen: 30, keys: []int{193}, with: all(oneKeyHead, pages(100), cached(kernels.Int8))},
	{Name: "window + softcap + int8 cache", mask: "window:20", keys: short, with: all(softcap, cached(kernels.Int8))},
	{Name: "window + softcap + bfloat16", mask: "window:20", keys: short, with: all(softcap, halves(kernels.BFloat16))},
	{Name: "window + sink logits + paged chunk", mask: "window:20", qLen: 30, keys: []int{193}, with: all(sinkLogits, pages(16), cached(kernels.BFloat16))},
	{Name: "ALiBi + paged float16 decode", qLen: 1, keys: []int{193, 4500}, with: all(alibi, pages(64), halves(kernels.Float16))},
	{Name: "varlen + softcap + sink logits", mask: "causal+packed:50:17", keys: short, with: all(softcap, sinkLogits)},
	{Name: "BigBird + float16", mask: "bigbird:16:2:1:2", keys: short, with: halves(kernels.Float16)},
	{Name: "all options", mask: "causal+window:40+sinks:3+blocks:16:2:3", qLen: 50, keys: []int{193},
		with: all(halfKeys, softcap, alibi, sinkLogits, pages(16), halves(kernels.BFloat16))},
}

func softcap(p *kernels.Problem)    { p.Softcap = 2 }
func oneKeyHead(p *kernels.Problem) { p.KVHeads = 1 }
func alibi(p *kernels.Problem)      { p.ALiBi = true }
func sinkLogits(p *kernels.Problem) { p.SinkLogits = true }

func pages(size int) func(p *kernels.Problem) {
	return func(p *kernels.Problem) { p.PageSize = size }
}

func halves(t kernels.DType) func(p *kernels.Problem) {
	return func(p *kernels.Problem) { p.DType, p.KVDType = t, t }
}

func cached(t kernels.DType) func(p *kernels.Problem) {
	return func(p *kernels.Problem) { p.KVDType = t }
}

// all makes one change of several.
func all(changes ...func(p *kernels.Problem)) func(p *kernels.Problem) {
	return func(p *kernels.Problem) {
		for _, change := range changes {
			change(p)
		}
	}
}

// halfKeys gives the batch elements ⅔, ⅓, ⅔, … of the keys.
func halfKeys(p *kernels.Problem) {
	p.Mask.KeyLens = make([]int, p.Batch)
	for b := range p.Mask.KeyLens {
		p.Mask.KeyLens[b] = p.KVLen * (2 - b%2) / 3
	}
}

// checkered cuts the mask to every other block, as read from a text.
func checkered(p *kernels.Problem) {
	var text strings.Builder
	for q := range 8 {
		fmt.Fprintln(&text, strings.Repeat("10", 4+q%2)[q%2:][:8])
	}
	var err error
	if p.Mask.Blocks, err = kernels.ReadBlockPattern("checkered", strings.NewReader(text.String()), p.KVLen); err != nil {
		panic("harness: checkered pattern does not fit")
	}
}

// Features returns all features, in the order in which tables show them.
func Features() []Feature { return append([]Feature(nil), features...) }

// Sweep returns the feature's cases with the batch and heads of s and no inputs.
func (f Feature) Sweep(s Sweep) Sweep {
	s.Masks, s.Lengths, s.Inputs, s.QLen = []string{f.mask}, f.keys, nil, f.qLen
	if f.mask == "" {
		s.Masks = []string{"causal"}
	}
	s.Variants = []func(p *kernels.Problem) error{func(p *kernels.Problem) error {
		if f.with != nil {
			f.with(p)
		}
		return nil
	}}
	return s
}
