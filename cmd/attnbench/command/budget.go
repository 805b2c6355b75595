package command

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/attnbench/attnbench/harness"
	"github.com/attnbench/attnbench/kernels"
	"github.com/attnbench/attnbench/model"
	"github.com/attnbench/attnbench/model/budget"
	"github.com/attnbench/attnbench/model/profile"
	"github.com/attnbench/attnbench/reports"
)

// budgetFlags state whose budget it is.
type budgetFlags struct {
	passFlags
	segments []string
	tokens   int
	predict  string
	check    int
	perHead  bool
	fastest  bool
	html     string
	out      outputFlags
}

func newBudget() *cobra.Command {
	var f budgetFlags
	cmd := &cobra.Command{
		Use:   "budget",
		Short: "Show what each part of a prompt costs, and where the attention goes",
		Long: `budget times the prefill of a prompt and of what is left without each of its
segments; fits how attention and everything else grow with the length, which says
where attention begins to cost more and what longer prompts would take; and shows
the share of attention that flows to each segment, layer by layer and head by
head. A segment is a file whose text is in the prompt once; without --prompt the
segments make the prompt, in the order given, and without any the prompt is cut
into quarters.`,
		Example: "  attnbench budget --prompt chat.txt --segment system=system.txt --segment document=report.txt\n" +
			"  attnbench budget --prompt book.txt --tokens 2048 --check 2048 --html budget.html",
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return f.run(cmd) },
	}
	flags := cmd.Flags()
	f.text.subject.register(flags)
	flags.StringArrayVar(&f.segments, "segment", nil, "a part of the prompt, the text of a file, as `NAME=FILE`; may be repeated")
	flags.IntVar(&f.tokens, "tokens", 0, "`number` of tokens of the prompt to read (default all, which must fit)")
	flags.StringSliceVar(&f.kernels, "kernel", []string{"flash"}, "`name` of the kernel")
	flags.StringVar(&f.lengths, "n", "", "`lengths` to fit the growth to (default eight parts of the prompt)")
	flags.StringVar(&f.predict, "predict", "", "`lengths` to predict (default twice, four and eight times the prompt)")
	flags.IntVar(&f.check, "check", 0, "`length` to predict from half of it and to measure afterwards")
	flags.BoolVar(&f.fastest, "fastest", false, "take the fastest sample for the time of a case, not the median: for a busy machine")
	flags.BoolVar(&f.perHead, "per-head", false, "list every head even where there are more than 64")
	flags.StringVar(&f.html, "html", "", "`file` for a page with the maps of every head")
	flags.IntVar(&f.threads, "threads", runtime.GOMAXPROCS(0), "`number` of threads")
	flags.IntVar(&f.count, "count", 10, "`samples` of each length and segment")
	flags.DurationVar(&f.limit, "limit", defaultLimit, "about how `long` to measure; later samples are not taken")
	flags.Uint64Var(&f.seed, "seed", 1, "`seed` of the order and of the intervals")
	f.out.register(flags, "none")
	return cmd
}

// A budgetRun is what the flags ask for, and what came of it.
type budgetRun struct {
	phases    // subject and kernel; its lengths are those of the fit
	flags     *budgetFlags
	text      *budget.Text
	kernel    kernels.Kernel
	predicted []int
	typical   budget.Typical

	costs     *budget.Costs
	growth    *budget.Growth
	attention *budget.Attention
	checked   *profile.Profile // measured after the fit, nil when not asked for
}

func (f *budgetFlags) run(cmd *cobra.Command) error {
	b, err := f.resolve(cmd)
	if err != nil {
		return usage(err)
	}
	records, err := f.out.open(io.Discard)
	if err != nil {
		return usage(err)
	}
	defer records.discard()
	if f.out.path == "-" {
		records.stdout = cmd.OutOrStdout()
	}
	page, err := openOutput(f.html, io.Discard)
	if err != nil {
		return usage(err)
	}
	defer page.discard()
	switch err := b.measure(cmd.Context()); {
	case cmd.Context().Err() != nil:
		return failed(errInterrupted)
	case err != nil:
		return failed(err)
	}
	return b.write(cmd, records, page)
}

// resolve checks the flags and loads what they name.
func (f *budgetFlags) resolve(cmd *cobra.Command) (*budgetRun, error) {
	if err := f.passFlags.check(cmd.Flags().Changed); err != nil {
		return nil, err
	}
	if err := f.out.checkGiven(cmd.Flags()); err != nil {
		return nil, err
	}
	if len(f.kernels) != 1 {
		return nil, fmt.Errorf("--kernel %s: want one kernel", strings.Join(f.kernels, ","))
	}
	k, err := kernels.Get(f.kernels[0])
	if err != nil {
		return nil, err
	}
	b := &budgetRun{flags: f, typical: budget.Median, phases: phases{checks: newChecks(cmd.ErrOrStderr()), flags: &f.passFlags, last: 1}}
	if f.fastest {
		b.typical = budget.Fastest
	}
	if b.subject, b.text, err = f.load(cmd); err != nil {
		return nil, err
	}
	b.subject.ids = b.text.IDs
	if b.lengths, err = f.fitLengths(len(b.text.IDs)); err != nil {
		return nil, err
	}
	b.predicted, err = f.predictions(len(b.text.IDs))
	b.kernel = pin(k, "", model.Problem(b.subject.model, len(b.text.IDs)))
	return b, err
}

// load reads model and prompt, and cuts the prompt into its segments.
func (f *budgetFlags) load(cmd *cobra.Command) (*subject, *budget.Text, error) {
	parts, err := f.parts()
	if err != nil {
		return nil, nil, err
	}
	s, err := f.text.subject.loadModel()
	if err != nil {
		return nil, nil, err
	}
	if s.tokenizer == nil {
		return nil, nil, fmt.Errorf("model %q: %w", s.name, s.wordless)
	}
	prompt := ""
	if f.text.subject.prompt == "" && len(parts) > 0 {
		for _, p := range parts {
			prompt += p.Text
		}
	} else if prompt, err = f.text.subject.readPrompt(cmd.InOrStdin()); err != nil {
		return nil, nil, err
	}
	text, err := budget.NewText(s.tokenizer, prompt, parts)
	if err != nil {
		return nil, nil, fmt.Errorf("prompt %q: %w", f.text.subject.promptName(), err)
	}
	return s, text, f.cut(s, text)
}

// cut keeps as many tokens as were asked for.
func (f *budgetFlags) cut(s *subject, text *budget.Text) error {
	n, context, name := len(text.IDs), s.model.Shape().Context, f.text.subject.promptName()
	switch {
	case n == 0:
		return fmt.Errorf("prompt %q: is empty, want at least 1 token", name)
	case f.tokens < 0 || f.tokens > min(n, context):
		return fmt.Errorf("--tokens %d: must be in 1..%d, or 0 for all", f.tokens, min(n, context))
	case f.tokens > 0:
		text.Cut(f.tokens)
	case n > context && f.text.subject.prompt == "" && len(f.segments) == 0:
		text.Cut(context)
	case n > context:
		return fmt.Errorf("prompt %q: %d tokens, want at most the model's context of %d, or --tokens to read the first", name, n, context)
	}
	return nil
}

// parts reads the segments' files.
func (f *budgetFlags) parts() ([]budget.Part, error) {
	var parts []budget.Part
	for _, s := range f.segments {
		name, path, ok := strings.Cut(s, "=")
		if !ok || name == "" || path == "" {
			return nil, fmt.Errorf("--segment %q: want NAME=FILE", s)
		}
		text, err := readText(path, maxPrompt)
		if err != nil {
			return nil, fmt.Errorf("--segment %q: %w", s, err)
		}
		parts = append(parts, budget.Part{Name: name, Text: text})
	}
	return parts, nil
}

// fitLengths are those of --n, or parts of the prompt; half of it where the
// other half is to be predicted.
func (f *budgetFlags) fitLengths(tokens int) ([]int, error) {
	if f.check < 0 || f.check > tokens || f.check != 0 && f.check < 2*minBudget {
		return nil, fmt.Errorf("--check %d: must be in %d..%d, the tokens of the prompt", f.check, 2*minBudget, tokens)
	}
	longest := tokens
	if f.check > 0 {
		longest = f.check / 2
	}
	if f.lengths == "" {
		if longest < minBudget {
			return nil, fmt.Errorf("prompt of %s: want at least %d to fit its growth", reports.Count(tokens, "token"), minBudget)
		}
		return partsOf(longest, 1./8, 1./4, 3./8, 1./2, 5./8, 3./4, 7./8, 1), nil
	}
	lengths, err := f.passLengths(longest)
	if err == nil && len(lengths) < 4 {
		err = fmt.Errorf("--n %q: %d lengths, want at least 4 to fit the growth", f.lengths, len(lengths))
	}
	return lengths, err
}

// minBudget is the shortest prompt whose parts are of different lengths.
const minBudget = 16

func (f *budgetFlags) predictions(tokens int) ([]int, error) {
	if f.predict == "" {
		return []int{2 * tokens, 4 * tokens, 8 * tokens}, nil
	}
	return parseLengths("predict", f.predict)
}

// measure takes the samples, fits, looks, and measures what was predicted.
func (b *budgetRun) measure(ctx context.Context) error {
	f := b.flags
	total := budget.Cases(b.text, b.lengths)
	bar := newProgress(b.w, fmt.Sprintf("timing %d lengths and segments of %d tokens", total, len(b.text.IDs)), total*(1+f.count))
	opts := profile.Options{
		Threads: f.threads, Rounds: f.count, Seed: f.seed,
		Check:    b.holdOnce(ctx),
		Progress: func(done, _ int) { bar.at(done) }, More: limited(f.limit, f.count, b.w),
	}
	costs, err := budget.Measure(ctx, b.subject.model, b.text, b.lengths, b.kernel, opts)
	bar.done()
	if err != nil {
		return err
	}
	if err := costs.Whole.Skipped; err != nil {
		return err
	}
	if err := b.err(); err != nil {
		return err
	}
	b.costs = costs
	if b.growth, err = budget.FitGrowth(costs.Lengths, b.typical, f.seed); err != nil {
		return err
	}
	if b.attention, err = budget.Look(ctx, b.subject.model, b.text, b.kernel, f.threads); err != nil {
		return err
	}
	return b.measureCheck(ctx)
}

// holdOnce holds the whole text's result against the baseline's, and no other.
func (b *budgetRun) holdOnce(ctx context.Context) func(*profile.Profile) error {
	return func(p *profile.Profile) error {
		if !slices.Equal(p.Input.IDs, b.text.IDs) {
			return nil
		}
		return b.hold(ctx, p, map[int]*model.Result{})
	}
}

// measureCheck measures the length that was to be predicted.
func (b *budgetRun) measureCheck(ctx context.Context) error {
	n := b.flags.check
	if n == 0 {
		return nil
	}
	bar := newProgress(b.w, fmt.Sprintf("measuring %d tokens, which were predicted", n), 1+b.flags.count)
	defer bar.done()
	profiles, err := profile.Measure(ctx, b.subject.model,
		[]profile.Case{{Kernel: b.kernel, Input: model.Input{IDs: b.text.IDs[:n]}, Last: 1}},
		profile.Options{Threads: b.flags.threads, Rounds: b.flags.count, Seed: b.flags.seed, Progress: func(done, _ int) { bar.at(done) }, More: limited(b.flags.limit, b.flags.count, b.w)})
	if err != nil {
		return err
	}
	b.checked = &profiles[0]
	return nil
}

// write prints the tables, and writes page and records where they were asked
// for.
func (b *budgetRun) write(cmd *cobra.Command, records, page *output) error {
	if err := writeTables(cmd.OutOrStdout(), b.tables()...); err != nil {
		return failed(err)
	}
	if b.flags.html != "" {
		d, err := b.document()
		if err == nil {
			err = errors.Join(d.WriteHTML(page), page.commit())
		}
		if err != nil {
			return failed(err)
		}
	}
	if b.flags.out.path == "" {
		return nil
	}
	config := provenance(b.flags.seed, nil)
	list := b.records(&b.costs.Whole, &harness.Peaks{}, config)
	for i := range b.costs.Lengths {
		if p := &b.costs.Lengths[i]; len(p.Input.IDs) != len(b.text.IDs) {
			list = append(list, b.records(p, &harness.Peaks{}, config)...)
		}
	}
	return failed(errors.Join(harness.Write(records, b.flags.out.format, list), records.commit()))
}
