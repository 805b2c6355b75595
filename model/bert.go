package model

import (
	"context"
	"fmt"
	"math"

	"github.com/attnbench/attnbench/kernels"
	"github.com/attnbench/attnbench/kernels/linear"
)

// bert is BERT (Devlin et al., arXiv:1810.04805): tokens, positions and token
// types are embedded, every token sees every other, layer norm comes after each
// sublayer, and the erf GELU is inside. On top are the head for masked
// tokens, and the pooler with the next-sentence head, where the file has them.
type bert struct {
	config     bertConfig
	parameters int

	tokens    table // word_embeddings [vocab, width]
	positions table // position_embeddings [context, width]
	types     table // token_type_embeddings [tokenTypes, width]
	norm      norm  // of their sum
	layers    []bertLayer
	masked    *bertHead   // nil where the file has none
	pooler    *projection // width → width, or nil
	sentence  *projection // seq_relationship: width → 2, or nil

	activate func(x []float32) // in place
}

// A bertLayer is one transformer block.
type bertLayer struct {
	query, key, value projection // attention.self: width → width
	out               projection // attention.output.dense: width → width
	norm1             norm       // attention.output.LayerNorm
	up                projection // intermediate.dense: width → inner
	down              projection // output.dense: inner → width
	norm2             norm       // output.LayerNorm
}

// A bertHead tells what a masked token was (cls.predictions).
type bertHead struct {
	transform projection // width → width
	norm      norm
	decoder   projection // width → vocab
}

var _ Model = (*bert)(nil)

func (m *bert) Shape() Shape {
	s := m.config.shape()
	s.Headless, s.Parameters = m.masked == nil, m.parameters
	return s
}

func (m *bert) problem(_, qLen, kvLen int) kernels.Problem {
	c := m.config
	return kernels.Problem{Batch: 1, Heads: c.Heads, KVHeads: c.Heads, QLen: qLen, KVLen: kvLen, HeadDim: c.HeadDim()}
}

func (m *bert) Forward(ctx context.Context, in Input, opts Options) (*Result, error) {
	base, err := newPass(ctx, m, in, nil, opts)
	if err != nil {
		return nil, err
	}
	defer base.close()
	p := m.newPass(base)
	p.lap(PhasePlan)
	p.embed(in)
	p.lap(PhaseEmbedding)
	p.normalise(p.x, p.x, &m.norm, m.config.Epsilon)
	p.lap(PhaseNorm)
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
	p.outputs()
	return p.finish(), nil
}

// A bertPass holds the buffers of one forward pass.
type bertPass struct {
	*pass
	model  *bert
	x      []float32    // residual stream [n, width]
	qkv    [3][]float32 // Q, K and V [n, width]
	attn   []float32    // attention's output, heads beside each other [n, width]
	inner  []float32    // inside of the MLP [n, inner]
	branch []float32    // what a sublayer adds to x [n, width]
}

func (m *bert) newPass(p *pass) *bertPass {
	n, c := p.n, m.config
	return &bertPass{
		pass: p, model: m,
		x:      linear.Floats(n * c.Width),
		attn:   linear.Floats(n * c.Width),
		inner:  linear.Floats(n * c.Inner),
		branch: linear.Floats(n * c.Width),
	}
}

// embed sets x to the embeddings of the tokens, their positions and types.
func (p *bertPass) embed(in Input) {
	m, w := p.model, p.model.config.Width
	for i, id := range in.IDs {
		row, kind := p.x[i*w:(i+1)*w], 0
		if in.TokenTypes != nil {
			kind = in.TokenTypes[i]
		}
		m.tokens.put(row, id)
		m.types.add(row, p.branch, kind)
		m.positions.add(row, p.branch, i)
	}
}

// block runs layer i: x = norm(x + attention(x)), then x = norm(x + mlp(x)).
func (p *bertPass) block(i int) error {
	l, c := &p.model.layers[i], &p.model.config

	var qkv [3]kernels.Tensor
	for j, from := range []*projection{&l.query, &l.key, &l.value} {
		to := p.buffer(&p.qkv[j], c.Width, p.opts.Capture)
		from.apply(to, p.x, p.n, p.threads)
		qkv[j] = p.heads(to, c.Heads, c.Width)
	}
	p.lap(PhaseQKV)
	if err := p.attend(i, qkv[0], qkv[1], qkv[2], p.heads(p.attn, c.Heads, c.Width)); err != nil {
		return err
	}
	l.out.apply(p.branch, p.attn, p.n, p.threads)
	add(p.x, p.branch)
	p.lap(PhaseProjection)
	p.normalise(p.x, p.x, &l.norm1, c.Epsilon)
	p.lap(PhaseNorm)

	l.up.apply(p.inner, p.x, p.n, p.threads)
	p.rows(p.inner, c.Inner, p.model.activate)
	l.down.apply(p.branch, p.inner, p.n, p.threads)
	add(p.x, p.branch)
	p.lap(PhaseMLP)
	p.normalise(p.x, p.x, &l.norm2, c.Epsilon)
	p.lap(PhaseNorm)
	return nil
}

// outputs computes what the file has heads for.
func (p *bertPass) outputs() {
	m, w := p.model, p.model.config.Width
	if m.pooler != nil {
		p.result.Pooled = make([]float32, w)
		m.pooler.apply(p.result.Pooled, p.x[:w], 1, p.threads)
		for i, v := range p.result.Pooled {
			p.result.Pooled[i] = float32(math.Tanh(float64(v)))
		}
	}
	if m.sentence != nil {
		p.result.NextSentence = make([]float32, 2)
		m.sentence.apply(p.result.NextSentence, p.result.Pooled, 1, p.threads)
	}
	if h := m.masked; h != nil {
		x := p.branch[p.result.First*w:]
		h.transform.apply(x, p.x[p.result.First*w:], len(x)/w, p.threads)
		p.rows(x, w, m.activate)
		p.normalise(x, x, &h.norm, m.config.Epsilon)
		p.logits(&h.decoder, x)
	}
}
