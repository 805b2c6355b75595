package command

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/attnbench/attnbench/kernels"
	"github.com/attnbench/attnbench/reports"
)

// runCompare swaps each kernel into every layer of the transformer and shows
// how far it then is from the baseline: after each layer, and at the end.
func (f *modelFlags) runCompare(cmd *cobra.Command) error {
	j, err := f.compareJob(cmd)
	if err != nil {
		return usage(err)
	}
	c := newChecks(cmd.ErrOrStderr())
	swaps, err := j.swap(cmd.Context(), c)
	if err != nil {
		return failed(err)
	}
	if err := writeTables(cmd.OutOrStdout(), j.swapTable(swaps), j.growthTable(swaps)); err != nil {
		return failed(err)
	}
	return c.err()
}

// compareJob is a job with kernels and a subject only.
func (f *modelFlags) compareJob(cmd *cobra.Command) (*job, error) {
	if f.logits != "" {
		return nil, fmt.Errorf("--logits %q beside --compare: want one of them", f.logits)
	}
	names := f.kernels
	if !cmd.Flags().Changed("kernel") {
		names = nil
	}
	chosen, err := lookupKernels(names)
	if err != nil {
		return nil, err
	}
	f.kernels = []string{reports.Baseline}
	s, baseline, err := f.resolve(cmd.InOrStdin())
	if err != nil {
		return nil, err
	}
	j := &job{subject: s, options: kernels.Options{Threads: f.threads}}
	p := kernels.Problem{Batch: 1, Heads: s.heads(), KVHeads: s.kvHeads(), QLen: len(s.ids), KVLen: len(s.ids), HeadDim: s.headDim(), Mask: kernels.Mask{Causal: s.model.Shape().Causal}}
	j.problems = []kernels.Problem{p}
	j.baseline = pin(baseline[0], "", p)
	j.kernels = j.variants(chosen, []string{""})
	return j, nil
}
