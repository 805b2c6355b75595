// Package profile times a model's passes by phase.
//
// Every [Case] is run once to warm up, then once a round in a random order of
// that round, so that a slow spell of the machine falls on all cases alike.
// Every sample is kept; what to make of them is left to the caller.
package profile

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"runtime/debug"
	"time"

	"github.com/attnbench/attnbench/kernels"
	"github.com/attnbench/attnbench/model"
)

// A Case is one pass over a sequence, with an empty cache where the model is
// causal: a prefill.
type Case struct {
	Kernel kernels.Kernel // of every layer
	Input  model.Input
	Last   int // logits of so many last positions; 0 means all
}

// A Profile is what was measured of a case.
type Profile struct {
	Case
	Samples []Sample
	Memory  Memory
	Result  *model.Result // of the pass that warmed up
	Skipped error         // why the kernel does not take the case
	Failed  error         // what Options.Check said; then there are no samples
}

// A Sample is the time of one pass.
type Sample struct {
	Elapsed time.Duration // by the clock
	Phases  map[model.Phase]time.Duration
}

// A Memory is what a pass takes beside the weights, in bytes.
type Memory struct {
	Cache     int64 // keys and values of all layers
	Workspace int64 // of the kernels' plans
	Buffers   int64 // everything else that the pass allocates, its result included
}

// Total returns the sum.
func (m Memory) Total() int64 { return m.Cache + m.Workspace + m.Buffers }

// Options say how to measure.
type Options struct {
	Threads int
	Rounds  int    // samples of each case
	Seed    uint64 // of their order

	// Check, where set, is given each case once it has a result. One that it has
	// an error for is not timed.
	Check func(p *Profile) error

	// Progress, where set, is called before each pass.
	Progress func(done, total int)

	// More, where set, is asked after each round whether there is time for another.
	More func(round int) bool
}

// Measure runs the cases. When ctx ends it returns the error of ctx.
func Measure(ctx context.Context, m model.Model, cases []Case, opts Options) ([]Profile, error) {
	defer debug.SetGCPercent(debug.SetGCPercent(-1)) // collect before passes only
	r := &runner{ctx: ctx, model: m, opts: opts, profiles: make([]Profile, len(cases))}
	for i, c := range cases {
		r.profiles[i].Case = c
		if err := r.warmUp(&r.profiles[i]); err != nil {
			return nil, err
		}
	}
	order := rand.New(rand.NewPCG(opts.Seed, 0x9a55))
	for round := range opts.Rounds {
		for _, i := range order.Perm(len(cases)) {
			if err := r.sample(&r.profiles[i]); err != nil {
				return nil, err
			}
		}
		if opts.More != nil && !opts.More(round+1) {
			break
		}
	}
	return r.profiles, nil
}

// A runner is a measurement under way.
type runner struct {
	ctx      context.Context
	model    model.Model
	opts     Options
	profiles []Profile
	done     int
}

func (r *runner) step() {
	if r.opts.Progress != nil {
		r.opts.Progress(r.done, len(r.profiles)*(1+r.opts.Rounds))
	}
	r.done++
}

// warmUp runs a case for the first time, which also shows what it takes.
func (r *runner) warmUp(p *Profile) error {
	r.step()
	if err := p.Kernel.Supports(model.Problem(r.model, len(p.Input.IDs))); errors.Is(err, errors.ErrUnsupported) {
		p.Skipped = err
		return nil
	}
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	done, err := r.pass(p, nil)
	if err != nil {
		return err
	}
	runtime.ReadMemStats(&after)
	p.Result = done.result
	p.Memory = Memory{Cache: done.cache, Workspace: done.result.Workspace}
	p.Memory.Buffers = max(0, int64(after.TotalAlloc-before.TotalAlloc)-done.cache-done.result.Workspace)
	if r.opts.Check != nil {
		p.Failed = r.opts.Check(p)
	}
	return nil
}

// sample times a case once more.
func (r *runner) sample(p *Profile) error {
	r.step()
	if p.Skipped != nil || p.Failed != nil {
		return nil
	}
	runtime.GC()
	phases := map[model.Phase]time.Duration{}
	done, err := r.pass(p, func(span model.Span) { phases[span.Phase] += span.Elapsed })
	if err != nil {
		return err
	}
	p.Samples = append(p.Samples, Sample{done.elapsed, phases})
	return nil
}

// A run is one pass that was made.
type run struct {
	result  *model.Result
	elapsed time.Duration
	cache   int64 // bytes
}

// pass runs a case. The cache is made anew and outside of the time, but its
// memory is as cold as that of a first prompt.
func (r *runner) pass(p *Profile, hook func(model.Span)) (run, error) {
	opts := model.Options{Kernels: []kernels.Kernel{p.Kernel}, Threads: r.opts.Threads, Last: p.Last, OnPhase: hook}
	forward := func() (*model.Result, error) { return r.model.Forward(r.ctx, p.Input, opts) }
	var out run
	if g, ok := r.model.(model.Generator); ok && p.Input.Mask == nil {
		cache, err := model.NewCache(r.model.Shape(), len(p.Input.IDs), kernels.Float32)
		if err != nil {
			return out, err
		}
		out.cache = cache.Bytes()
		forward = func() (*model.Result, error) { return g.Step(r.ctx, p.Input.IDs, cache, opts) }
	}
	start := time.Now()
	result, err := forward()
	if err != nil {
		return out, fmt.Errorf("%s on %d tokens: %w", p.Kernel.Name(), len(p.Input.IDs), err)
	}
	out.result, out.elapsed = result, time.Since(start)
	return out, nil
}

// Times returns what seconds tells of each sample.
func (p *Profile) Times(seconds func(Sample) float64) []float64 {
	list := make([]float64, len(p.Samples))
	for i, s := range p.Samples {
		list[i] = seconds(s)
	}
	return list
}

// Whole tells the seconds of a sample's whole pass.
func Whole(s Sample) float64 { return s.Elapsed.Seconds() }

// Of returns what tells the seconds of one phase.
func Of(phase model.Phase) func(Sample) float64 {
	return func(s Sample) float64 { return s.Phases[phase].Seconds() }
}
