package main

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/attnbench/attnbench/reports/compare"
	"github.com/attnbench/attnbench/reports/paired"
)

// abFlags state how ab measures and judges.
type abFlags struct {
	minEffect, pkg, tags, records string
	report                        formFlags
	alpha                         float64
	rounds                        int
	limit                         time.Duration
	seed                          uint64
	strict                        bool
}

// abDefaults are the arguments of both programs where none are given: many short
// samples, of which the low ones count, and no work but the timing.
var abDefaults = []string{"run", "--timing-only", "--paced", "--least", "--count", "50", "--benchtime", "3ms", "--n", "128,512"}

func newAB() *cobra.Command {
	var f abFlags
	cmd := &cobra.Command{
		Use:   "ab BASE HEAD [-- ARGS…]",
		Short: "Measure two programs or revisions side by side, and fail if one is slower",
		Long: `ab runs two programs in turns and tells whether the second is slower. BASE and
HEAD are each a program, a folder that is built as it is, or a git revision that
is built in a worktree of its own.

In each round three fresh processes run: BASE, BASE once more, and HEAD; their
samples take turns in random order, so that what slows the machine slows all
three. How far BASE is from itself is the noise floor. Rounds end when every row
is decided. A row that came out slower is measured again from the start and is
called slower only if it comes out so twice. The change is that of the paired
ratios, with a bootstrap-t interval; significance is Wilcoxon's signed ranks.

ARGS that begin with - are added to the default ones, which are
` + strings.Join(abDefaults, " ") + `;
other ARGS replace them. Any program will do that writes the Go benchmark format,
such as a test binary with -test.bench.`,
		Example: "  attnbench ab main .\n" +
			"  attnbench ab v1.2 HEAD -- --kernel flash --n 512,2048 --threads 1\n" +
			"  attnbench ab ./old.test ./new.test -- -test.run='^$' -test.bench=. -test.count=5",
		Args: func(cmd *cobra.Command, args []string) error {
			if n := operands(cmd, args); n != 2 {
				return usagef("ab: %d of BASE and HEAD: want both; see attnbench ab --help", n)
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			return f.run(cmd, args)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&f.minEffect, "min-effect", "1%", "`share` of the time below which a slowdown is let pass")
	flags.Float64Var(&f.alpha, "alpha", 0.05, "level `α`, for all rows and looks together")
	flags.IntVar(&f.rounds, "rounds", 40, "`rounds` after which to stop even if a row is not decided; twice where a slowdown is confirmed")
	flags.DurationVar(&f.limit, "limit", 15*time.Minute, "about how `long` to measure; later rounds are not run; twice where a slowdown is confirmed")
	flags.StringVar(&f.pkg, "package", "./cmd/attnbench", "`package` to build of a folder or revision")
	flags.StringVar(&f.tags, "tags", "", "build `tags`")
	flags.StringVar(&f.records, "records", "", "`folder` for the records: base.txt, again.txt, head.txt")
	flags.Uint64Var(&f.seed, "seed", 1, "`seed` of the order and of resampling")
	flags.BoolVar(&f.strict, "strict", false, "fail on what is ambiguous too")
	f.report.register(flags)
	return cmd
}

// operands counts the arguments before "--".
func operands(cmd *cobra.Command, args []string) int {
	if n := cmd.ArgsLenAtDash(); n >= 0 {
		return n
	}
	return len(args)
}

// check reads what the flags say.
func (f *abFlags) check() (minEffect float64, err error) {
	effect, err := compare.ParseBudgets("sec/op:" + f.minEffect)
	switch {
	case err != nil || len(effect) != 1 || !effect[0].Relative:
		return 0, fmt.Errorf("--min-effect %q: want a percentage of at least 0, such as 1%%", f.minEffect)
	case !(f.alpha > 0 && f.alpha < 1):
		return 0, fmt.Errorf("--alpha %v: must be above 0 and below 1", f.alpha)
	case f.rounds < paired.MinRounds || f.rounds > 10000:
		return 0, fmt.Errorf("--rounds %d: must be in %d..10000", f.rounds, paired.MinRounds)
	case f.limit <= 0:
		return 0, fmt.Errorf("--limit %v: must be above 0", f.limit)
	}
	return effect[0].Limit, nil
}

func (f *abFlags) run(cmd *cobra.Command, args []string) error {
	minEffect, err := f.check()
	if err != nil {
		return usage(err)
	}
	out, err := f.report.open(cmd.OutOrStdout())
	if err != nil {
		return usage(err)
	}
	defer out.discard()
	temp, err := os.MkdirTemp("", "attnbench-ab-*")
	if err != nil {
		return failed(err)
	}
	defer os.RemoveAll(temp)
	x := &sideBySide{args: abArgs(args[2:]), rng: rand.New(rand.NewPCG(f.seed, 0xab))}
	b := builder{temp: temp, pkg: f.pkg, tags: f.tags, w: cmd.ErrOrStderr()}
	for i, operand := range args[:2] {
		if x.programs[i], err = b.program(cmd.Context(), operand, [...]string{"base", "head"}[i]); err != nil {
			return err
		}
	}
	opts := paired.Options{MinEffect: minEffect, Alpha: f.alpha, Confidence: 0.95, Seed: f.seed}
	result, err := f.experiment(cmd.Context(), x, opts, cmd.ErrOrStderr()).Run()
	if err != nil {
		return err
	}
	if err := x.writeRecords(f.records); err != nil {
		return failed(err)
	}
	report := compare.FromPaired(result.Rows, opts, args[0], args[1], f.strict)
	report.Notes = append(report.Notes, result.Notes...)
	return out.write(report)
}

func abArgs(given []string) []string {
	if len(given) > 0 && !strings.HasPrefix(given[0], "-") {
		return given
	}
	if slices.ContainsFunc(given, func(s string) bool { return strings.HasPrefix(s, "-test.") }) {
		return given
	}
	return slices.Concat(abDefaults, given)
}

// experiment tells stderr how far it has come.
func (f *abFlags) experiment(ctx context.Context, x *sideBySide, opts paired.Options, w io.Writer) *paired.Experiment {
	return &paired.Experiment{
		Options: opts, Rounds: f.rounds, Limit: f.limit,
		Next: func() (paired.Round, error) { return x.round(ctx) },
		Look: func(confirming bool, n int, rows []*paired.Row) {
			stage := "round"
			if confirming {
				stage = "confirming, round"
			}
			fmt.Fprintf(w, "%s %d: %s\n", stage, n, progressOf(rows))
		},
	}
}

// A sideBySide is two programs under comparison.
type sideBySide struct {
	programs [2]string // base, head
	args     []string
	rng      *rand.Rand
	text     [3]strings.Builder // the records of base, again and head
}

func progressOf(rows []*paired.Row) string {
	count := map[paired.Decision]int{}
	widest := 0.0
	for _, r := range rows {
		count[r.Decision]++
		widest = max(widest, r.Effect.Hi-r.Effect.Lo)
	}
	var parts []string
	for _, d := range []paired.Decision{paired.Slower, paired.Missing, paired.Ambiguous, paired.Faster, paired.Same} {
		if count[d] > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", count[d], d))
		}
	}
	return fmt.Sprintf("%s of %d rows; the widest interval is %.1f%%", strings.Join(parts, ", "), len(rows), paired.Percent(widest))
}

// writeRecords writes what was measured, for benchstat and whoever doubts.
func (x *sideBySide) writeRecords(dir string) error {
	if dir == "" {
		return nil
	}
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return err
	}
	for i, name := range []string{"base.txt", "again.txt", "head.txt"} {
		out, err := openOutput(filepath.Join(dir, name), nil)
		if err != nil {
			return err
		}
		defer out.discard()
		io.WriteString(out, x.text[i].String())
		if err := out.commit(); err != nil {
			return err
		}
	}
	return nil
}
