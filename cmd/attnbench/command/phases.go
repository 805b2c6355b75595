package command

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"time"

	"github.com/spf13/cobra"

	"github.com/attnbench/attnbench/harness"
	"github.com/attnbench/attnbench/kernels"
	"github.com/attnbench/attnbench/model"
	"github.com/attnbench/attnbench/model/profile"
	"github.com/attnbench/attnbench/reports"
)

// passFlags state which passes of a model to time; phases and budget share
// them.
type passFlags struct {
	text    modelFlags // of which only the text and the model count
	kernels []string
	isas    []string
	lengths string
	threads int
	count   int
	limit   time.Duration
	seed    uint64
}

func (f *passFlags) check(changed func(string) bool) error {
	if changed("kernel") && len(f.kernels) == 0 {
		return errors.New("--kernel is empty: want at least one name; see attnbench list")
	}
	if f.threads < 1 || f.threads > maxThreads {
		return fmt.Errorf("--threads %d: must be in 1..%d", f.threads, maxThreads)
	}
	if f.count < 1 || f.count > 1_000_000 {
		return fmt.Errorf("--count %d: must be in 1..1000000", f.count)
	}
	if f.limit <= 0 {
		return fmt.Errorf("--limit %v: must be above 0", f.limit)
	}
	return nil
}

func newPhases() *cobra.Command {
	var f passFlags
	var out outputFlags
	var all bool
	cmd := &cobra.Command{
		Use:   "phases",
		Short: "Time the transformer's forward pass by its parts",
		Long: `phases times the prefill of the first tokens of the prompt by its parts:
embedding, norms, projections, attention, MLP and head. Each kernel's result is
held against that of ` + reports.Baseline + ` before it is timed. The records have a key phase, and
attnbench report draws attention's share from them.`,
		Example: "  attnbench phases --kernel flash,tiled --n 256..1024x2 -o phases.txt",
		Args:    noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			p, o, err := f.phases(cmd, &out)
			if err != nil {
				return usage(err)
			}
			defer o.discard()
			if p.last = 1; all {
				p.last = 0
			}
			return p.run(cmd.Context(), o, out.format)
		},
	}
	flags := cmd.Flags()
	f.text.subject.register(flags)
	flags.StringSliceVar(&f.text.ids, "ids", nil, "token `ids` to read in place of a prompt")
	flags.StringSliceVar(&f.kernels, "kernel", nil, "`names` of kernels (default all)")
	flags.StringSliceVar(&f.isas, "isa", nil, "instruction `sets` (default the best available)")
	flags.StringVar(&f.lengths, "n", "", "`lengths`: lists, and ranges LO..HIxFACTOR (default the prompt's, its half and its quarter)")
	flags.IntVar(&f.threads, "threads", runtime.GOMAXPROCS(0), "`number` of threads")
	flags.IntVar(&f.count, "count", 10, "`samples` of each kernel and length")
	flags.DurationVar(&f.limit, "limit", defaultLimit, "about how `long` to measure; later samples are not taken")
	flags.Uint64Var(&f.seed, "seed", 1, "`seed` of the order")
	flags.BoolVar(&all, "all-logits", false, "compute the logits of every position, not of the last alone")
	out.register(flags, "standard output")
	return cmd
}

// A phases is what the flags ask for.
type phases struct {
	*checks
	subject *subject
	kernels []kernels.Kernel
	lengths []int
	flags   *passFlags
	last    int
}

// phases resolves the flags.
func (f *passFlags) phases(cmd *cobra.Command, out *outputFlags) (*phases, *output, error) {
	if err := f.check(cmd.Flags().Changed); err != nil {
		return nil, nil, err
	}
	chosen, err := lookupKernels(f.kernels)
	if err != nil {
		return nil, nil, err
	}
	isas, err := lookupISAs(f.isas)
	if err != nil {
		return nil, nil, err
	}
	p := &phases{checks: newChecks(cmd.ErrOrStderr()), flags: f}
	if p.subject, err = f.text.load(cmd.InOrStdin()); err != nil {
		return nil, nil, err
	}
	if p.lengths, err = f.passLengths(len(p.subject.ids)); err != nil {
		return nil, nil, err
	}
	j := &job{problems: []kernels.Problem{model.Problem(p.subject.model, len(p.subject.ids))}}
	p.kernels = j.variants(chosen, isas)
	o, err := out.open(cmd.OutOrStdout())
	return p, o, err
}

// passLengths are those of --n, or parts of the prompt.
func (f *passFlags) passLengths(tokens int) ([]int, error) {
	if f.lengths == "" {
		return partsOf(tokens, 0.25, 0.5, 1), nil
	}
	lengths, err := parseLengths("n", f.lengths)
	if err != nil {
		return nil, err
	}
	if longest := lengths[len(lengths)-1]; longest > tokens {
		return nil, fmt.Errorf("--n %d: the prompt has %d tokens", longest, tokens)
	}
	return lengths, nil
}

func (p *phases) run(ctx context.Context, o *output, format string) error {
	if p.subject.remark != "" {
		fmt.Fprintf(p.w, "note: %s\n", p.subject.remark)
	}
	peaks := harness.MeasurePeaks(ctx, p.flags.threads)
	profiles, err := p.measure(ctx)
	switch {
	case ctx.Err() != nil:
		return failed(errInterrupted)
	case err != nil:
		return failed(err)
	}
	if err := p.write(o, format, profiles, &peaks); err != nil {
		return failed(err)
	}
	if err := p.err(); err != nil {
		return err
	}
	for i := range profiles {
		if len(profiles[i].Samples) > 0 {
			return nil
		}
	}
	return &exitError{exitNothing, errors.New("nothing was measured: every case was skipped")}
}

// measure times each kernel on each length, after a check of its result.
func (p *phases) measure(ctx context.Context) ([]profile.Profile, error) {
	cases, baseline := p.cases()
	bar := newProgress(p.w, fmt.Sprintf("timing %s on %s of the %s model", reports.Count(len(p.kernels), "kernel"), reports.Count(len(p.lengths), "length"), p.subject.name),
		len(cases)*(1+p.flags.count))
	defer bar.done()
	return profile.Measure(ctx, p.subject.model, cases, profile.Options{
		Threads: p.flags.threads, Rounds: p.flags.count, Seed: p.flags.seed,
		Check: func(c *profile.Profile) error {
			return p.hold(ctx, c, baseline)
		},
		Progress: func(done, _ int) { bar.at(done) },
		More:     limited(p.flags.limit, p.flags.count, p.w),
	})
}

// limited stops between rounds when another would take longer than there is
// time.
func limited(limit time.Duration, count int, w io.Writer) func(round int) bool {
	start := time.Now()
	return func(round int) bool {
		spent := time.Since(start)
		if spent+spent/time.Duration(round) <= limit || round == count {
			return true
		}
		fmt.Fprintf(w, "note: %d of %d samples: %v\n", round, count, errLimit)
		return false
	}
}
