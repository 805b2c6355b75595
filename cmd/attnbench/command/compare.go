package command

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/attnbench/attnbench/reports/compare"
)

// compareFlags state what compare holds against what, and how it judges.
type compareFlags struct {
	opts   compare.Options
	judge  bool
	gate   gateFlags
	seed   uint64
	noise  []string
	report formFlags
}

// gateFlags state what a gate lets pass, be it that of compare or of ab.
type gateFlags struct {
	minEffect string
	budget    string
	strict    bool
}

func newCompare() *cobra.Command {
	var f compareFlags
	cmd := &cobra.Command{
		Use:   "compare BASE HEAD…",
		Short: "Compare benchmark records, and fail on what got slower",
		Long: `compare reads files in the Go benchmark format, those of attnbench run and of any
go test -bench, and holds each against the first: medians, intervals, change, p.
Filters and projections are benchstat's; LABEL=FILE names a column, - is standard
input. Medians, intervals and p-values equal those of benchstat.

With --gate each benchmark gets a verdict, and the command fails when one is
slower: when its change is significant (Mann-Whitney, corrected for the number of
benchmarks after Benjamini and Hochberg), and larger than --min-effect or its
--budget, and larger than the noise floor, which is what --noise files of the same
code differ by. It fails too when a benchmark of BASE is missing.`,
		Example: "  attnbench compare before.txt after.txt\n" +
			"  attnbench compare --gate --noise before-again.txt before.txt after.txt\n" +
			"  attnbench compare --gate --budget 'sec/op:3%,workspace-B:0%,allocs/op:0' before.txt after.txt\n" +
			"  attnbench compare --row /kvlen --col /kernel --filter '.unit:sec/op' run.txt",
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return usagef("compare: no file: want BASE HEAD…; see attnbench compare --help")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			return f.run(cmd, args)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&f.opts.Filter, "filter", "*", "take only what matches the `query`")
	flags.StringVar(&f.opts.Table, "table", ".config", "a table for each value of the `projection`")
	flags.StringVar(&f.opts.Row, "row", ".fullname", "a row for each value of the `projection`")
	flags.StringVar(&f.opts.Col, "col", ".file", "a column for each value of the `projection`; the first is the base")
	flags.StringVar(&f.opts.Ignore, "ignore", "", "`keys` that may vary")
	flags.Float64Var(&f.opts.Alpha, "alpha", 0.05, "`level` of the tests, α")
	flags.Float64Var(&f.opts.Confidence, "confidence", 0.95, "`level` of the intervals")
	flags.StringSliceVar(&f.noise, "noise", nil, "`files` measured with the code of BASE, for the noise floor")
	flags.BoolVar(&f.judge, "gate", false, "judge, and fail on what got slower")
	flags.Uint64Var(&f.seed, "seed", 1, "`seed` of resampling")
	f.gate.register(flags, "2%", "sec/op:3%,workspace-B:0%,allocs/op:0,exponent:0.05")
	f.report.register(flags)
	return cmd
}

// register takes the default of the least effect, and an example of a budget.
func (f *gateFlags) register(flags *pflag.FlagSet, least, budget string) {
	flags.StringVar(&f.minEffect, "min-effect", least, "`share` of sec/op below which a slowdown is let pass")
	flags.StringVar(&f.budget, "budget", "", "`units` to judge in place of sec/op, and how much worse each may get, such as "+budget)
	flags.BoolVar(&f.strict, "strict", false, "fail on what is ambiguous too")
}

// policy reads the flags. Its error names the flag.
func (f *gateFlags) policy(flags *pflag.FlagSet) (compare.Policy, error) {
	p := compare.Policy{Strict: f.strict}
	if flags.Changed("min-effect") && f.budget != "" {
		return p, fmt.Errorf("--min-effect %s beside --budget %s: budgets take its place; want sec/op:%s among them", f.minEffect, f.budget, f.minEffect)
	}
	effect, err := compare.ParseBudgets("sec/op:" + f.minEffect)
	if err != nil || len(effect) != 1 || !effect[0].Relative {
		return p, fmt.Errorf("--min-effect %q: want a percentage of at least 0, such as %s", f.minEffect, flags.Lookup("min-effect").DefValue)
	}
	p.MinEffect = effect[0].Limit
	if f.budget != "" {
		if p.Budgets, err = compare.ParseBudgets(f.budget); err != nil {
			return p, fmt.Errorf("--%w", err)
		}
	}
	return p, nil
}

// check refuses flags that would be ignored.
func (f *compareFlags) check(flags *pflag.FlagSet) error {
	for _, name := range []string{"min-effect", "budget", "strict", "noise"} {
		if flags.Changed(name) && !f.judge {
			return fmt.Errorf("--%s without --gate: want both, or neither", name)
		}
	}
	if f.opts.Alpha == 0 || f.opts.Confidence == 0 { // which stand for the defaults in compare.Options
		return errors.New("--alpha and --confidence must be above 0 and below 1")
	}
	if len(f.noise) > 0 && f.opts.Col != ".file" {
		return fmt.Errorf("--noise beside --col %q: its files are of the base, so columns must be files", f.opts.Col)
	}
	return nil
}

func (f *compareFlags) run(cmd *cobra.Command, args []string) error {
	if err := f.check(cmd.Flags()); err != nil {
		return usage(err)
	}
	policy, err := f.gate.policy(cmd.Flags())
	if err != nil {
		return usage(err)
	}
	policy.Seed = f.seed
	out, err := f.report.open(cmd.OutOrStdout())
	if err != nil {
		return usage(err)
	}
	defer out.discard()
	report, err := readReport(f.opts, args, cmd.InOrStdin())
	if err != nil {
		return recordsError(err)
	}
	if f.judge {
		if policy.Noise, err = f.readNoise(args[0]); err != nil {
			return recordsError(err)
		}
		if err := report.Judge(policy); err != nil {
			return recordsError(err)
		}
	}
	return out.write(report)
}

// readNoise compares the base with its own other runs.
func (f *compareFlags) readNoise(base string) (*compare.Noise, error) {
	if len(f.noise) == 0 {
		return nil, nil
	}
	report, err := readReport(f.opts, append([]string{base}, f.noise...), nil)
	if err != nil {
		return nil, err
	}
	return compare.NewNoise(report)
}

func readReport(opts compare.Options, paths []string, stdin io.Reader) (*compare.Report, error) {
	b, err := compare.New(opts)
	if err != nil {
		return nil, fmt.Errorf("--%w", err)
	}
	if n := slices.Index(paths, "-"); n >= 0 && (stdin == nil || slices.Contains(paths[n+1:], "-")) {
		return nil, errors.New(`file "-": standard input can be read once, as a file to compare`)
	}
	if err := b.ReadFiles(paths, stdin); err != nil {
		return nil, err
	}
	return b.Report()
}

// recordsError gives an error its exit code: files that hold nothing are not
// the same as files that can't be read.
func recordsError(err error) error {
	var path *fs.PathError
	switch {
	case errors.Is(err, compare.ErrNothing):
		return &exitError{exitNothing, err}
	case errors.As(err, &path):
		return usagef("file %q: %w", path.Path, path.Err)
	}
	return usage(err)
}
