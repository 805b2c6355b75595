package harness

import (
	"fmt"
	"strings"

	"github.com/attnbench/attnbench/kernels"
)

// A Preset is the attention of a published model, or of a way of serving it:
// shapes and features under a name that people know.
type Preset struct {
	Name    string
	About   string // the features, in a line
	Source  string // where the numbers are published
	Problem kernels.Problem
	Masks   []string // of its kinds of layers, as kernels.ParseMask reads them
	Lengths []int    // key lengths, up to the published context or a practical bound
	Decode  bool     // one query against the keys
}

// presets are sorted by name. A published window of W keys counts the query's
// own, so that it is window:W-1 here.
var presets = []Preset{
	{
		Name: "bert-base", About: "12 heads of 64, bidirectional",
		Source:  "BERT, arXiv:1810.04805: L=12, H=768, A=12; at most 512 tokens",
		Problem: kernels.Problem{Heads: 12, KVHeads: 12, HeadDim: 64},
		Masks:   []string{"full"}, Lengths: []int{128, 256, 512},
	},
	{
		Name: "bigbird-base", About: "12 heads of 64, blocks of 64: 3 in a window, 2 global, 3 random",
		Source:  "Big Bird, arXiv:2007.14062, hyperparameters of the base model: blocks of 64, 4096 tokens",
		Problem: kernels.Problem{Heads: 12, KVHeads: 12, HeadDim: 64},
		Masks:   []string{"bigbird:64:2:2:3"}, Lengths: []int{1024, 2048, 4096},
	},
	{
		Name: "bloom-7b1", About: "32 heads of 128, causal with ALiBi",
		Source:  "BLOOM, arXiv:2211.05100: hidden 4096, 32 heads; 2048 tokens",
		Problem: kernels.Problem{Heads: 32, KVHeads: 32, HeadDim: 128, ALiBi: true},
		Masks:   []string{"causal"}, Lengths: []int{512, 1024, 2048},
	},
	{
		Name: "decode-int8", About: "one token of llama2-7b from an int8 cache",
		Source:  "llama2-7b with int8 KV as in LMDeploy's docs, quantization/kv_quant; LLaMA, arXiv:2302.13971, table 2; Llama 2, arXiv:2307.09288: 4096 tokens",
		Problem: kernels.Problem{Heads: 32, KVHeads: 32, HeadDim: 128, KVDType: kernels.Int8},
		Masks:   []string{"causal"}, Lengths: []int{1024, 2048, 4096}, Decode: true,
	},
	{
		Name: "decode-long", About: "one token of llama3-8b against a long cache",
		Source:  "Llama 3, arXiv:2407.21783, table 3; 128K tokens of context",
		Problem: kernels.Problem{Heads: 32, KVHeads: 8, HeadDim: 128},
		Masks:   []string{"causal"}, Lengths: []int{8192, 32768, 131072}, Decode: true,
	},
	{
		Name: "decode-paged", About: "one token of llama3-8b from a bfloat16 cache in pages of 64 tokens",
		Source:  "Llama 3, arXiv:2407.21783, table 3; pages as in vLLM, arXiv:2309.06180",
		Problem: kernels.Problem{Heads: 32, KVHeads: 8, HeadDim: 128, KVDType: kernels.BFloat16, PageSize: 64},
		Masks:   []string{"causal"}, Lengths: []int{8192, 32768, 131072}, Decode: true,
	},
	{
		Name: "gemma2-9b", About: "16 heads of 256 over 8, soft cap 50, local and global layers",
		Source:  "Gemma 2, arXiv:2408.00118, table 1; window 4096, cap 50, 8192 tokens",
		Problem: kernels.Problem{Heads: 16, KVHeads: 8, HeadDim: 256, Softcap: 50},
		Masks:   []string{"causal", "window:4095"}, Lengths: []int{2048, 4096, 8192},
	},
	{
		Name: "gpt-oss-20b", About: "64 heads of 64 over 8, sink logits, banded and dense layers",
		Source:  "gpt-oss model card, arXiv:2508.10925: band of 128 tokens",
		Problem: kernels.Problem{Heads: 64, KVHeads: 8, HeadDim: 64, SinkLogits: true},
		Masks:   []string{"causal", "window:127"}, Lengths: []int{1024, 2048, 4096},
	},
	{
		Name: "gpt2-small", About: "12 heads of 64, causal",
		Source:  "Language Models are Unsupervised Multitask Learners (2019), hparams of the released 117M model; 1024 tokens",
		Problem: kernels.Problem{Heads: 12, KVHeads: 12, HeadDim: 64},
		Masks:   []string{"causal"}, Lengths: []int{256, 512, 1024},
	},
	{
		Name: "llama3-8b", About: "32 heads of 128 over 8, causal",
		Source:  "Llama 3, arXiv:2407.21783, table 3: 32 heads, 8 key-value heads; 8192 tokens before extension",
		Problem: kernels.Problem{Heads: 32, KVHeads: 8, HeadDim: 128},
		Masks:   []string{"causal"}, Lengths: []int{1024, 2048, 4096},
	},
	{
		Name: "longformer-base", About: "12 heads of 64, 256 tokens to each side, one global block",
		Source:  "Longformer, arXiv:2004.05150: window 512, 4096 tokens",
		Problem: kernels.Problem{Heads: 12, KVHeads: 12, HeadDim: 64},
		Masks:   []string{"longformer:64:5:1"}, Lengths: []int{1024, 2048, 4096},
	},
	{
		Name: "mistral-7b", About: "32 heads of 128 over 8, sliding window",
		Source:  "Mistral 7B, arXiv:2310.06825, table 1: window 4096, 8192 tokens",
		Problem: kernels.Problem{Heads: 32, KVHeads: 8, HeadDim: 128},
		Masks:   []string{"window:4095"}, Lengths: []int{2048, 4096, 8192},
	},
	{
		Name: "varlen", About: "8 heads of 64, causal, sequences of 1024 packed end to end",
		Source:  "variable-length batches as in FlashAttention-2, arXiv:2307.08691; shapes are ours",
		Problem: kernels.Problem{Heads: 8, KVHeads: 8, HeadDim: 64},
		Masks:   []string{"causal+packed:1024"}, Lengths: []int{4096, 8192, 16384},
	},
}

// Sweep returns the preset's masks and lengths with its shape, without inputs.
func (p Preset) Sweep() Sweep {
	s := Sweep{
		Lengths: p.Lengths, Masks: p.Masks,
		Heads: p.Problem.Heads, KVHeads: p.Problem.KVHeads, HeadDim: p.Problem.HeadDim,
		Variants: []func(q *kernels.Problem) error{func(q *kernels.Problem) error {
			q.DType, q.KVDType, q.PageSize = p.Problem.DType, p.Problem.KVDType, p.Problem.PageSize
			q.Scale, q.Softcap = p.Problem.Scale, p.Problem.Softcap
			q.ALiBi, q.SinkLogits = p.Problem.ALiBi, p.Problem.SinkLogits
			return nil
		}},
	}
	if p.Decode {
		s.QLen = 1
	}
	return s
}

// Presets returns all presets, sorted by name.
func Presets() []Preset { return append([]Preset(nil), presets...) }

// LookupPreset returns the preset of a name; its error lists the names.
func LookupPreset(name string) (Preset, error) {
	var names []string
	for _, p := range presets {
		if p.Name == name {
			return p, nil
		}
		names = append(names, p.Name)
	}
	return Preset{}, fmt.Errorf("preset %q: want one of %s", name, strings.Join(names, ", "))
}
