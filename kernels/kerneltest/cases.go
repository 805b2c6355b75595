package kerneltest

import (
	"fmt"

	"github.com/attnbench/attnbench/kernels"
)

// seed makes every input of the suite; failures print it.
const seed = 20260101

// A shape is a problem without its mask.
type shape struct{ batch, heads, kvHeads, qLen, kvLen, dim int }

// shapes hold the sizes that break kernels: 1, primes, one off a tile, qLen
// above and below kvLen, grouped heads, odd head sizes.
var shapes = []shape{
	{1, 1, 1, 1, 1, 1},
	{1, 2, 2, 7, 7, 3},
	{2, 3, 1, 13, 13, 16},
	{1, 1, 1, 31, 33, 64},
	{1, 2, 1, 32, 64, 32},
	{1, 2, 2, 33, 65, 15},
	{2, 2, 1, 63, 63, 17},
	{1, 1, 1, 65, 129, 80},
	{1, 4, 2, 97, 97, 96},
	{1, 1, 1, 127, 257, 128},
	{1, 8, 1, 1, 211, 64},
	{2, 4, 2, 3, 130, 128},
	{1, 6, 3, 8, 96, 40},
	{1, 2, 1, 130, 47, 64},
	{1, 1, 1, 5, 600, 256},
	{1, 1, 1, 50, 1100, 64},
}

// masks returns every kind of mask and the combinations that differ in kind,
// fitted to a shape.
func masks(s shape) []kernels.Mask {
	specs := []string{
		"full", "causal", "window:0", "window:5", "window:-1:3", "window:4:9", "sinks:2",
		"causal+sinks:3", "window:7+sinks:4", "causal+window:16:16", "causal+window:40:0+sinks:1",
		"blocks:16:1", "blocks:16:1:3", "causal+blocks:32:2:3", "causal+window:33+sinks:5+blocks:16:2:2",
		"longformer:16:1:1", "causal+bigbird:16:1:1:2:3",
	}
	var list []kernels.Mask
	for _, spec := range specs {
		list = append(list, mustParse(spec, s.kvLen))
	}
	for _, spec := range []string{"full", "causal", "window:9+sinks:2"} {
		m := mustParse(spec, s.kvLen)
		m.KeyLens = make([]int, s.batch)
		for b := range m.KeyLens {
			m.KeyLens[b] = s.kvLen * (2 - b) / 3 // ⅔ of the keys, then ⅓
		}
		list = append(list, m)
	}
	for _, spec := range []string{"packed:11:40:7", "causal+packed:33", "causal+window:20+sinks:3+packed:5:50"} {
		m := mustParse(spec, s.kvLen)
		m.Packing.Q = splitLike(m.Packing.K, s.qLen)
		list = append(list, m)
	}
	none := kernels.Mask{KeyLens: make([]int, s.batch)} // no key at all
	return append(list, none)
}

// splitLike divides n queries among the sequences of ends about as their keys
// are divided.
func splitLike(ends []int, n int) []int {
	split := make([]int, len(ends))
	for i, end := range ends {
		split[i] = end * n / ends[len(ends)-1]
	}
	return split
}

func mustParse(spec string, kvLen int) kernels.Mask {
	m, err := kernels.ParseMask(spec, kvLen)
	if err != nil {
		panic(err)
	}
	return m
}

func (s shape) problem(m kernels.Mask) kernels.Problem {
	return kernels.Problem{
		Batch: s.batch, Heads: s.heads, KVHeads: s.kvHeads,
		QLen: s.qLen, KVLen: s.kvLen, HeadDim: s.dim, Mask: m,
	}
}

// caseName names a problem as a subtest.
func caseName(p kernels.Problem) string {
	return fmt.Sprintf("mask=%s/batch=%d/heads=%d/kvheads=%d/qlen=%d/kvlen=%d/dim=%d",
		p.Mask, p.Batch, p.Heads, p.KVHeads, p.QLen, p.KVLen, p.HeadDim)
}
