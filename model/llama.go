package model

import (
	"context"
	"fmt"

	"github.com/attnbench/attnbench/kernels"
	"github.com/attnbench/attnbench/kernels/linear"
)

// llama is Llama (Touvron et al., arXiv:2302.13971): RMS norm before each
// sublayer, rotary positions, a SwiGLU inside, and from its second generation on
// groups of query heads that share a key head (GQA, arXiv:2305.13245).
type llama struct {
	config     llamaConfig
	parameters int

	tokens table // embed_tokens [vocab, width]
	rope   rope
	layers []llamaLayer
	norm   rmsNorm
	head   projection // lm_head: width → vocab
}

// A llamaLayer is one transformer block.
type llamaLayer struct {
	norm1             rmsNorm    // input_layernorm
	query, key, value projection // self_attn: width → heads·headDim and kvHeads·headDim
	out               projection // self_attn.o_proj: heads·headDim → width
	norm2             rmsNorm    // post_attention_layernorm
	gate, up          projection // mlp: width → inner
	down              projection // mlp.down_proj: inner → width
}

var _ Generator = (*llama)(nil)

func (m *llama) Shape() Shape {
	s := m.config.shape()
	s.Parameters = m.parameters
	return s
}

func (m *llama) Forward(ctx context.Context, in Input, opts Options) (*Result, error) {
	return m.run(ctx, in, nil, opts)
}

func (m *llama) Step(ctx context.Context, ids []int, cache *Cache, opts Options) (*Result, error) {
	return m.run(ctx, Input{IDs: ids}, cache, opts)
}

func (m *llama) problem(_, qLen, kvLen int) kernels.Problem {
	c := m.config
	p := kernels.Problem{
		Batch: 1, Heads: c.Heads, KVHeads: c.KVHeads,
		QLen: qLen, KVLen: kvLen, HeadDim: c.HeadDim,
		Mask: kernels.Mask{Causal: true},
	}
	if c.Window > 0 {
		p.Mask.Window = &kernels.Window{Left: c.Window - 1, Right: -1}
	}
	return p
}

func (m *llama) run(ctx context.Context, in Input, cache *Cache, opts Options) (*Result, error) {
	base, err := newPass(ctx, m, in, cache, opts)
	if err != nil {
		return nil, err
	}
	defer base.close()
	p := m.newPass(base)
	p.lap(PhasePlan)
	w := m.config.Width
	for i, id := range in.IDs {
		m.tokens.put(p.x[i*w:(i+1)*w], id)
	}
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
	p.normalise(p.norm, p.x[p.result.First*w:], &m.norm, m.config.Epsilon)
	p.logits(&m.head, p.norm)
	return p.finish(), nil
}

// A llamaPass holds the buffers of one forward pass.
type llamaPass struct {
	*pass
	model    *llama
	turn     turn      // of the positions
	x        []float32 // residual stream [n, width]
	norm     []float32 // x after a norm [n, width]
	q        []float32 // [n, heads·headDim]
	k, v     []float32 // [n, kvHeads·headDim]
	attn     []float32 // attention's output, heads beside each other [n, heads·headDim]
	gate, up []float32 // inside of the MLP [n, inner]
	branch   []float32 // what a sublayer adds to x [n, width]
}

func (m *llama) newPass(p *pass) *llamaPass {
	n, c := p.n, m.config
	return &llamaPass{
		pass: p, model: m, turn: m.rope.from(p.start, n),
		x:      linear.Floats(n * c.Width),
		norm:   linear.Floats(n * c.Width),
		attn:   linear.Floats(n * c.Heads * c.HeadDim),
		gate:   linear.Floats(n * c.Inner),
		up:     linear.Floats(n * c.Inner),
		branch: linear.Floats(n * c.Width),
	}
}

// block runs layer i: x += attention(norm(x)), then x += mlp(norm(x)).
func (p *llamaPass) block(i int) error {
	l, c := &p.model.layers[i], &p.model.config

	p.normalise(p.norm, p.x, &l.norm1, c.Epsilon)
	p.lap(PhaseNorm)
	if err := p.attention(i, l, c); err != nil {
		return err
	}
	l.out.apply(p.branch, p.attn, p.n, p.threads)
	add(p.x, p.branch)
	p.lap(PhaseProjection)

	p.normalise(p.norm, p.x, &l.norm2, c.Epsilon)
	p.lap(PhaseNorm)
	l.gate.apply(p.gate, p.norm, p.n, p.threads)
	l.up.apply(p.up, p.norm, p.n, p.threads)
	parallel(p.threads, p.n, func(lo, hi int) { swiGLU(p.gate[lo*c.Inner:hi*c.Inner], p.up[lo*c.Inner:]) })
	l.down.apply(p.branch, p.gate, p.n, p.threads)
	add(p.x, p.branch)
	p.lap(PhaseMLP)
	return nil
}

// attention sets attn to the attention of norm.
func (p *llamaPass) attention(i int, l *llamaLayer, c *llamaConfig) error {
	qWidth, kvWidth := c.Heads*c.HeadDim, c.KVHeads*c.HeadDim
	q := p.buffer(&p.q, qWidth, p.opts.Capture)
	k := p.buffer(&p.k, kvWidth, p.opts.Capture)
	v := p.buffer(&p.v, kvWidth, p.opts.Capture)
	l.query.apply(q, p.norm, p.n, p.threads)
	l.key.apply(k, p.norm, p.n, p.threads)
	l.value.apply(v, p.norm, p.n, p.threads)
	parallel(p.threads, p.n, func(lo, hi int) {
		p.turn.apply(q, qWidth, lo, hi)
		p.turn.apply(k, kvWidth, lo, hi)
	})
	p.lap(PhaseQKV)
	return p.attend(i, p.heads(q, c.Heads, qWidth), p.heads(k, c.KVHeads, kvWidth), p.heads(v, c.KVHeads, kvWidth),
		p.heads(p.attn, c.Heads, qWidth))
}
