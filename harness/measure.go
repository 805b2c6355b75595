package harness

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"runtime/debug"
	"slices"
	"time"

	"github.com/attnbench/attnbench/kernels"
)

// A Measurement states what to measure, and how. Every kernel meets every case.
type Measurement struct {
	Kernels []kernels.Kernel
	Cases   []Case
	Options kernels.Options

	Count     int           // samples of each kernel and case; 0 means 10
	BenchTime time.Duration // about how long a sample lasts; 0 means 20ms
	Seed      uint64        // of the order and of the rows that the oracle takes
	Pairs     int64         // see Sampling
	Least     bool          // a sample is the least of its runs and not their mean

	// Patience, where set, bounds a single run: a kernel is skipped on a case that
	// would take it longer at the rate of its case before.
	Patience time.Duration

	// Peaks, where set, are sampled in every round as the kernels are: the
	// limits of the instruction sets in use, and the rate of reading where a case
	// is bound by it.
	Peaks *Peaks

	// Progress, where set, is called before each step with what comes next, and
	// ends the measurement before that step by ending its context. It
	// runs outside of the timed part and must return quickly.
	Progress func(done, total int, next string)
}

// ErrIncomplete is wrapped by the error of a measurement that was stopped.
var ErrIncomplete = errors.New("the run is incomplete")

// keptBytes bounds the workspace of the plans that stay open between samples.
// Beyond it a plan is made anew for each sample, outside of the timed part.
const keptBytes = 1 << 30

// Run verifies, warms up and times each kernel on each case, in that order.
// The samples are taken in rounds, each in a random order of its own, so that
// a slow spell of the machine falls on all kernels alike; and after each
// sample the output that was timed is verified again.
//
// When ctx ends, Run returns the samples taken so far and an error that wraps
// ErrIncomplete. It returns no other errors but those of impossible cases:
// what a kernel does wrong is in its Result.
func (m Measurement) Run(ctx context.Context) ([]Result, error) {
	if m.Count == 0 {
		m.Count = 10
	}
	if m.BenchTime == 0 {
		m.BenchTime = 20 * time.Millisecond
	}
	if m.Count < 0 || m.BenchTime < 0 {
		return nil, fmt.Errorf("measure: count %d, bench time %v: must be positive", m.Count, m.BenchTime)
	}
	r := &runner{Measurement: m, ctx: ctx}
	defer debug.SetGCPercent(debug.SetGCPercent(-1)) // collect before samples only
	defer r.closeAll()
	if err := r.prepare(); err != nil {
		return nil, err
	}
	r.sampleAll()
	return r.results, r.incomplete()
}

// A runner is a Measurement under way.
type runner struct {
	Measurement
	ctx     context.Context
	results []Result
	lanes   []*lane   // those that can be timed
	done    int       // steps, for Progress
	kept    int64     // bytes of open plans
	rates   []float64 // FLOP/s of each kernel on the case before; 0 when unknown
}

// A lane is one kernel on one case.
type lane struct {
	setup      *Setup
	kernel     kernels.Kernel
	result     *Result
	trial      *Trial // nil while closed
	iterations int
	perOp      time.Duration
	least      bool
}

// label is the lane in a few words, for a person.
func (l *lane) label() string {
	p := l.result.Case.Problem
	return fmt.Sprintf("%s %v n=%d", l.result.Kernel, p.Mask, p.KVLen)
}

func (r *runner) step(next string) {
	if r.Progress != nil {
		r.Progress(r.done, len(r.results)*(r.Count+1), next)
	}
	r.done++
}

// prepare makes and verifies all lanes.
func (r *runner) prepare() error {
	r.results = make([]Result, 0, len(r.Cases)*len(r.Kernels))
	r.rates = make([]float64, len(r.Kernels))
	for _, c := range r.Cases {
		for _, k := range r.Kernels {
			r.results = append(r.results, Result{Kernel: k.Name(), Case: c, Threads: threads(r.Options)})
		}
	}
	for i, c := range r.Cases {
		if r.ctx.Err() != nil {
			return nil
		}
		setup, err := NewSetup(c, Sampling{Pairs: r.Pairs, Seed: r.Seed})
		if err != nil {
			return fmt.Errorf("measure: %w", err)
		}
		for j, k := range r.Kernels {
			l := &lane{setup: setup, least: r.Least, kernel: k, result: &r.results[i*len(r.Kernels)+j]}
			r.step("verify " + l.label())
			if l.result.Skipped = r.tooLong(j, c.Problem); l.result.Skipped == nil && r.ctx.Err() == nil && r.ready(l) {
				r.rates[j] = float64(c.Problem.FLOPs()) / l.perOp.Seconds()
				r.lanes = append(r.lanes, l)
				continue
			}
			r.close(l)
			r.done += r.Count
		}
	}
	return nil
}

// tooLong says why a run of a kernel is not to be waited for, or returns nil.
func (r *runner) tooLong(kernel int, p kernels.Problem) error {
	if r.Patience == 0 || r.rates[kernel] == 0 {
		return nil
	}
	seconds := float64(p.FLOPs()) / r.rates[kernel]
	if seconds <= r.Patience.Seconds() {
		return nil
	}
	return fmt.Errorf("%s: a run at n=%d would take about %.0f s, more than %v: %w",
		r.Kernels[kernel].Name(), p.KVLen, seconds, r.Patience.Round(time.Second), errors.ErrUnsupported)
}

// ready verifies a lane and finds out how many iterations make a sample.
func (r *runner) ready(l *lane) bool {
	runtime.GC()
	if err := r.open(l); err != nil {
		l.result.fail(err)
		return false
	}
	defer r.release(l)
	v, err := l.trial.Verify()
	if *l.result = l.trial.Result(v); err != nil {
		l.result.fail(err)
		return false
	}
	if !v.Pass() {
		return false
	}
	if err := l.warmUp(r.BenchTime); err != nil {
		l.result.fail(err)
		return false
	}
	return true
}

func (r *runner) open(l *lane) error {
	if l.trial != nil {
		return nil
	}
	var err error
	if l.trial, err = l.setup.Plan(l.kernel, r.Options); err != nil {
		return err
	}
	r.kept += l.trial.plan.Workspace()
	return nil
}

// release closes a lane's plan if all those open hold too much, and gives its
// memory back: a kernel may ask the system what there is before it takes more.
func (r *runner) release(l *lane) {
	if r.kept > keptBytes {
		r.close(l)
		debug.FreeOSMemory()
	}
}

func (r *runner) close(l *lane) {
	if l.trial != nil {
		r.kept -= l.trial.plan.Workspace()
		l.trial.Close()
		l.trial = nil
	}
}

func (r *runner) closeAll() {
	for _, l := range r.lanes {
		r.close(l)
	}
}

// sampleAll takes the samples, a round at a time.
func (r *runner) sampleAll() {
	order := rand.New(rand.NewPCG(r.Seed, 0x0bde5))
	limits := r.limits()
	for range r.Count {
		for _, at := range order.Perm(len(r.lanes) + 1) {
			if r.ctx.Err() != nil {
				return
			}
			if at == len(r.lanes) {
				if r.Peaks != nil {
					r.Peaks.resample(r.ctx, limits, r.BenchTime)
				}
				continue
			}
			l := r.lanes[at]
			r.step("measure " + l.label())
			if r.ctx.Err() == nil && l.result.Failed() == nil && l.result.Skipped == nil { // Progress may have ended it
				r.sample(l)
			}
		}
	}
}

// limits returns those of the machine that bound the lanes.
func (r *runner) limits() []limit {
	var list []limit
	add := func(of limit) {
		if !slices.Contains(list, of) {
			list = append(list, of)
		}
	}
	for _, l := range r.lanes {
		add(limit{isa: l.result.ISA})
		if c := &l.result.Case; c.streams() && c.streamed() > 0 {
			add(limit{})
			add(limit{bytes: c.streamed()})
		}
	}
	return list
}

// sample takes one sample of a lane and verifies its output.
func (r *runner) sample(l *lane) {
	runtime.GC()
	if err := r.open(l); err != nil {
		l.result.fail(err)
		return
	}
	defer r.release(l)
	PoisonOutputs(&l.setup.Tensors)
	s, err := l.time()
	if err != nil {
		l.result.fail(err)
		return
	}
	v, err := l.trial.Check()
	if err != nil {
		l.result.fail(err)
		return
	}
	if l.result.verified(v) {
		l.result.Samples = append(l.result.Samples, s)
		l.trial.transfers(l.result)
	}
}

func (r *runner) incomplete() error {
	if r.ctx.Err() == nil {
		return nil
	}
	n := 0
	for i := range r.results {
		n += len(r.results[i].Samples)
	}
	return fmt.Errorf("%w: %w after %d of %d samples", ErrIncomplete, context.Cause(r.ctx), n, len(r.results)*r.Count)
}
