package command

import (
	"context"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"golang.org/x/perf/benchfmt"

	"github.com/attnbench/attnbench/reports/compare"
	"github.com/attnbench/attnbench/reports/paired"
)

// abFlags state how ab measures and judges.
type abFlags struct {
	pkg, tags, records string
	gate               gateFlags
	report             formFlags
	alpha              float64
	rounds             int
	limit              time.Duration
	seed               uint64
}

// abDefaults are the arguments of both programs where none are given: many short
// samples, of which the low ones count, and no work but the timing.
var abDefaults = []string{"run", "--timing-only", "--paced", "--least", "--count", "50", "--benchtime", "3ms", "--n", "128,512"}

func newAB() *cobra.Command {
	var f abFlags
	cmd := &cobra.Command{
		Use:                   "ab BASE HEAD [flags] [-- ARGS…]",
		DisableFlagsInUseLine: true,
		Short:                 "Measure two programs or revisions side by side, and fail if one is slower",
		Long: `ab runs two programs in turns and tells whether the second is slower. BASE and
HEAD are each a program, a folder that is built as it is, or a git revision that
is built in a worktree of its own.

In each round three fresh processes run: BASE, BASE once more, and HEAD; their
samples take turns in random order, so that what slows the machine slows all
three. How far BASE is from itself is the noise floor. Rounds end when every row
is decided. A row that came out slower is measured again from the start and is
called slower only if it comes out so twice. The change is that of the paired
ratios, with a bootstrap-t interval; significance is Wilcoxon's signed ranks.
--budget judges other units beside the time or instead of it; counts that do not
vary within a program are compared as they are. The growth with n needs
compare --gate.

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
	f.gate.register(flags, "1%", "sec/op:3%,workspace-B:0%,allocs/op:0")
	flags.Float64Var(&f.alpha, "alpha", 0.05, "`level` of the tests, α, over all rows and looks")
	flags.IntVar(&f.rounds, "rounds", 40, "`rounds` at most of an experiment; a slowdown takes a second one to confirm it")
	flags.DurationVar(&f.limit, "limit", 15*time.Minute, "about how `long` an experiment may take; later rounds are not run")
	flags.StringVar(&f.pkg, "package", "./cmd/attnbench", "`package` to build of a folder or revision")
	flags.StringVar(&f.tags, "tags", "", "build `tags`")
	flags.StringVar(&f.records, "records", "", "`folder` for the records: base.txt, again.txt, head.txt")
	flags.Uint64Var(&f.seed, "seed", 1, "`seed` of the order and of resampling")
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
func (f *abFlags) check(flags *pflag.FlagSet) (compare.Policy, error) {
	policy, err := f.gate.policy(flags)
	switch {
	case err != nil:
		return policy, err
	case !(f.alpha > 0 && f.alpha < 1):
		return policy, fmt.Errorf("--alpha %v: must be above 0 and below 1", f.alpha)
	case f.rounds < paired.MinRounds || f.rounds > 10000:
		return policy, fmt.Errorf("--rounds %d: must be in %d..10000", f.rounds, paired.MinRounds)
	case slices.Contains(policy.Units(), compare.Exponent):
		return policy, fmt.Errorf("--budget %s: ab judges no growth; want compare --gate of the files that --records keeps", f.gate.budget)
	case f.limit <= 0:
		return policy, fmt.Errorf("--limit %v: must be above 0", f.limit)
	}
	return policy, nil
}

func (f *abFlags) run(cmd *cobra.Command, args []string) error {
	policy, err := f.check(cmd.Flags())
	if err != nil {
		return usage(err)
	}
	out, err := f.report.open(cmd.OutOrStdout())
	if err != nil {
		return usage(err)
	}
	defer out.discard()
	records, err := openRecords(f.records)
	if err != nil {
		return usage(err)
	}
	defer records.discard()
	temp, err := os.MkdirTemp("", "attnbench-ab-*")
	if err != nil {
		return failed(err)
	}
	defer os.RemoveAll(temp)
	x := &sideBySide{args: abArgs(args[2:]), units: policy.Units(), seen: map[string]bool{}, rng: rand.New(rand.NewPCG(f.seed, 0xab))}
	b := builder{temp: temp, pkg: f.pkg, tags: f.tags, w: cmd.ErrOrStderr()}
	for i, operand := range args[:2] {
		if x.programs[i], err = b.program(cmd.Context(), operand, [...]string{"base", "head"}[i]); err != nil {
			return err
		}
	}
	experiment, err := f.experiment(cmd.Context(), x, policy, cmd.ErrOrStderr())
	if err != nil {
		return err
	}
	result, err := experiment.Run()
	if err != nil {
		return err
	}
	if err := records.write(&x.text); err != nil {
		return failed(err)
	}
	report := compare.FromPaired(result.Rows, policy, experiment.Options, args[0], args[1])
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

// experiment measures the first round, which shows what there is to judge. The
// experiment tells stderr how far it has come.
func (f *abFlags) experiment(ctx context.Context, x *sideBySide, policy compare.Policy, w io.Writer) (*paired.Experiment, error) {
	first, err := x.round(ctx)
	if err != nil {
		return nil, err
	}
	if err := x.judgeable(first); err != nil {
		return nil, err
	}
	metrics, err := policy.Metrics(x.reader.Units())
	if err != nil {
		return nil, usage(err)
	}
	rounds := 0
	return &paired.Experiment{
		Options: paired.Options{Metrics: metrics, Alpha: f.alpha, Confidence: 0.95, Seed: f.seed},
		Rounds:  f.rounds, Limit: f.limit,
		Next: func() (paired.Round, error) {
			if rounds++; rounds == 1 {
				return first, nil
			}
			return x.round(ctx)
		},
		Look: func(confirming bool, n int, rows []*paired.Row) {
			stage := "round"
			if confirming {
				stage = "confirming, round"
			}
			fmt.Fprintf(w, "%s %d: %s\n", stage, n, progressOf(rows))
		},
	}, nil
}

// A sideBySide is two programs under comparison.
type sideBySide struct {
	programs [2]string // base, head
	args     []string
	units    []string // that are judged
	rng      *rand.Rand
	reader   benchfmt.Reader    // knows the units' directions once it has read
	seen     map[string]bool    // units of any record
	text     [3]strings.Builder // the records of base, again and head
}

// progressOf counts the verdicts, and tells how sharp the ratios are by now.
func progressOf(rows []*paired.Row) string {
	count := map[compare.Verdict]int{}
	widest := 0.0
	for _, r := range rows {
		count[compare.VerdictOf(r)]++
		if r.Ratio && r.Decision != paired.Missing {
			widest = max(widest, r.Effect.Hi-r.Effect.Lo)
		}
	}
	text := fmt.Sprintf("%s of %d rows", compare.Tally(count), len(rows))
	if widest > 0 {
		text += fmt.Sprintf("; the widest interval is %.1f%%", 100*math.Expm1(widest))
	}
	return text
}

// recordFiles take what was measured, for benchstat and whoever doubts: the
// records of base, again and head.
type recordFiles []*output

// openRecords checks early that they can be written; there are none without a
// folder.
func openRecords(dir string) (files recordFiles, err error) {
	if dir == "" {
		return nil, nil
	}
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return nil, fmt.Errorf("--records %q: %w", dir, cause(err))
	}
	for _, name := range []string{"base.txt", "again.txt", "head.txt"} {
		out, err := openOutput(filepath.Join(dir, name), nil)
		if err != nil {
			files.discard()
			return nil, err
		}
		files = append(files, out)
	}
	return files, nil
}

func (r recordFiles) write(text *[3]strings.Builder) error {
	for i, out := range r {
		io.WriteString(out, text[i].String())
		if err := out.commit(); err != nil {
			return err
		}
	}
	return nil
}

func (r recordFiles) discard() {
	for _, out := range r {
		out.discard()
	}
}
