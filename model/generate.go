package model

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"time"

	"github.com/attnbench/attnbench/kernels"
)

// A Sampler chooses the next token from logits.
type Sampler struct {
	temperature float64
	random      *rand.Rand
}

// maxTemperature is where any sensible choice has long become a uniform one.
const maxTemperature = 1000

// NewSampler returns a sampler that draws from softmax(logits/temperature): with
// a temperature of 0 it takes the likeliest token, the lowest id among equals.
// The seed decides all that it draws.
func NewSampler(temperature float64, seed uint64) (*Sampler, error) {
	if !(temperature >= 0 && temperature <= maxTemperature) {
		return nil, fmt.Errorf("temperature %v: must be in 0..%d", temperature, maxTemperature)
	}
	return &Sampler{temperature, rand.New(rand.NewPCG(seed, 0))}, nil
}

// errNoChoice is of logits that hold a NaN or nothing finite.
var errNoChoice = errors.New("logits that no token can be chosen from: NaN, or not one finite")

// Next chooses from the logits [vocab] of a position.
func (s *Sampler) Next(logits []float32) (int, error) {
	best, top := -1, math.Inf(-1)
	for id, v := range logits {
		switch x := float64(v); {
		case math.IsNaN(x) || math.IsInf(x, 1):
			return 0, errNoChoice
		case x > top:
			best, top = id, x
		}
	}
	if best < 0 {
		return 0, errNoChoice
	}
	if s.temperature == 0 {
		return best, nil
	}
	return s.draw(logits, top), nil
}

// draw takes a token with probability exp((logit − top)/temperature)/Σ.
func (s *Sampler) draw(logits []float32, top float64) int {
	sum := 0.0
	for _, v := range logits {
		sum += math.Exp((float64(v) - top) / s.temperature)
	}
	left, last := s.random.Float64()*sum, 0
	for id, v := range logits {
		w := math.Exp((float64(v) - top) / s.temperature)
		if w > 0 {
			last = id
		}
		if left -= w; left < 0 {
			return id
		}
	}
	return last // by rounding only
}

// A Generation says what to generate.
type Generation struct {
	Prompt  []int    // token ids, at least one
	Tokens  int      // how many to add, at least one
	Sampler *Sampler // nil takes the likeliest

	// Uncached runs the whole sequence anew for every token, which gives the same
	// but for rounding. It is what a cache saves.
	Uncached bool

	KVDType kernels.DType // what the cache stores; not for Uncached

	// OnToken, where set, is told each token as it is chosen. An error ends the
	// generation.
	OnToken func(id int) error
}

// A Generated is what came of it.
type Generated struct {
	IDs     []int         // the new tokens
	Prefill time.Duration // the pass over the prompt, which gave the first

	// Decode has the passes after it, each of which gave the next: one fewer than
	// there are tokens.
	Decode []time.Duration

	CacheBytes int64 // of the keys and values, 0 without a cache
}

// Generate lets a causal model go on from a prompt, one token a pass. Choosing a
// token is outside of the times. Whatever happens, it returns what was generated
// before. It fails on a model that cannot go on, and on more tokens than the model's context has room for.
func Generate(ctx context.Context, m Model, g Generation, opts Options) (*Generated, error) {
	out := &Generated{}
	forward, err := g.stepper(m, out)
	if err != nil {
		return out, err
	}
	opts.Last = 1
	ids := append([]int(nil), g.Prompt...)
	for len(out.IDs) < g.Tokens {
		start := time.Now()
		r, err := forward(ctx, ids, opts)
		if err != nil {
			return out, err
		}
		if elapsed := time.Since(start); len(out.IDs) == 0 {
			out.Prefill = elapsed
		} else {
			out.Decode = append(out.Decode, elapsed)
		}
		id, err := g.choose(r)
		if err != nil {
			return out, fmt.Errorf("token %d: %w", len(out.IDs), err)
		}
		ids, out.IDs = append(ids, id), append(out.IDs, id)
	}
	return out, nil
}

// choose takes the next token and tells it.
func (g *Generation) choose(r *Result) (int, error) {
	id, err := g.Sampler.Next(r.Row(r.Len - 1))
	if err == nil && g.OnToken != nil {
		err = g.OnToken(id)
	}
	return id, err
}

// A stepper runs a model over all ids so far.
type stepper func(ctx context.Context, ids []int, opts Options) (*Result, error)

// stepper checks what is asked for and returns what runs a pass.
func (g *Generation) stepper(m Model, out *Generated) (stepper, error) {
	shape := m.Shape()
	generator, ok := m.(Generator)
	switch {
	case !ok || !shape.Causal:
		return nil, fmt.Errorf("%s: cannot generate, only a causal model can", shape.Family)
	case shape.Headless:
		return nil, fmt.Errorf("%s without a head: cannot generate", shape.Family)
	case g.Tokens < 1:
		return nil, fmt.Errorf("generate %d tokens: must be at least 1", g.Tokens)
	}
	if err := (Input{IDs: g.Prompt}).Check(shape); err != nil {
		return nil, err
	}
	// The last token is only chosen, never read.
	if room := shape.Context - len(g.Prompt) + 1; g.Tokens > room {
		return nil, fmt.Errorf("generate %d tokens after %d: the model's context of %d has room for %d", g.Tokens, len(g.Prompt), shape.Context, room)
	}
	if g.Sampler == nil {
		g.Sampler = &Sampler{}
	}
	if g.Uncached {
		if g.KVDType != kernels.Float32 {
			return nil, fmt.Errorf("keys and values of %v without a cache: a pass computes them in float32", g.KVDType)
		}
		return func(ctx context.Context, ids []int, opts Options) (*Result, error) {
			return m.Forward(ctx, Input{IDs: ids}, opts)
		}, nil
	}
	cache, err := NewCache(shape, len(g.Prompt)+g.Tokens-1, g.KVDType)
	if err != nil {
		return nil, err
	}
	out.CacheBytes = cache.Bytes()
	return func(ctx context.Context, ids []int, opts Options) (*Result, error) {
		return generator.Step(ctx, ids[cache.Len():], cache, opts)
	}, nil
}
