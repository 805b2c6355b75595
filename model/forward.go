package model

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"

	"github.com/attnbench/attnbench/kernels"
)

// Options choose what Forward runs with.
type Options struct {
	// Kernels has the attention kernel of every layer: one for all, or one
	// for each.
	Kernels []kernels.Kernel

	Threads int    // 0 means GOMAXPROCS
	ISA     string // of the kernels, as in [kernels.Options]
	Capture bool   // keep each layer's Q, K and V
	Trace   bool   // keep the residual stream after each layer
}

// A Result is what a forward pass gives.
type Result struct {
	Logits []float32 // [Len, Vocab]: row i scores the token after token i
	Len    int
	Vocab  int

	// Attention has the attention call of each layer when it was captured.
	Attention []Attention

	// Residual has the residual stream after each layer, [Len, width], when it
	// was traced.
	Residual [][]float32
}

// An Attention is one layer's attention call: the problem, and strided views
// [1, heads, len, headDim] of the layer's own fused projection. They stay
// valid; Q, K and V share memory with each other, but not with other layers.
type Attention struct {
	Problem kernels.Problem
	Q, K, V kernels.Tensor
}

// Row returns the logits of the token after token i: [Vocab].
func (r *Result) Row(i int) []float32 { return r.Logits[i*r.Vocab : (i+1)*r.Vocab] }

// Next returns the likeliest token after token i, the lowest id among equals.
func (r *Result) Next(i int) int {
	best, row := 0, r.Row(i)
	for id, v := range row {
		if v > row[best] {
			best = id
		}
	}
	return best
}

// Forward runs the model over ids, causally and in one pass. It fails on no
// ids, on more than the context, on an id outside the vocabulary, and on a
// kernel that does not support the problem; it stops between layers when ctx
// ends. With the same kernels the result does not depend on Threads.
func (m *Model) Forward(ctx context.Context, ids []int, opts Options) (*Result, error) {
	if err := m.checkIDs(ids); err != nil {
		return nil, err
	}
	attend, err := m.newAttender(len(ids), opts)
	if err != nil {
		return nil, err
	}
	defer attend.close()
	p := m.newPass(len(ids), opts)
	m.embed(p.x, ids)
	for i := range m.layers {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if err := p.block(i, attend); err != nil {
			return nil, fmt.Errorf("layer %d: %w", i, err)
		}
		if opts.Trace {
			p.result.Residual = append(p.result.Residual, slices.Clone(p.x))
		}
	}
	p.logits()
	return p.result, nil
}

func (m *Model) checkIDs(ids []int) error {
	if len(ids) == 0 {
		return errors.New("no tokens: a forward pass needs at least 1")
	}
	if len(ids) > m.Config.Context {
		return fmt.Errorf("%d tokens: the model's context is %d", len(ids), m.Config.Context)
	}
	for i, id := range ids {
		if id < 0 || id >= m.Config.Vocab {
			return fmt.Errorf("token %d at %d: must be in 0..%d", id, i, m.Config.Vocab-1)
		}
	}
	return nil
}

// embed sets x [len, width] to the embeddings of the tokens and positions.
func (m *Model) embed(x []float32, ids []int) {
	w := m.Config.Width
	for i, id := range ids {
		row := x[i*w : (i+1)*w]
		copy(row, m.tokens[id*w:(id+1)*w])
		add(row, m.positions[i*w:(i+1)*w])
	}
}

// A pass holds the buffers of one forward pass.
type pass struct {
	*Model
	n, threads int
	x          []float32 // residual stream [n, width]
	norm       []float32 // x after a layer norm [n, width]
	qkv        []float32 // fused projection [n, 3·width]
	attn       []float32 // attention's output, heads beside each other [n, width]
	inner      []float32 // inside of the MLP [n, inner]
	branch     []float32 // what a sublayer adds to x [n, width]
	capture    bool
	result     *Result
}

func (m *Model) newPass(n int, opts Options) *pass {
	c := m.Config
	p := &pass{
		Model: m, n: n, threads: opts.Threads,
		x:       make([]float32, n*c.Width),
		norm:    make([]float32, n*c.Width),
		attn:    make([]float32, n*c.Width),
		inner:   make([]float32, n*c.Inner),
		branch:  make([]float32, n*c.Width),
		capture: opts.Capture,
		result:  &Result{Len: n, Vocab: c.Vocab, Logits: make([]float32, n*c.Vocab)},
	}
	if p.threads == 0 {
		p.threads = runtime.GOMAXPROCS(0)
	}
	return p
}

// block runs layer i: x += attention(norm(x)), then x += mlp(norm(x)).
func (p *pass) block(i int, attend *attender) error {
	l := &p.layers[i]

	p.normalise(&l.norm1)
	if p.qkv == nil || p.capture {
		p.qkv = make([]float32, p.n*3*p.Config.Width)
	}
	l.qkv.apply(p.qkv, p.norm, p.n, p.threads)
	call := p.attention(i)
	if p.capture {
		p.result.Attention = append(p.result.Attention, call)
	}
	if err := attend.run(i, call, p.heads(p.attn, p.Config.Width)); err != nil {
		return err
	}
	l.proj.apply(p.branch, p.attn, p.n, p.threads)
	add(p.x, p.branch)

	p.normalise(&l.norm2)
	l.up.apply(p.inner, p.norm, p.n, p.threads)
	p.activateInner()
	l.down.apply(p.branch, p.inner, p.n, p.threads)
	add(p.x, p.branch)
	return nil
}

// logits applies the last norm and the head.
func (p *pass) logits() {
	p.normalise(&p.Model.norm)
	p.head.apply(p.result.Logits, p.norm, p.n, p.threads)
}

func (p *pass) normalise(n *norm) {
	w := p.Config.Width
	parallel(p.threads, p.n, func(lo, hi int) {
		n.apply(p.norm[lo*w:hi*w], p.x[lo*w:hi*w], p.Config.Epsilon)
	})
}

func (p *pass) activateInner() {
	w := p.Config.Inner
	parallel(p.threads, p.n, func(lo, hi int) { p.activate(p.inner[lo*w : hi*w]) })
}

// attention states the attention call of layer i on the fused projection.
func (p *pass) attention(i int) Attention {
	w := p.Config.Width
	return Attention{
		Problem: p.Config.problem(i, p.n),
		Q:       p.heads(p.qkv, 3*w),
		K:       p.heads(p.qkv[w:], 3*w),
		V:       p.heads(p.qkv[2*w:], 3*w),
	}
}

// heads views rows of width elements, rowStride apart, as heads.
func (p *pass) heads(data []float32, rowStride int) kernels.Tensor {
	return kernels.BSHD(data, 1, p.Config.Heads, p.n, p.Config.HeadDim(), rowStride)
}
