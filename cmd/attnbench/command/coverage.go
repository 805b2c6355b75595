package command

import (
	"context"
	"fmt"
	"slices"

	"github.com/spf13/pflag"

	"github.com/attnbench/attnbench/harness"
	"github.com/attnbench/attnbench/reports"
)

// wantsCoverage reports whether no flag says which problem is meant: then all
// kinds of problems are.
func wantsCoverage(flags *pflag.FlagSet) bool {
	return !slices.ContainsFunc(problemFlagNames, flags.Changed)
}

// coverage verifies every kernel on every feature.
func (j *job) coverage(ctx context.Context, c *checks) (*reports.Table, []outcome, error) {
	features := harness.Features()
	table := &reports.Table{
		Title:  "Features × kernels: share of the allowed error, the worst over inputs and lengths",
		Header: append([]string{"feature", "problem"}, j.columns()...),
		Left:   2,
	}
	bar := newProgress(c.w, fmt.Sprintf("verifying %s on %s", reports.Count(len(j.kernels), "kernel"), reports.Count(len(features), "feature")), len(features))
	defer bar.done()
	var all []outcome
	for i, f := range features {
		cases, err := j.featureCases(f)
		if err != nil {
			return table, all, fmt.Errorf("%s: %w", f.Name, err)
		}
		outcomes, err := j.hold(ctx, c, cases, func(int) {})
		if len(outcomes) > 0 {
			table.Rows = append(table.Rows, j.featureRow(table, f, outcomes))
		}
		all = append(all, outcomes...)
		if err != nil {
			return table, all, fmt.Errorf("%w, in %d of %d features", err, i, len(features))
		}
		bar.at(i + 1)
	}
	return table, all, nil
}

// featureCases returns the cases of a feature on the job's synthetic inputs.
func (j *job) featureCases(f harness.Feature) ([]harness.Case, error) {
	s := f.Sweep(j.sweep)
	s.Batch = max(2, s.Batch) // lengths and neighbours need two
	for _, in := range j.inputs {
		if _, ok := in.(harness.Captured); !ok {
			s.Inputs = append(s.Inputs, in)
		}
	}
	if s.Inputs == nil {
		s.Inputs = harness.Inputs(j.seed)[:1]
	}
	return s.Cases()
}

// featureRow sums up the outcomes of a feature, and notes why a kernel does not
// do it.
func (j *job) featureRow(t *reports.Table, f harness.Feature, outcomes []outcome) []string {
	cells := make([]cell, len(j.kernels))
	for _, o := range outcomes {
		cells[o.kernel].add(o)
		if o.skipped != nil {
			t.Note("%s: unsupported: %v", j.kernels[o.kernel].Name(), o.skipped)
		}
	}
	p := outcomes[len(outcomes)-1].c.Problem
	problem := harness.Describe(p)
	if p.QLen != p.KVLen {
		problem += fmt.Sprintf(" qlen=%d", p.QLen)
	}
	row := []string{f.Name, problem}
	for _, c := range cells {
		row = append(row, c.String())
	}
	return row
}
