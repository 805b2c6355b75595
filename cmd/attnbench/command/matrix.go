package command

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/attnbench/attnbench/harness"
	"github.com/attnbench/attnbench/kernels"
	"github.com/attnbench/attnbench/reports"
)

// matrix shows kernels × masks × inputs: the worst share of the allowed error
// over all lengths.
func (j *job) matrix(outcomes []outcome) *reports.Table {
	table := &reports.Table{
		Title:  "Masks × inputs × kernels: share of the allowed error, the worst over n",
		Header: append([]string{"mask", "input"}, j.columns()...),
		Left:   2,
	}
	rows := map[[2]string][]cell{}
	for _, o := range outcomes {
		key := [2]string{harness.Describe(o.c.Problem), o.c.Input.Name()}
		if rows[key] == nil {
			rows[key] = make([]cell, len(j.kernels))
			table.Rows = append(table.Rows, key[:])
		}
		rows[key][o.kernel].add(o)
		if o.skipped != nil {
			table.Note("%s: unsupported: %v", j.kernels[o.kernel].Name(), o.skipped)
		}
	}
	order := func(row []string) int {
		return slices.IndexFunc(table.Rows, func(first []string) bool { return first[0] == row[0] })
	}
	byMask := slices.Clone(table.Rows)
	slices.SortStableFunc(byMask, func(a, b []string) int { return order(a) - order(b) })
	table.Rows = byMask
	for i, row := range table.Rows {
		for _, c := range rows[[2]string(row)] {
			table.Rows[i] = append(table.Rows[i], c.String())
		}
	}
	return table
}

// columns name the kernels, with the instruction set where one is there twice.
func (j *job) columns() []string {
	var names []string
	for _, k := range j.kernels {
		name := k.Name()
		if n := slices.IndexFunc(j.kernels, func(other kernels.Kernel) bool { return other != k && other.Name() == k.Name() }); n >= 0 {
			name += " " + isaOf(k)
		}
		names = append(names, name)
	}
	return names
}

// A cell sums up one kernel on one mask and input.
type cell struct {
	worst                   float64
	passed, skipped, failed int
}

func (c *cell) add(o outcome) {
	switch {
	case o.skipped != nil:
		c.skipped++
	case o.failed != nil:
		c.failed++
	default:
		c.passed, c.worst = c.passed+1, max(c.worst, o.verdict.Ratio)
	}
}

func (c cell) String() string {
	switch {
	case c.failed > 0:
		return "FAILED"
	case c.passed > 0:
		return fmt.Sprintf("%.0f%%", 100*c.worst)
	case c.skipped > 0:
		return "unsupported"
	}
	return ""
}

// invariances holds each kernel against itself on each mask.
func (j *job) invariances(ctx context.Context, c *checks) (*reports.Table, error) {
	cases, err := j.invarianceCases()
	if err != nil {
		return nil, err
	}
	table := &reports.Table{
		Title:  "Masks × kernels: invariances that hold",
		Header: append([]string{"mask", "n"}, j.columns()...),
		Left:   1,
	}
	bar := newProgress(c.w, fmt.Sprintf("holding %s against themselves on %s", reports.Count(len(j.kernels), "kernel"), reports.Count(len(cases), "mask")), len(cases)*len(j.kernels))
	defer bar.done()
	for i, cs := range cases {
		row := []string{harness.Describe(cs.Problem), fmt.Sprint(cs.Problem.KVLen)}
		for at, k := range j.kernels {
			if ctx.Err() != nil {
				return table, fmt.Errorf("interrupted: the invariances are incomplete")
			}
			results, err := harness.CheckInvariances(k, cs, j.options)
			row = append(row, describeInvariances(table, c, cs.Name(k.Name(), isaOf(k)), results, err))
			bar.at(i*len(j.kernels) + at + 1)
		}
		table.Rows = append(table.Rows, row)
	}
	return table, nil
}

// describeInvariances says how many hold, fails those that do not, and notes
// why others do not apply.
func describeInvariances(t *reports.Table, c *checks, name string, results []harness.Invariance, err error) string {
	if errors.Is(err, errors.ErrUnsupported) {
		return "unsupported"
	}
	if err != nil {
		c.fail("%s: %v", name, err)
		return "FAILED"
	}
	hold, broken := 0, 0
	for _, r := range results {
		switch {
		case r.Broken != "":
			c.fail("%s: %s: %s", name, r.Name, r.Broken)
			broken++
		case r.Skipped != "":
			t.Note("%s: not everywhere: %s", r.Name, r.Skipped)
		default:
			hold++
		}
	}
	if broken > 0 {
		return "FAILED"
	}
	return fmt.Sprintf("%d of %d", hold, len(results))
}

// invarianceLength bounds the sequences that kernels are held against
// themselves on, for that takes some fifty runs.
const invarianceLength = 130

// invarianceCases returns each mask and variant once, at the greatest length that is short
// enough, or cut to that; with a second batch element where the mask allows it.
// A mask that does not fit a length so short is passed over.
func (j *job) invarianceCases() ([]harness.Case, error) {
	n := min(j.sweep.Lengths[0], invarianceLength)
	for _, length := range j.sweep.Lengths {
		if length <= invarianceLength {
			n = max(n, length)
		}
	}
	var cases []harness.Case
	for _, mask := range j.sweep.Masks {
		s := j.sweep
		s.Masks, s.Lengths, s.Inputs = []string{mask}, []int{n}, harness.Inputs(j.seed)[:1]
		s.QLen = min(s.QLen, n)
		some, err := s.Cases()
		if err != nil && n != j.sweep.Lengths[0] {
			continue
		}
		if err != nil {
			return nil, err
		}
		for i := range some {
			if p := &some[i].Problem; p.Batch == 1 && p.Mask.KeyLens == nil {
				p.Batch = 2
			}
		}
		cases = append(cases, some...)
	}
	return cases, nil
}

// writeTables writes tables with a blank line between them and after the last.
func writeTables(w io.Writer, tables ...*reports.Table) error {
	var text strings.Builder
	for _, t := range tables {
		if t == nil || len(t.Rows) == 0 {
			continue
		}
		if err := t.Write(&text); err != nil {
			return err
		}
		text.WriteByte('\n')
	}
	_, err := io.WriteString(w, text.String())
	return err
}
