package main

import (
	"errors"

	"github.com/spf13/cobra"

	"github.com/attnbench/attnbench/harness"
	"github.com/attnbench/attnbench/kernels"
	"github.com/attnbench/attnbench/reports"
)

// A job is what the flags ask for, once all of it exists and fits together.
type job struct {
	kernels  []kernels.Kernel // one for each kernel and instruction set
	options  kernels.Options
	sweep    harness.Sweep     // without inputs
	problems []kernels.Problem // each mask at each length
	inputs   []harness.Input
	seed     uint64
	subject  *subject
	baseline kernels.Kernel // what others are compared with
	base     *swapped       // its forward pass, once done
	remarks  []string       // what the flags' defaults could not give
}

// job resolves the flags. Its errors carry their exit code.
func (f *sweepFlags) job(cmd *cobra.Command) (*job, error) {
	j, err := f.resolve(cmd)
	switch {
	case cmd.Context().Err() != nil:
		return nil, failed(errInterrupted)
	case err != nil:
		return nil, usage(err)
	}
	return j, nil
}

// errInterrupted ends a run that has nothing to show yet.
var errInterrupted = errors.New("interrupted: nothing was measured")

// resolve checks everything that can be checked before work begins. Its error
// names the flag's value and what is allowed.
func (f *sweepFlags) resolve(cmd *cobra.Command) (*job, error) {
	if err := f.check(cmd.Flags()); err != nil {
		return nil, err
	}
	j := &job{seed: f.seed, options: kernels.Options{Threads: f.threads}}
	var err error
	if j.sweep.Lengths, err = parseLengths(f.lengths); err != nil {
		return nil, err
	}
	chosen, err := lookupKernels(f.kernels)
	if err != nil {
		return nil, err
	}
	naive, err := kernels.Get(reports.Baseline)
	if err != nil {
		return nil, err
	}
	isas, err := lookupISAs(f.isas)
	if err != nil {
		return nil, err
	}
	f.inputs = harness.ExpandInputs(f.inputs)
	if err := checkInputs(f.inputs); err != nil {
		return nil, err
	}
	if j.subject, err = f.subject.load(cmd.InOrStdin()); err != nil {
		return nil, err
	}
	if j.subject.remark != "" {
		j.remarks = append(j.remarks, j.subject.remark)
	}
	j.setShape(f)
	if err := j.checkProblems(); err != nil {
		return nil, err
	}
	j.baseline = pin(naive, "", j.problems[0])
	if err := j.setInputs(cmd.Context(), f.inputs, cmd.Flags().Changed("inputs")); err != nil {
		return nil, err
	}
	j.kernels = j.variants(chosen, isas)
	return j, nil
}

// setShape fills what was not given from the model.
func (j *job) setShape(f *sweepFlags) {
	orElse := func(value, otherwise int) int {
		if value == 0 {
			return otherwise
		}
		return value
	}
	heads, kvHeads := j.subject.heads(), j.subject.kvHeads()
	if f.heads != 0 {
		heads, kvHeads = f.heads, f.heads
	}
	j.sweep.Masks = f.masks
	j.sweep.Batch, j.sweep.Heads, j.sweep.KVHeads = f.batch, heads, orElse(f.kvHeads, kvHeads)
	j.sweep.HeadDim = orElse(f.dim, j.subject.headDim())
}

// checkProblems returns the first thing that is wrong with any problem.
//
// Note: harness.Sweep lists every violation at every length, which is too much
// for the one line that a command's error is.
func (j *job) checkProblems() error {
	for _, mask := range j.sweep.Masks {
		if _, err := kernels.ParseMask(mask, j.sweep.Lengths[0]); err != nil {
			return err
		}
		for _, n := range j.sweep.Lengths {
			one := j.sweep
			one.Masks, one.Lengths, one.Inputs = []string{mask}, []int{n}, harness.Inputs(j.seed)[:1]
			cases, err := one.Cases()
			if err != nil {
				return err
			}
			j.problems = append(j.problems, cases[0].Problem)
		}
	}
	return nil
}
