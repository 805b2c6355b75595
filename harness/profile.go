package harness

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"path"
	"runtime/debug"
	"runtime/pprof"
	"slices"
	"time"

	"github.com/google/pprof/profile"

	"github.com/attnbench/attnbench/kernels"
)

// A Profile says in which functions the processors are while a kernel runs on a
// case, from the stacks that the Go runtime samples a hundred times in a second of
// processor time.
type Profile struct {
	Result
	Runs      int
	Elapsed   time.Duration // of all runs, by the clock
	Busy      time.Duration // of the processors, by the samples
	Functions []FunctionTime
	Stacks    *profile.Profile // as sampled, labelled by kernel, isa and case
}

// A FunctionTime is the processor time of one function.
type FunctionTime struct {
	Name string        // package and function, such as simd.mulMax; of code that is not Go's, its file
	Self time.Duration // in the function itself: the times of all functions are Busy
	With time.Duration // in it and whatever it calls
}

// ProfileKernel verifies k on c, runs it for about as long as it is told under
// the CPU profiler, and verifies what the last run left. A result that failed or
// was skipped has no functions. There can be one profile at a time in a process.
func ProfileKernel(ctx context.Context, k kernels.Kernel, c Case, opts kernels.Options, long time.Duration, s Sampling) (Profile, error) {
	p := Profile{Result: Result{Kernel: k.Name(), Case: c, Threads: threads(opts)}}
	setup, err := NewSetup(c, s)
	if err != nil {
		return p, fmt.Errorf("profile: %w", err)
	}
	trial, err := setup.Plan(k, opts)
	if err != nil {
		p.fail(err)
		return p, nil
	}
	defer trial.Close()
	if _, ok := trial.plan.(kernels.Timer); ok {
		p.fail(fmt.Errorf("%s: its time passes on a device: %w", k.Name(), errors.ErrUnsupported))
		return p, nil
	}
	return p, p.take(ctx, trial, long)
}

// take fills p from runs of a trial.
func (p *Profile) take(ctx context.Context, trial *Trial, long time.Duration) error {
	v, err := trial.Verify()
	if p.Result = trial.Result(v); err != nil {
		p.fail(err)
		return nil
	}
	if !v.Pass() {
		return nil
	}
	PoisonOutputs(&trial.setup.Tensors)
	var buf bytes.Buffer
	defer debug.SetGCPercent(debug.SetGCPercent(-1)) // what runs is the kernel
	if err := pprof.StartCPUProfile(&buf); err != nil {
		return fmt.Errorf("profile: %w", err)
	}
	start := time.Now()
	for p.Elapsed < long && ctx.Err() == nil && err == nil {
		err = trial.Run()
		p.Runs, p.Elapsed = p.Runs+1, time.Since(start)
	}
	pprof.StopCPUProfile()
	if err == nil {
		v, err = trial.Check()
	}
	if err != nil {
		p.fail(err)
		return nil
	}
	if !p.verified(v) {
		return nil
	}
	stacks, err := profile.Parse(&buf)
	if err != nil {
		return fmt.Errorf("profile: %w", err)
	}
	for _, sample := range stacks.Sample {
		sample.Label = map[string][]string{"kernel": {p.Kernel}, "isa": {p.ISA}, "case": {p.Name()}}
	}
	p.Stacks = stacks
	p.Functions, p.Busy = functionTimes(stacks)
	return nil
}

// functionTimes adds up a CPU profile by function, the busiest first.
func functionTimes(p *profile.Profile) (list []FunctionTime, total time.Duration) {
	at := map[string]int{}
	var seen map[string]bool // in the stack at hand: a recursion counts once
	entry := func(name string) *FunctionTime {
		i, ok := at[name]
		if !ok {
			i, at[name] = len(list), len(list)
			list = append(list, FunctionTime{Name: name})
		}
		return &list[i]
	}
	for _, s := range p.Sample {
		spent := time.Duration(s.Value[len(s.Value)-1]) // nanoseconds, after the number of samples
		total += spent
		seen = map[string]bool{}
		for i, name := range frames(s) {
			f := entry(name)
			if i == 0 {
				f.Self += spent
			}
			if !seen[name] {
				seen[name] = true
				f.With += spent
			}
		}
	}
	slices.SortStableFunc(list, func(a, b FunctionTime) int { return int(b.Self - a.Self) })
	return list, total
}

// frames returns the names of a stack, the innermost first, inlined calls
// included.
func frames(s *profile.Sample) (names []string) {
	for _, l := range s.Location {
		for _, line := range l.Line {
			names = append(names, path.Base(line.Function.Name))
		}
		if len(l.Line) == 0 && l.Mapping != nil {
			names = append(names, path.Base(l.Mapping.File))
		}
	}
	return names
}

// MergeProfiles joins the stacks of several profiles, those that have any, for
// `go tool pprof`.
func MergeProfiles(profiles []Profile) (*profile.Profile, error) {
	var stacks []*profile.Profile
	for i := range profiles {
		if profiles[i].Stacks != nil {
			stacks = append(stacks, profiles[i].Stacks)
		}
	}
	if len(stacks) == 0 {
		return nil, errors.New("profile: nothing was profiled")
	}
	return profile.Merge(stacks)
}
