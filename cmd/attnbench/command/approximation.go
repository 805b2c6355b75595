package command

import (
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/attnbench/attnbench/harness"
	"github.com/attnbench/attnbench/reports"
)

// What is evaluated of a case: so many dense pairs, and of synthetic inputs, which
// tell little, no more keys than these.
const (
	approximationPairs = 1 << 18
	approximationKeys  = 4096
)

// approximations shows how far the sparse masks and the element types are from
// dense attention in float32, which is no failure of any kernel. There are no rows
// where all problems are dense.
func (j *job) approximations(ctx context.Context, lengths []int) (*reports.Table, error) {
	table := &reports.Table{
		Title:  "Approximation: what the mask keeps of dense attention in float32, and the error of O",
		Header: []string{"mask", "input", "n", "pairs kept", "weight kept", "least of a row", "NMSE", "worst row", "cosine"},
		Left:   2,
	}
	cases, err := j.approximationCases(lengths)
	if err != nil {
		return nil, err
	}
	for _, c := range cases {
		if ctx.Err() != nil {
			return table, errInterrupted
		}
		a, err := harness.Approximate(c, harness.Sampling{Seed: j.seed, Pairs: approximationPairs})
		if err != nil {
			return nil, err
		}
		cells := []string{percent(a.Mass), percent(a.LeastMass), fmt.Sprintf("%.2g", a.NMSE), percent(a.Worst), fmt.Sprintf("%.5f", a.Cosine)}
		if math.IsNaN(a.Cosine) {
			cells = slices.Repeat([]string{"unavailable"}, len(cells))
			table.Note("input %s: unavailable: queries see NaN or infinities", c.Input.Name())
		}
		row := []string{harness.Describe(c.Problem), c.Input.Name(), fmt.Sprint(c.Problem.KVLen), percent(a.Pairs)}
		table.Rows = append(table.Rows, append(row, cells...))
	}
	return table, nil
}

// approximationCases returns the problems that are not dense, each at the
// greatest length that its input fills: on what a model makes where there are such
// inputs, for noise says nothing of it, and else on the first.
func (j *job) approximationCases(lengths []int) ([]harness.Case, error) {
	one := *j
	one.inputs = nil
	for _, in := range j.inputs {
		if _, ok := in.(harness.Captured); ok {
			one.inputs = append(one.inputs, in)
		}
	}
	if one.inputs == nil {
		one.inputs = j.inputs[:1]
		lengths = slices.DeleteFunc(slices.Clone(lengths), func(n int) bool { return n > approximationKeys })
	}
	if len(lengths) == 0 {
		return nil, nil
	}
	all, err := one.verifyCases(lengths)
	if err != nil {
		return nil, err
	}
	var cases []harness.Case
	for i, c := range all {
		if _, differs := harness.Dense(c.Problem); !differs {
			continue
		}
		// Lengths are innermost.
		if last := i+1 == len(all) || all[i+1].Problem.KVLen <= c.Problem.KVLen; last {
			cases = append(cases, c)
		}
	}
	return cases, nil
}
