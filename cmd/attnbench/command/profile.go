package command

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/attnbench/attnbench/harness"
	"github.com/attnbench/attnbench/reports"
)

// The lengths and masks of a profile by default: one case.
const (
	profileLengths = "2048"
	profileMask    = "causal"
)

func newProfile() *cobra.Command {
	var f sweepFlags
	long, top, path := 3*time.Second, 10, ""
	cmd := &cobra.Command{
		Use:   "profile",
		Short: "Show in which functions a kernel spends its time",
		Long: `profile runs each kernel on each case for some seconds under the CPU profiler,
verified before and after, and shows which functions the time goes to: self is
the share of processor time in the function itself, with callees includes what
it calls, CPU/op is the processor time of self in one run of the kernel.

The stacks go to a file for go tool pprof, with labels kernel, isa and case, which
is the name that records have.`,
		Example: "  attnbench profile --kernel flash --mask full --dim 128 --n 512,4096 -o cpu.pprof\n" +
			"  go tool pprof -tagfocus 'case=.*kvlen=4096' -top cpu.pprof",
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if long <= 0 {
				return usagef("--time %v: must be above 0", long)
			}
			if top < 1 {
				return usagef("--top %d: must be at least 1", top)
			}
			f.firstInput = true
			j, err := f.job(cmd)
			if err != nil {
				return err
			}
			p := &profiler{job: j, checks: newChecks(cmd.ErrOrStderr()), long: long, top: top, tables: cmd.OutOrStdout()}
			if path != "" {
				if p.out, err = openOutput(path, cmd.OutOrStdout()); err != nil {
					return usage(err)
				}
				defer p.out.discard()
			}
			if path == "-" {
				p.tables = cmd.ErrOrStderr()
			}
			return p.run(cmd.Context())
		},
	}
	flags := cmd.Flags()
	f.register(flags)
	f.lengths, f.ownLengths, f.masks = profileLengths, true, []string{profileMask}
	flags.Lookup("n").DefValue, flags.Lookup("mask").DefValue = profileLengths, "["+profileMask+"]"
	flags.Lookup("inputs").Usage, flags.Lookup("inputs").DefValue = "`inputs`, of which the first counts", "[normal]"
	flags.DurationVar(&long, "time", long, "about how `long` to run each kernel on each case")
	flags.IntVar(&top, "top", top, "`functions` to show of each")
	flags.StringVarP(&path, "output", "o", "", "`file` for the stacks, for go tool pprof (default none)")
	return cmd
}

// A profiler takes a job through its cases.
type profiler struct {
	*job
	*checks
	long   time.Duration
	top    int
	tables io.Writer
	out    *output // nil where the stacks are not wanted
}

func (p *profiler) run(ctx context.Context) error {
	p.writeRemarks(p.w)
	sweep := p.sweep
	sweep.Inputs = p.inputs[:1]
	cases, err := sweep.Cases()
	if err != nil {
		return failed(err)
	}
	var all []harness.Profile
	bar := newProgress(p.w, fmt.Sprintf("profiling %s on %s", reports.Count(len(p.kernels), "kernel"), reports.Count(len(cases), "case")), len(cases)*len(p.kernels))
	defer bar.done()
	for i, c := range cases {
		profiles, err := p.profileCase(ctx, c, func(kernels int) { bar.at(i*len(p.kernels) + kernels) })
		if err != nil {
			return failed(err)
		}
		all = append(all, profiles...)
		if err := writeTables(p.tables, p.table(c, profiles)); err != nil {
			return failed(err)
		}
	}
	if err := p.write(all); err != nil {
		return err
	}
	return p.err()
}

// profileCase profiles each kernel on a case.
func (p *profiler) profileCase(ctx context.Context, c harness.Case, done func(kernels int)) (profiles []harness.Profile, err error) {
	for i, k := range p.kernels {
		if ctx.Err() != nil {
			return nil, errInterrupted
		}
		x, err := harness.ProfileKernel(ctx, k, c, p.options, p.long, harness.Sampling{Seed: p.seed})
		if err != nil {
			return nil, err
		}
		if err := x.Failed(); err != nil {
			p.fail("%s: %v", x.Name(), err)
		}
		profiles = append(profiles, x)
		done(i + 1)
	}
	if ctx.Err() != nil {
		return nil, errInterrupted
	}
	return profiles, nil
}

// table shows the busiest functions of each kernel.
func (p *profiler) table(c harness.Case, profiles []harness.Profile) *reports.Table {
	pr := c.Problem
	table := &reports.Table{
		Title: fmt.Sprintf("Profile: %s batch=%d heads=%d kvheads=%d qlen=%d kvlen=%d dim=%d threads=%d", harness.Describe(pr),
			pr.Batch, pr.Heads, pr.KVHeads, pr.QLen, pr.KVLen, pr.HeadDim, profiles[0].Threads),
		Header: []string{"kernel", "isa", "function", "self", "with callees", "CPU/op"},
		Left:   3,
	}
	for i := range profiles {
		x := &profiles[i]
		switch {
		case x.Skipped != nil:
			table.Note("%s: skipped: %v", x.Kernel, x.Skipped)
			continue
		case x.Functions == nil:
			table.Note("%s: unavailable: no sample was taken; a longer --time gives some", x.Kernel)
			continue
		}
		rest := x.Busy
		for _, f := range x.Functions[:min(p.top, len(x.Functions))] {
			if f.Self > 0 {
				table.Rows = append(table.Rows, []string{x.Kernel, x.ISA, f.Name,
					percent(share(f.Self, x.Busy)), percent(share(f.With, x.Busy)), perRun(f.Self, x.Runs)})
				rest -= f.Self
			}
		}
		if rest > 0 {
			table.Rows = append(table.Rows, []string{x.Kernel, x.ISA, "others", percent(share(rest, x.Busy)), "", perRun(rest, x.Runs)})
		}
		table.Note("%s: %d runs of %s; %s of %d threads' time on a processor", x.Kernel, x.Runs,
			perRun(x.Elapsed, x.Runs), percent(share(x.Busy, x.Elapsed*time.Duration(x.Threads))), x.Threads)
	}
	return table
}

func share(part, whole time.Duration) float64 { return float64(part) / float64(whole) }

func perRun(d time.Duration, runs int) string {
	return reports.Quantity(d.Seconds()/float64(runs), harness.UnitTime)
}

// write writes the stacks where they are wanted.
func (p *profiler) write(all []harness.Profile) error {
	skipped := func(x harness.Profile) bool { return x.Skipped != nil }
	if len(p.failures) == 0 && !slices.ContainsFunc(all, func(x harness.Profile) bool { return !skipped(x) }) {
		return &exitError{exitNothing, errors.New("nothing was profiled: every case was skipped")}
	}
	if len(p.failures) == 0 && !slices.ContainsFunc(all, func(x harness.Profile) bool { return x.Functions != nil }) {
		return &exitError{exitNothing, fmt.Errorf("nothing was profiled: no sample was taken in --time %v, want longer", p.long)}
	}
	if p.out == nil || !slices.ContainsFunc(all, func(x harness.Profile) bool { return x.Stacks != nil }) {
		return nil
	}
	stacks, err := harness.MergeProfiles(all)
	if err == nil {
		err = stacks.Write(p.out)
	}
	if err == nil {
		err = p.out.commit()
	}
	return failed(err)
}
