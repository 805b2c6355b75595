package harness

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/attnbench/attnbench/harness/faults"
	"github.com/attnbench/attnbench/kernels"
)

// A Selftest tests the harness itself: it holds kernels that are wrong on
// purpose and kernels that ship against the same cases, and wants the first
// rejected and the second accepted.
type Selftest struct {
	Kernels []kernels.Kernel // that must be accepted, on every instruction set that they have
	Faults  []faults.Fault   // that must be rejected; nil means faults.All()
	Threads int              // of the runs that others are compared with; 0 means GOMAXPROCS
	Without []string         // checks and invariances to leave out, to see what they are for

	// Progress, where set, is called before each kernel with what comes next.
	Progress func(done, total int, next string)
}

// A Judgement is what the checks said of one kernel.
type Judgement struct {
	Kernel string
	ISA    string // "" for a fault
	Wrong  string // what a fault does; "" for a kernel that must be accepted

	Check  string // the check or invariance that rejected it; "" when all cases passed
	Case   string // on which this was
	Reason string // what it found
	Passed int    // cases before that

	Skipped error // why there was no case for a kernel; wraps errors.ErrUnsupported
}

// Rejected reports whether some check found something.
func (j Judgement) Rejected() bool { return j.Check != "" }

// Right reports whether the kernel was judged as it deserves.
func (j Judgement) Right() bool { return j.Rejected() == (j.Wrong != "") }

// Run judges all faults and all kernels, in this order. It returns an error for
// checks that do not exist, for a context that ended, and for a case that could
// not be set up; a wrong judgement is none.
func (s Selftest) Run(ctx context.Context) ([]Judgement, error) {
	cases, err := setUpAll(selftestCases())
	if err != nil {
		return nil, fmt.Errorf("selftest: %w", err)
	}
	return s.run(ctx, cases)
}

func (s Selftest) run(ctx context.Context, cases []readyCase) ([]Judgement, error) {
	skip, err := s.skip()
	if err != nil {
		return nil, err
	}
	judges := s.candidates()
	var all []Judgement
	for n, j := range judges {
		if err := context.Cause(ctx); err != nil {
			return all, fmt.Errorf("selftest: %w after %d of %d kernels", err, n, len(judges))
		}
		if s.Progress != nil {
			s.Progress(n, len(judges), j.Kernel)
		}
		if err := j.judge(cases, skip); err != nil {
			return all, fmt.Errorf("selftest: %s: %w", j.Kernel, err)
		}
		all = append(all, j.Judgement)
	}
	return all, nil
}

// Check reports checks to leave out that do not exist.
func (s Selftest) Check() error {
	_, err := s.skip()
	return err
}

// skip returns the set of the checks to leave out.
func (s Selftest) skip() (map[string]bool, error) {
	known := append(CheckNames(), InvarianceNames()...)
	skip := map[string]bool{}
	for _, name := range s.Without {
		if !slices.Contains(known, name) {
			return nil, fmt.Errorf("selftest: check %q: want some of %s", name, strings.Join(known, ", "))
		}
		skip[name] = true
	}
	return skip, nil
}

// A candidate is a kernel to be judged.
type candidate struct {
	Judgement
	kernel kernels.Kernel
	opts   kernels.Options
}

func (s Selftest) candidates() []candidate {
	planted := s.Faults
	if planted == nil {
		planted = faults.All()
	}
	var list []candidate
	for _, f := range planted {
		list = append(list, candidate{Judgement{Kernel: f.Name, Wrong: f.Wrong}, f.Kernel, kernels.Options{Threads: s.Threads}})
	}
	for _, k := range s.Kernels {
		if _, ok := k.(kernels.DeviceKernel); ok { // has instruction sets of its own
			list = append(list, candidate{Judgement{Kernel: k.Name()}, k, kernels.Options{Threads: s.Threads}})
			continue
		}
		for _, isa := range kernels.ISAs() {
			opts := kernels.Options{Threads: s.Threads, ISA: isa.Name}
			if isa.Available && variant(k, opts) {
				list = append(list, candidate{Judgement{Kernel: k.Name(), ISA: isa.Name}, k, opts})
			}
		}
	}
	return list
}

// variant reports whether k has code of its own for an instruction set. A
// kernel that cannot be planned has, so that it is judged and the error seen.
func variant(k kernels.Kernel, opts kernels.Options) bool {
	for _, t := range []kernels.DType{kernels.Float32, kernels.BFloat16} {
		p := kernels.Problem{Batch: 1, Heads: 1, KVHeads: 1, QLen: 64, KVLen: 64, HeadDim: 64, DType: t, KVDType: t}
		if k.Supports(p) != nil {
			return true
		}
		pl, err := k.Plan(p, opts)
		if err != nil {
			return true
		}
		pl.Close()
		if pl.ISA() == opts.ISA {
			return true
		}
	}
	return false
}

// judge runs the candidate on all cases until a check rejects it. What it does
// not support it skips.
func (j *candidate) judge(cases []readyCase, skip map[string]bool) error {
	for _, c := range cases {
		v, err := j.verify(c, skip)
		if errors.Is(err, errors.ErrUnsupported) {
			j.Skipped = err
			continue
		}
		if err != nil {
			return fmt.Errorf("%s: %w", c.name, err)
		}
		if !v.Pass() {
			j.Check, j.Case, j.Reason = v.Check, c.name, v.Reason
			return nil
		}
		if c.invariances {
			if err := j.probe(c, skip); err != nil {
				return fmt.Errorf("%s: %w", c.name, err)
			}
			if j.Rejected() {
				return nil
			}
		}
		j.Passed++
	}
	if j.Passed > 0 {
		j.Skipped = nil
	}
	return nil
}

func (j *candidate) verify(c readyCase, skip map[string]bool) (Verdict, error) {
	trial, err := c.setup.Plan(j.kernel, j.opts)
	if err != nil {
		return Verdict{}, err
	}
	defer trial.Close()
	if j.ISA == "" && j.Wrong == "" {
		j.ISA = trial.plan.ISA()
	}
	PoisonOutputs(&c.setup.Tensors)
	if err := trial.Run(); err != nil {
		return Verdict{}, err
	}
	return trial.check(skip)
}

func (j *candidate) probe(c readyCase, skip map[string]bool) error {
	results, err := checkInvariances(j.kernel, c.setup.Case, j.opts, skip)
	for _, r := range results {
		if r.Broken != "" && !j.Rejected() {
			j.Check, j.Case, j.Reason = r.Name, c.name, r.Broken
		}
	}
	return err
}
