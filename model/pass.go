package model

import (
	"context"
	"fmt"
	"runtime"
	"slices"

	"github.com/attnbench/attnbench/kernels"
	"github.com/attnbench/attnbench/kernels/linear"
)

// A family is what a pass needs to know of its model.
type family interface {
	Model

	// problem states a layer's attention call for qLen tokens that end the
	// kvLen that can be seen.
	problem(layer, qLen, kvLen int) kernels.Problem
}

// A pass is one run over a sequence, or over what follows a cache: all that the
// families have in common.
type pass struct {
	stopwatch
	ctx     context.Context
	opts    Options
	shape   Shape
	n       int    // tokens of the pass
	start   int    // position of the first
	cache   *Cache // nil when the pass is the whole sequence
	seen    []int  // the keys that may be seen, where padding lies between them; else nil
	attends *attender
	threads int
	result  *Result
}

// newPass checks the input and plans the attention of every layer. The cache
// may be nil.
func newPass(ctx context.Context, m family, in Input, cache *Cache, opts Options) (*pass, error) {
	p := &pass{
		stopwatch: newStopwatch(opts.OnPhase),
		ctx:       ctx, opts: opts, shape: m.Shape(), n: len(in.IDs), cache: cache, threads: opts.Threads,
	}
	if p.threads == 0 {
		p.threads = runtime.GOMAXPROCS(0)
	}
	if cache != nil {
		p.start = cache.Len()
	}
	if err := p.check(in); err != nil {
		return nil, err
	}
	var err error
	if p.attends, err = newAttender(p.problems(m, in.Mask), opts); err != nil {
		return nil, err
	}
	p.result = &Result{Len: p.n, Workspace: p.attends.workspace()}
	if opts.Last > 0 {
		p.result.First = max(0, p.n-opts.Last)
	}
	return p, nil
}

// problems states the attention call of each layer.
//
// Note: a [kernels.Mask] has padding at the end only. Where there is padding
// between the keys of a model that is not causal, the keys that may be seen are
// put together instead: their order means nothing to attention.
func (p *pass) problems(m family, mask []int) []kernels.Problem {
	kvLen := p.start + p.n
	if mask != nil && !padsLast(mask) {
		p.seen = ones(mask)
		kvLen = len(p.seen)
	}
	list := make([]kernels.Problem, p.shape.Layers)
	for i := range list {
		list[i] = m.problem(i, p.n, kvLen)
		if p.cache != nil {
			list[i].KVDType = p.cache.dtype
		}
		if mask != nil && p.seen == nil {
			list[i].Mask.KeyLens = []int{len(ones(mask))}
		}
	}
	return list
}

// check reports what the model cannot read.
func (p *pass) check(in Input) error {
	if err := in.Check(p.shape); err != nil {
		return err
	}
	if p.n > p.shape.Context-p.start {
		return fmt.Errorf("%d tokens: the model's context is %d", p.start+p.n, p.shape.Context)
	}
	if p.opts.Last < 0 {
		return fmt.Errorf("logits of the last %d positions: must not be negative", p.opts.Last)
	}
	if p.cache != nil {
		return p.cache.check(p.shape, p.n)
	}
	return nil
}

func (p *pass) close() { p.attends.close() }

// layer begins a layer, unless the context has ended.
func (p *pass) layer(i int) error {
	p.stopwatch.layer = i
	return p.ctx.Err()
}

// attend runs a layer's attention: q and o [1, heads, n, headDim], k and v
// [1, kvHeads, n, headDim].
func (p *pass) attend(layer int, q, k, v, o kernels.Tensor) error {
	if p.cache != nil {
		var err error
		if k, v, err = p.cache.put(layer, k, v); err != nil {
			return err
		}
	}
	if p.seen != nil {
		k, v = gather(k, p.seen), gather(v, p.seen)
	}
	if err := p.show(layer, Attention{p.attends.calls[layer].problem, q, k, v}); err != nil {
		return err
	}
	if err := p.attends.run(layer, q, k, v, o); err != nil {
		return err
	}
	p.lap(PhaseAttention)
	return nil
}

// gather copies the rows of the given places.
func gather(t kernels.Tensor, places []int) kernels.Tensor {
	out := kernels.NewTensor(1, t.Heads, len(places), t.Dim)
	for head := range t.Heads {
		for i, from := range places {
			copy(out.Row(0, head, i), t.Row(0, head, from))
		}
	}
	return out
}

// show keeps an attention call and shows it to the hook, as asked.
func (p *pass) show(layer int, call Attention) error {
	if p.opts.Capture {
		p.result.Attention = append(p.result.Attention, call)
	}
	if p.opts.OnAttention == nil {
		return nil
	}
	p.lap(PhaseAttention)
	err := p.opts.OnAttention(layer, call)
	p.restart()
	return err
}

// trace keeps the residual stream as a layer leaves it, when asked.
func (p *pass) trace(x []float32) {
	if p.opts.Trace {
		p.result.Residual = append(p.result.Residual, slices.Clone(x))
		p.restart()
	}
}

// buffer returns rows of so many values for the tokens of the pass: *b once
// it is there, unless what is in it must outlive the layer.
func (p *pass) buffer(b *[]float32, width int, outlives bool) []float32 {
	if *b == nil || outlives {
		*b = linear.Floats(p.n * width)
	}
	return *b
}

// logits turns the rows that want logits, x [Len−First, width], into them.
func (p *pass) logits(head *projection, x []float32) {
	rows := p.n - p.result.First
	p.result.Vocab = p.shape.Vocab
	p.result.Logits = linear.Floats(rows * p.shape.Vocab)
	head.apply(p.result.Logits, x, rows, p.threads)
}

// finish ends the pass: what the cache was given now counts.
func (p *pass) finish() *Result {
	if p.cache != nil {
		p.cache.len += p.n
	}
	p.lap(PhaseHead)
	return p.result
}

// heads views rows of width elements, rowStride apart, as heads.
func (p *pass) heads(data []float32, heads, rowStride int) kernels.Tensor {
	return kernels.BSHD(data, 1, heads, p.n, p.shape.HeadDim, rowStride)
}

// rows calls body for blocks of the rows of x that cover it: [rows, width].
func (p *pass) rows(x []float32, width int, body func(x []float32)) {
	parallel(p.threads, len(x)/width, func(lo, hi int) { body(x[lo*width : hi*width]) })
}

// normalise sets dst to the norm of x, [rows, width] both.
func (p *pass) normalise(dst, x []float32, n normaliser, epsilon float64) {
	w := p.shape.Width
	parallel(p.threads, len(x)/w, func(lo, hi int) { n.apply(dst[lo*w:hi*w], x[lo*w:hi*w], epsilon) })
}

// A normaliser is a norm or an rmsNorm.
type normaliser interface {
	apply(dst, x []float32, epsilon float64)
}
