package command

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"golang.org/x/perf/benchfmt"

	"github.com/attnbench/attnbench/harness"
	"github.com/attnbench/attnbench/reports"
)

func newRun() *cobra.Command {
	var f sweepFlags
	var m measureFlags
	var out outputFlags
	cmd := &cobra.Command{
		Use:   "run",
		Short: "Swap, verify and measure the kernels, and fit how their cost grows",
		Long: `run does the whole job, in this order: it swaps each kernel into the transformer
and compares logits and next tokens; verifies each kernel on captured and
synthetic inputs; measures the machine's limits; times each kernel over the
sequence lengths, verifying what it timed; and prints the tables. Without flags
that takes less than a minute on two cores.

The records go to standard output, or to a file that is written whole when the
run ends. An interrupt keeps the samples taken so far; a second one ends the
program at once. docs/tables.md says what every column of the tables means.`,
		Example: "  attnbench run\n" +
			"  attnbench run --kernel naive,flash --n 128..8192x2 --mask full -o flash.txt\n" +
			"  attnbench run --mask causal+window:256+sinks:4 --heads 8 --kv-heads 2 --dim 64 --format csv",
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := m.check(cmd.Flags()); err != nil {
				return usage(err)
			}
			if err := harness.CheckFormat(out.format); err != nil {
				return usage(err)
			}
			f.firstInput = m.only
			j, err := f.job(cmd)
			if err != nil {
				return err
			}
			if err := m.part.check(len(j.problems)); err != nil {
				return usage(err)
			}
			o, err := out.open(cmd.OutOrStdout())
			if err != nil {
				return usage(err)
			}
			defer o.discard()
			r := &runner{job: j, measure: m, format: out.format, out: o, pacer: newPacer(m.paced, cmd.InOrStdin(), cmd.ErrOrStderr()), checks: newChecks(cmd.ErrOrStderr()), flags: givenFlags(cmd.Flags())}
			return r.run(cmd.Context())
		},
	}
	f.register(cmd.Flags())
	m.register(cmd.Flags())
	out.register(cmd.Flags(), "standard output")
	return cmd
}

// A runner takes a job through its stages.
type runner struct {
	*job
	*checks
	measure measureFlags
	format  string
	out     *output
	flags   string // as given, for the records
	pacer   *pacer
}

// givenFlags returns the flags that were set, but for where the records go.
func givenFlags(flags *pflag.FlagSet) string {
	var list []string
	flags.Visit(func(f *pflag.Flag) {
		if f.Name != "output" {
			list = append(list, fmt.Sprintf("--%s=%s", f.Name, strings.Trim(f.Value.String(), "[]")))
		}
	})
	return strings.Join(list, " ")
}

func (r *runner) run(ctx context.Context) error {
	r.writeRemarks(r.w)
	if r.measure.only {
		return r.sweepAll(ctx)
	}
	swaps, err := r.swap(ctx, r.checks)
	if err != nil {
		return failed(err)
	}
	if err := r.show(r.swapTable(swaps)); err != nil {
		return err
	}
	outcomes, err := r.verify(ctx, r.checks, r.briefLengths())
	if err != nil {
		return failed(err)
	}
	if err := r.show(r.tally(outcomes).table(r.job)); err != nil {
		return err
	}
	approximations, err := r.approximations(ctx, r.sweep.Lengths)
	if err != nil {
		return failed(err)
	}
	if len(approximations.Rows) > 0 {
		if err := r.show(approximations); err != nil {
			return err
		}
	}
	return r.sweepAll(ctx)
}

// show writes a table and the blank line below it.
func (r *runner) show(t *reports.Table) error {
	if err := t.Write(r.w); err != nil {
		return failed(err)
	}
	fmt.Fprintln(r.w)
	return nil
}

// brief is the length up to which run verifies on every input. Longer ones are
// verified as they are timed.
const brief = 256

// briefLengths are the sweep's up to brief; where it has none, brief itself
// stands in, or the shortest there is if the sweep's masks allow no other.
func (j *job) briefLengths() []int {
	lengths := j.sweep.Lengths
	i := slices.IndexFunc(lengths, func(n int) bool { return n > brief })
	if i < 0 {
		return lengths
	}
	if i > 0 {
		return lengths[:i]
	}
	standIn := j.sweep
	standIn.Lengths, standIn.Inputs = []int{brief}, j.inputs
	if _, err := standIn.Cases(); err != nil || standIn.QLen > brief {
		return lengths[:1]
	}
	return standIn.Lengths
}

// sweepAll measures, and writes what came of it even when it was interrupted.
func (r *runner) sweepAll(ctx context.Context) error {
	if n := runtime.GOMAXPROCS(0); r.options.Threads > n {
		fmt.Fprintf(r.w, "note: %d threads take turns on %s: no time is that of as many processors\n", r.options.Threads, reports.Count(n, "processor"))
	}
	peaks := r.peaks(ctx)
	results, incomplete := r.measureCases(ctx, peaks)
	if errors.Is(incomplete, errLimit) {
		fmt.Fprintf(r.w, "note: %v\n", incomplete)
		incomplete = nil
	}
	if incomplete != nil && !errors.Is(incomplete, harness.ErrIncomplete) {
		return failed(incomplete)
	}
	r.tellResults(results)
	if peaks != nil {
		if err := peaks.CheckRoof(ctx, results); err != nil {
			r.fail("%v", err)
		}
	}
	config := provenance(r.seed, peaks)
	if r.measure.least {
		config = append(config, harness.Note("sample", "the least of its runs"))
	}
	if r.measure.part.count > 0 {
		config = append(config, harness.Note("shard", r.measure.part.String()))
	}
	if r.flags != "" {
		config = append(config, harness.Note("flags", r.flags))
	}
	if incomplete != nil {
		config = append(config, harness.Note("incomplete", incomplete.Error()))
	}
	records := harness.Records(results, peaks, config)
	if err := r.write(records); err != nil {
		return failed(err)
	}
	switch {
	case incomplete != nil:
		return failed(fmt.Errorf("interrupted: %w", incomplete))
	case len(records) == 0 && len(r.failures) == 0:
		return &exitError{exitNothing, errors.New("nothing was measured: every case was skipped")}
	}
	return r.err()
}

// peaks measures the machine's limits, unless they were not asked for.
func (r *runner) peaks(ctx context.Context) *harness.Peaks {
	if r.measure.only {
		return nil
	}
	peaks := harness.MeasurePeaks(ctx, r.options.Threads)
	addDevices(&peaks, r.kernels)
	return &peaks
}

func (r *runner) measureCases(ctx context.Context, peaks *harness.Peaks) ([]harness.Result, error) {
	sweep := r.sweep
	sweep.Inputs = r.inputs[:1]
	cases, err := sweep.Cases()
	if err != nil {
		return nil, err
	}
	cases = r.measure.part.pick(cases)
	bar := newProgress(r.w, fmt.Sprintf("preparing %s on %s, on input %s", reports.Count(len(r.kernels), "kernel"), reports.Count(len(cases), "case"), r.inputs[0].Name()),
		len(r.kernels)*len(cases)*(r.measure.count+1))
	defer bar.done()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	rounds := rounds{count: r.measure.count, limit: r.measure.limit, start: time.Now()}
	m := harness.Measurement{
		Kernels: r.kernels, Cases: cases, Options: r.options,
		Least: r.measure.least, Count: r.measure.count, BenchTime: r.measure.benchTime, Seed: r.seed, Peaks: peaks,
		Patience: r.measure.limit / 5, // a case takes four runs to prepare, and one for a sample
		Progress: func(done, total int, next string) {
			if strings.HasPrefix(next, "verify ") {
				bar.at(done)
				return
			}
			if rounds.begin(done, total, time.Now()) {
				bar.stage(fmt.Sprintf("taking %s of each", reports.Count(r.measure.count, "sample")))
			}
			bar.at(done)
			switch {
			case rounds.over(done, time.Now()):
				cancel(errLimit)
			case !r.pacer.wait():
				cancel(errors.New("no more turns on standard input"))
			}
		},
	}
	return m.Run(ctx)
}

// tellResults says which kernels failed, and which were skipped and why.
func (r *runner) tellResults(results []harness.Result) {
	var told []string
	for i := range results {
		res := &results[i]
		if err := res.Failed(); err != nil {
			r.fail("%s: %v", res.Name(), err)
		}
		if res.Skipped == nil {
			continue
		}
		if line := fmt.Sprintf("skipped %s: %v", res.Kernel, res.Skipped); !slices.Contains(told, line) {
			told = append(told, line)
			fmt.Fprintln(r.w, line)
		}
	}
}

// write prints the tables for a person, then the records.
func (r *runner) write(records []*benchfmt.Result) error {
	if len(records) == 0 {
		return nil
	}
	if err := r.writeTables(r.w, records); err != nil {
		return err
	}
	if err := harness.Write(r.out, r.format, records); err != nil {
		return err
	}
	return r.out.commit()
}

func (r *runner) writeTables(w io.Writer, records []*benchfmt.Result) error {
	set := &reports.Set{}
	for _, rec := range records {
		if err := set.Add(rec); err != nil {
			return err
		}
	}
	fmt.Fprintln(w)
	if err := reports.WriteSummary(w, set); err != nil {
		return err
	}
	fmt.Fprintln(w)
	return reports.WriteScaling(w, set, r.seed)
}
