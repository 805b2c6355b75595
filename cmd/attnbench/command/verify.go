package command

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/attnbench/attnbench/harness"
	"github.com/attnbench/attnbench/kernels"
	"github.com/attnbench/attnbench/reports"
)

func newVerify() *cobra.Command {
	var f sweepFlags
	cmd := &cobra.Command{
		Use:   "verify",
		Short: "Hold every kernel against the float64 oracle, without timing",
		Long: `verify runs every kernel on captured and synthetic inputs, with everything that
a query must not see poisoned, and holds O and lse against a float64 evaluation
straight from the mask. Then it holds each kernel against itself, in ways of
running it that must not matter. Where no flag says which problem is meant, it
also holds each kernel against the oracle on every feature that attention has
in models of today, and shows which ones it does not support, and why.`,
		Example: "  attnbench verify --kernel flash --mask causal,causal+window:64+sinks:4 --n 1,97,512\n" +
			"  attnbench verify --heads 8 --kv-heads 2 --dim 64",
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			j, err := f.job(cmd)
			if err != nil {
				return err
			}
			c := newChecks(cmd.ErrOrStderr())
			j.writeRemarks(c.w)
			checked, err := j.verifyAll(cmd.Context(), c, cmd.OutOrStdout(), wantsCoverage(cmd.Flags()))
			if err != nil {
				return failed(err)
			}
			if checked == 0 && len(c.failures) == 0 {
				return &exitError{exitNothing, fmt.Errorf("nothing was verified: every case was skipped")}
			}
			return c.err()
		},
	}
	f.register(cmd.Flags())
	cmd.Flags().Lookup("n").DefValue = verifyLengths
	f.lengths, f.ownLengths = verifyLengths, true
	return cmd
}

// verifyAll does all that the command does, and writes each table as soon as
// it is there. It returns how many cases were not skipped.
func (j *job) verifyAll(ctx context.Context, c *checks, w io.Writer, coverage bool) (checked int, err error) {
	outcomes, err := j.verify(ctx, c, j.sweep.Lengths)
	t := j.tally(outcomes)
	if err := errors.Join(err, writeTables(w, t.table(j), t.details(j), j.matrix(outcomes))); err != nil {
		return 0, err
	}
	checked = t.checked()
	if coverage {
		table, outcomes, err := j.coverage(ctx, c)
		if err := errors.Join(err, writeTables(w, table)); err != nil {
			return 0, err
		}
		checked += j.tally(outcomes).checked()
	}
	table, err := j.invariances(ctx, c)
	if err := errors.Join(err, writeTables(w, table)); err != nil {
		return checked, err
	}
	table, err = j.approximations(ctx, j.sweep.Lengths)
	return checked, errors.Join(err, writeTables(w, table))
}

// verifyLengths are one, primes, powers of two and their neighbours.
const verifyLengths = "1,7,31,64,97,128,257,512"

func (j *job) writeRemarks(w io.Writer) {
	for _, remark := range j.remarks {
		fmt.Fprintf(w, "note: %s\n", remark)
	}
}

// checks collects what failed and says it at once.
type checks struct {
	w        io.Writer
	failures []string
}

func newChecks(w io.Writer) *checks { return &checks{w: w} }

func (c *checks) fail(format string, args ...any) {
	line := fmt.Sprintf(format, args...)
	c.failures = append(c.failures, line)
	fmt.Fprintf(c.w, "FAILED %s\n", line)
}

// err returns nil if nothing failed.
func (c *checks) err() error {
	switch len(c.failures) {
	case 0:
		return nil
	case 1:
		return failed(fmt.Errorf("a check failed: %s", c.failures[0]))
	}
	return failed(fmt.Errorf("%d checks failed, the first: %s", len(c.failures), c.failures[0]))
}

// An outcome is what came of one kernel on one case.
type outcome struct {
	kernel  int // of the job
	isa     string
	c       harness.Case
	verdict harness.Verdict
	skipped error // why the kernel does not do the case
	failed  error
}

// verify holds every kernel against the oracle on every mask, input and given
// length. When ctx ends, what was done so far comes with an error.
func (j *job) verify(ctx context.Context, c *checks, lengths []int) ([]outcome, error) {
	cases, err := j.verifyCases(lengths)
	if err != nil {
		return nil, err
	}
	bar := newProgress(c.w, fmt.Sprintf("verifying %s on %s", reports.Count(len(j.kernels), "kernel"), reports.Count(len(cases), "case")), len(cases))
	defer bar.done()
	return j.hold(ctx, c, cases, bar.at)
}

// hold holds every kernel against the oracle on the cases. It reports to done
// how many are.
func (j *job) hold(ctx context.Context, c *checks, cases []harness.Case, done func(cases int)) ([]outcome, error) {
	var outcomes []outcome
	for i, cs := range cases {
		if ctx.Err() != nil {
			return outcomes, fmt.Errorf("interrupted: the verification is incomplete: %d of %d cases", i, len(cases))
		}
		setup, err := harness.NewSetup(cs, harness.Sampling{Seed: j.seed})
		if err != nil {
			return outcomes, err
		}
		for at, k := range j.kernels {
			o := verifyOne(setup, k, j.options)
			if o.kernel = at; o.failed != nil {
				c.fail("%s on input %s: %v", cs.Name(k.Name(), o.isa), cs.Input.Name(), o.failed)
			}
			outcomes = append(outcomes, o)
		}
		done(i + 1)
	}
	return outcomes, nil
}

// verifyOne verifies one kernel on one case.
func verifyOne(setup *harness.Setup, k kernels.Kernel, opts kernels.Options) outcome {
	o := outcome{c: setup.Case}
	trial, err := setup.Plan(k, opts)
	if errors.Is(err, errors.ErrUnsupported) {
		o.skipped = err
		return o
	}
	if err != nil {
		o.failed = err
		return o
	}
	defer trial.Close()
	if o.verdict, o.failed = trial.Verify(); o.failed == nil {
		o.failed = o.verdict.Err()
	}
	o.isa = trial.Result(o.verdict).ISA
	return o
}

// verifyCases returns every mask, input and length that go together. Captured
// inputs end with their prompt, which stands in where all lengths are longer.
func (j *job) verifyCases(lengths []int) ([]harness.Case, error) {
	var cases []harness.Case
	for _, in := range j.inputs {
		one := j.sweep
		one.Inputs, one.Lengths = []harness.Input{in}, nil
		for _, n := range lengths {
			if j.fits(in, n) {
				one.Lengths = append(one.Lengths, n)
			}
		}
		standIn := one.Lengths == nil
		if standIn {
			one.Lengths = []int{len(j.subject.ids)}
		}
		some, err := one.Cases()
		if err != nil && standIn {
			continue // a mask for the sweep's lengths alone
		}
		if err != nil {
			return nil, err
		}
		cases = append(cases, some...)
	}
	return cases, nil
}

// A tally counts the outcomes of each kernel of a job.
type tally []tallyRow

type tallyRow struct {
	isa                     string
	passed, skipped, failed int
	worst                   harness.Verdict // of those that failed, if any did
	worstAt                 string
	reason                  error // of a skip
}

func (j *job) tally(outcomes []outcome) tally {
	t := make(tally, len(j.kernels))
	for _, o := range outcomes {
		row := &t[o.kernel]
		if o.isa != "" {
			row.isa = o.isa
		}
		switch {
		case o.skipped != nil:
			row.skipped, row.reason = row.skipped+1, o.skipped
		case o.failed != nil:
			if row.failed++; row.failed == 1 {
				row.worst.Ratio = -1 // whatever passed is not the worst
			}
			row.meet(o)
		default:
			if row.passed++; row.failed == 0 {
				row.meet(o)
			}
		}
	}
	return t
}

// meet keeps what is worse than all before.
func (r *tallyRow) meet(o outcome) {
	if o.verdict.Ratio >= r.worst.Ratio {
		r.worst, r.worstAt = o.verdict, fmt.Sprintf("%s, %s, n=%d", o.c.Input.Name(), harness.Describe(o.c.Problem), o.c.Problem.KVLen)
	}
}

func (t tally) checked() (n int) {
	for _, row := range t {
		n += row.passed + row.failed
	}
	return n
}

// table shows what each kernel came to.
func (t tally) table(j *job) *reports.Table {
	table := &reports.Table{
		Title:  "Equivalence: O and lse against the float64 oracle",
		Header: []string{"kernel", "isa", "worst case", "passed", "failed", "skipped", "of allowed error", "max error"},
		Left:   3,
	}
	for at, row := range t {
		name := j.kernels[at].Name()
		worst, ratio, maxErr := row.worstAt, fmt.Sprintf("%.1f%%", 100*row.worst.Ratio), fmt.Sprintf("%.2g", row.worst.MaxErr)
		switch {
		case row.failed > 0:
			ratio = "FAILED"
		case row.passed == 0:
			worst, ratio, maxErr = "", "unavailable", "unavailable"
			table.Note("%s: unavailable: every case was skipped", name)
		}
		if harness.OmitsLSE(j.kernels[at]) {
			table.Note("%s: lse: unavailable: the kernel returns none, and only O is checked", name)
		}
		if row.skipped > 0 {
			table.Note("%s: skipped: %v", name, row.reason)
		}
		table.Rows = append(table.Rows, []string{name, row.isa, worst,
			strconv.Itoa(row.passed), strconv.Itoa(row.failed), strconv.Itoa(row.skipped), ratio, maxErr})
	}
	return table
}

// details shows all that is known of each kernel's worst case.
func (t tally) details(j *job) *reports.Table {
	table := &reports.Table{
		Title:  "The worst cases: errors beside those of the plain evaluation, and the worst element of O at [batch head query dim]",
		Header: []string{"kernel", "rows", "max error", "plain", "mean error", "plain", "lse error", "plain", "NMSE", "cosine", "worst at", "got", "want"},
		Left:   1,
	}
	for at, row := range t {
		v, e := row.worst, row.worst.Worst
		if v.Rows == 0 {
			continue // nothing came of it, and the table above says why
		}
		cells := []string{j.kernels[at].Name(), fmt.Sprintf("%d of %d", v.RowsChecked, v.Rows)}
		for _, x := range []float64{v.MaxErr, v.PlainMaxErr, v.MeanErr, v.PlainMeanErr, v.LSEMaxErr, v.PlainLSEMaxErr, v.NMSE} {
			cells = append(cells, fmt.Sprintf("%.2g", x))
		}
		table.Rows = append(table.Rows, append(cells, fmt.Sprintf("%.7f", v.Cosine),
			fmt.Sprint([]int{e.Batch, e.Head, e.Query, e.Dim}), fmt.Sprintf("%.8g", e.Got), fmt.Sprintf("%.8g", e.Want)))
	}
	return table
}
