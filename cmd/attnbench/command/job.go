package command

import (
	"cmp"
	"errors"
	"fmt"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/attnbench/attnbench/harness"
	"github.com/attnbench/attnbench/kernels"
	"github.com/attnbench/attnbench/reports"
)

// A job is what the flags ask for, once all of it exists and fits together.
type job struct {
	kernels  []kernels.Kernel // one for each kernel and instruction set
	options  kernels.Options
	sweep    harness.Sweep     // without inputs
	problems []kernels.Problem // each mask and variant at each length
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
	lengths, err := parseLengths("n", f.lengths)
	if err != nil {
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
	if f.firstInput {
		f.inputs = f.inputs[:1]
	}
	if err := checkInputs(f.inputs); err != nil {
		return nil, err
	}
	if j.subject, err = f.subject.load(cmd.InOrStdin()); err != nil {
		return nil, err
	}
	if j.subject.remark != "" {
		j.remarks = append(j.remarks, j.subject.remark)
	}
	if j.sweep, err = f.problem.sweep(cmd.Flags()); err != nil {
		return nil, err
	}
	j.setShape(f, lengths, cmd.Flags())
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

// setShape fills what neither a flag nor a preset gave: the lengths and masks of
// the flags' defaults, and the heads of the model.
func (j *job) setShape(f *sweepFlags, lengths []int, flags *pflag.FlagSet) {
	s := &j.sweep
	if s.Lengths == nil || f.ownLengths || flags.Changed("n") {
		s.Lengths = lengths
	}
	if flags.Changed("pattern") && !flags.Changed("n") {
		s.Lengths = adjustable(s)
	}
	if s.Masks == nil || flags.Changed("mask") {
		s.Masks = unique(f.masks)
	}
	s.Batch = f.batch
	if flags.Changed("heads") {
		s.Heads, s.KVHeads = f.heads, f.heads
	}
	set(flags, "kv-heads", &s.KVHeads, f.kvHeads)
	set(flags, "dim", &s.HeadDim, f.dim)
	if s.Heads == 0 {
		heads, kvHeads := j.headsOf(f.inputs)
		s.Heads, s.KVHeads = heads, cmp.Or(s.KVHeads, kvHeads)
	}
	s.HeadDim = cmp.Or(s.HeadDim, j.subject.headDim())
}

// adjustable returns the lengths that the sweep's options allow, which is to say
// a pattern's file; all where there is none, so that the error says why.
func adjustable(s *harness.Sweep) []int {
	var fit []int
	for _, n := range s.Lengths {
		if s.Variants[0](&kernels.Problem{KVLen: n}) == nil {
			fit = append(fit, n)
		}
	}
	if fit == nil {
		return s.Lengths
	}
	return fit
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
			for _, c := range cases {
				if err := c.Problem.Fits(); err != nil {
					return fmt.Errorf("n %d, mask %s: %w", n, mask, err)
				}
				j.problems = append(j.problems, c.Problem)
			}
		}
	}
	return nil
}
