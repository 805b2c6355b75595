package model

import (
	"context"

	"github.com/attnbench/attnbench/kernels"
)

// A Model is a transformer of one of the families with its weights in float32.
// It is never written after [Load] and so safe for concurrent use.
type Model interface {
	// Shape returns the sizes of the architecture.
	Shape() Shape

	// Forward runs the model over one sequence in one pass. It fails on an
	// input that does not fit the Shape and on a kernel that does not support
	// the problem, and stops between layers when ctx ends. With the same
	// kernels the result does not depend on the number of threads.
	Forward(ctx context.Context, in Input, opts Options) (*Result, error)
}

// A Generator is a causal Model, which can go on from what it has read.
type Generator interface {
	Model

	// Step runs the model over ids that follow the tokens in the cache, and adds
	// their keys and values to it: the whole prompt at first (prefill), then
	// one token at a time (decode), or any number. The result has the new
	// positions only. After an error the cache is as it was.
	Step(ctx context.Context, ids []int, cache *Cache, opts Options) (*Result, error)
}

// A Shape says how large a model is, whatever its family.
type Shape struct {
	Family  string // "bert", "gpt2", "llama" or "mistral"
	Causal  bool   // a token sees itself and those before it only
	Vocab   int
	Context int // the longest sequence
	Width   int // of the residual stream
	Inner   int // width inside the MLP
	Layers  int
	Heads   int // query heads
	KVHeads int // key and value heads; divides Heads (GQA, arXiv:2305.13245)
	HeadDim int

	Gated      bool // the MLP has a third matrix, whose product gates that of the first (arXiv:2002.05202)
	TokenTypes int  // kinds of tokens (segments) that an Input may tell apart; 0 for none
	Headless   bool // the file has no head: a Result has no logits
	Parameters int  // weights, a tied head once
}

// Options choose what a pass runs with, and what it shows of itself.
type Options struct {
	// Kernels has the attention kernel of every layer: one for all, or one
	// for each.
	Kernels []kernels.Kernel

	Threads int    // 0 means GOMAXPROCS
	ISA     string // of the kernels, as in [kernels.Options]
	Last    int    // logits of so many last positions only; 0 means all
	Capture bool   // keep each layer's Q, K and V
	Trace   bool   // keep the residual stream after each layer

	// OnPhase, where set, is told after each part of the pass how long it took.
	OnPhase func(Span)

	// OnAttention, where set, sees each layer's attention call before it runs. The
	// tensors are valid until it returns. An error ends the pass.
	OnAttention func(layer int, call Attention) error
}

// A Result is what a pass gives for its positions.
type Result struct {
	Logits []float32 // [Len−First, Vocab]: scores of the token at, or after, a position
	First  int       // the first position that has logits; 0 unless Options.Last says so
	Len    int       // positions of the pass
	Vocab  int       // 0 for a model without a head

	Workspace int64 // bytes that the plans of the kernels held

	Pooled       []float32 // [width]: BERT's pooler of the first token, where the file has one
	NextSentence []float32 // [2]: BERT's scores of "follows" and "does not", where the file has them

	// Attention has the attention call of each layer when it was captured.
	Attention []Attention

	// Residual has the residual stream after each layer, [Len, width], when it
	// was traced.
	Residual [][]float32
}

// An Attention is one layer's attention call: the problem, and strided views
// [1, heads, len, headDim] of what the layer computed. When captured they stay
// valid; they may share memory with each other, but not with other layers.
type Attention struct {
	Problem kernels.Problem
	Q, K, V kernels.Tensor
}

// Row returns the logits of position i, which is at least First: [Vocab]. A
// causal model scores the token after it.
func (r *Result) Row(i int) []float32 {
	i -= r.First
	return r.Logits[i*r.Vocab : (i+1)*r.Vocab]
}

// Next returns the likeliest token of Row(i), the lowest id among equals.
func (r *Result) Next(i int) int {
	best, row := 0, r.Row(i)
	for id, v := range row {
		if v > row[best] {
			best = id
		}
	}
	return best
}
