package model

import (
	"context"
	"fmt"

	"github.com/attnbench/attnbench/kernels"
	"github.com/attnbench/attnbench/kernels/linear"
)

// gpt2 is GPT-2 (Radford et al., "Language Models are Unsupervised Multitask
// Learners", 2019): learned positions, layer norm before each sublayer, the tanh
// GELU, a head that is tied unless the file has one.
type gpt2 struct {
	config     gpt2Config
	parameters int

	tokens    table // wte [vocab, width]
	positions table // wpe [context, width]
	layers    []gpt2Layer
	norm      norm       // ln_f
	head      projection // width → vocab, no bias

	activate func(x []float32) // in place; the tanh GELU
}

// A gpt2Layer is one transformer block.
type gpt2Layer struct {
	norm1 norm       // ln_1
	qkv   projection // attn.c_attn: width → 3·width, Q, K and V beside each other
	proj  projection // attn.c_proj: width → width
	norm2 norm       // ln_2
	up    projection // mlp.c_fc: width → inner
	down  projection // mlp.c_proj: inner → width
}

var _ Generator = (*gpt2)(nil)

func (m *gpt2) Shape() Shape {
	s := m.config.shape()
	s.Parameters = m.parameters
	return s
}

func (m *gpt2) Forward(ctx context.Context, in Input, opts Options) (*Result, error) {
	return m.run(ctx, in, nil, opts)
}

func (m *gpt2) Step(ctx context.Context, ids []int, cache *Cache, opts Options) (*Result, error) {
	return m.run(ctx, Input{IDs: ids}, cache, opts)
}

func (m *gpt2) problem(layer, qLen, kvLen int) kernels.Problem {
	c := m.config
	return kernels.Problem{
		Batch: 1, Heads: c.Heads, KVHeads: c.Heads,
		QLen: qLen, KVLen: kvLen, HeadDim: c.HeadDim(),
		Mask:  kernels.Mask{Causal: true},
		Scale: c.scale(layer),
	}
}

func (m *gpt2) run(ctx context.Context, in Input, cache *Cache, opts Options) (*Result, error) {
	base, err := newPass(ctx, m, in, cache, opts)
	if err != nil {
		return nil, err
	}
	defer base.close()
	p := m.newPass(base)
	p.lap(PhasePlan)
	p.embed(in.IDs)
	p.lap(PhaseEmbedding)
	for i := range m.layers {
		if err := p.layer(i); err != nil {
			return nil, err
		}
		if err := p.block(i); err != nil {
			return nil, fmt.Errorf("layer %d: %w", i, err)
		}
		p.trace(p.x)
	}
	p.stopwatch.layer = -1
	last := p.x[p.result.First*m.config.Width:]
	p.normalise(p.norm, last, &m.norm, m.config.Epsilon)
	p.logits(&m.head, p.norm)
	return p.finish(), nil
}

// A gpt2Pass holds the buffers of one forward pass.
type gpt2Pass struct {
	*pass
	model  *gpt2
	x      []float32 // residual stream [n, width]
	norm   []float32 // x after a layer norm [n, width]
	qkv    []float32 // fused projection [n, 3·width]
	attn   []float32 // attention's output, heads beside each other [n, width]
	inner  []float32 // inside of the MLP [n, inner]
	branch []float32 // what a sublayer adds to x [n, width]
}

func (m *gpt2) newPass(p *pass) *gpt2Pass {
	n, c := p.n, m.config
	return &gpt2Pass{
		pass: p, model: m,
		x:      linear.Floats(n * c.Width),
		norm:   linear.Floats(n * c.Width),
		attn:   linear.Floats(n * c.Width),
		inner:  linear.Floats(n * c.Inner),
		branch: linear.Floats(n * c.Width),
	}
}

// embed sets x to the embeddings of the tokens and their positions.
func (p *gpt2Pass) embed(ids []int) {
	m, w := p.model, p.model.config.Width
	for i, id := range ids {
		row := p.x[i*w : (i+1)*w]
		m.tokens.put(row, id)
		m.positions.add(row, p.branch, p.start+i)
	}
}

// block runs layer i: x += attention(norm(x)), then x += mlp(norm(x)).
func (p *gpt2Pass) block(i int) error {
	l, c := &p.model.layers[i], &p.model.config
	w := c.Width

	p.normalise(p.norm, p.x, &l.norm1, c.Epsilon)
	p.lap(PhaseNorm)
	qkv := p.buffer(&p.qkv, 3*w, p.opts.Capture)
	l.qkv.apply(qkv, p.norm, p.n, p.threads)
	p.lap(PhaseQKV)
	q, k, v := p.heads(qkv, c.Heads, 3*w), p.heads(qkv[w:], c.Heads, 3*w), p.heads(qkv[2*w:], c.Heads, 3*w)
	if err := p.attend(i, q, k, v, p.heads(p.attn, c.Heads, w)); err != nil {
		return err
	}
	l.proj.apply(p.branch, p.attn, p.n, p.threads)
	add(p.x, p.branch)
	p.lap(PhaseProjection)

	p.normalise(p.norm, p.x, &l.norm2, c.Epsilon)
	p.lap(PhaseNorm)
	l.up.apply(p.inner, p.norm, p.n, p.threads)
	p.rows(p.inner, c.Inner, p.model.activate)
	l.down.apply(p.branch, p.inner, p.n, p.threads)
	add(p.x, p.branch)
	p.lap(PhaseMLP)
	return nil
}
