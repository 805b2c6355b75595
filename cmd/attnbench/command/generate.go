package command

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"golang.org/x/perf/benchfmt"

	"github.com/attnbench/attnbench/harness"
	"github.com/attnbench/attnbench/kernels"
	"github.com/attnbench/attnbench/model"
	"github.com/attnbench/attnbench/reports"
)

// generateFlags state what the model command is to generate.
type generateFlags struct {
	tokens      int
	temperature float64
	seed        uint64
	uncached    bool
	kvDType     string
	out         outputFlags
}

func (f *generateFlags) register(flags *pflag.FlagSet) {
	flags.IntVar(&f.tokens, "generate", 0, "`number` of tokens to generate, each timed")
	flags.Float64Var(&f.temperature, "temperature", 0, "`temperature` to draw tokens with; 0 takes the likeliest")
	flags.Uint64Var(&f.seed, "seed", 1, "`seed` of what is drawn")
	flags.BoolVar(&f.uncached, "no-cache", false, "keep no keys and values; compute all anew for every token")
	flags.StringVar(&f.kvDType, "kv-dtype", "float32", "element `type` of the keys and values that are kept: float32, float16, bfloat16, or int8 with a scale for each 64 keys of a head")
	f.out.register(flags, "none")
}

// check refuses what goes with --generate where there is none, and what does
// not go with it.
func (f *generateFlags) check(flags *pflag.FlagSet) error {
	if !flags.Changed("generate") {
		for _, name := range []string{"temperature", "seed", "no-cache", "kv-dtype", "output", "format"} {
			if flags.Changed(name) {
				return fmt.Errorf("--%s goes with --generate", name)
			}
		}
		return nil
	}
	if f.tokens < 1 {
		return fmt.Errorf("--generate %d: must be at least 1", f.tokens)
	}
	for _, name := range []string{"logits", "compare", "token-types", "attention-mask"} {
		if flags.Changed(name) {
			return fmt.Errorf("--%s beside --generate: want one of them", name)
		}
	}
	if f.uncached && flags.Changed("kv-dtype") {
		return fmt.Errorf("--kv-dtype %s beside --no-cache: want one of them", f.kvDType)
	}
	return f.out.checkGiven(flags)
}

// runGenerate lets the model go on from its prompt. The text appears as it is
// made.
func (f *modelFlags) runGenerate(cmd *cobra.Command) error {
	sampler, err := model.NewSampler(f.generate.temperature, f.generate.seed)
	if err != nil {
		return usagef("--%w", err)
	}
	dtypes, err := parseDTypes("kv-dtype", []string{f.generate.kvDType}, kvDTypeNames)
	if err != nil {
		return usage(err)
	}
	s, ks, err := f.resolve(cmd.InOrStdin())
	if err != nil {
		return usage(err)
	}
	o, err := f.generate.out.open(cmd.OutOrStdout())
	if err != nil {
		return usage(err)
	}
	defer o.discard()
	g := generation{subject: s, kernels: ks, threads: f.threads, kvDType: dtypes[0], out: cmd.OutOrStdout(), spelt: newSpelling(s)}
	if g.threads == 0 {
		g.threads = runtime.GOMAXPROCS(0)
	}
	if f.generate.out.path == "" {
		o.stdout = io.Discard // the text is what this command is asked for
	} else if o.path == "" {
		g.out = cmd.ErrOrStderr()
	}
	if err := g.run(cmd.Context(), model.Generation{Prompt: s.ids, Tokens: f.generate.tokens, Sampler: sampler, Uncached: f.generate.uncached, KVDType: g.kvDType}); err != nil {
		return err
	}
	if err := harness.Write(o, f.generate.out.format, g.records(f.generate.seed)); err != nil {
		return failed(err)
	}
	return failed(o.commit())
}

// A generation is one run of a model that goes on from its prompt.
type generation struct {
	subject *subject
	kernels []kernels.Kernel
	threads int
	kvDType kernels.DType
	out     io.Writer
	spelt   *spelling
	made    *model.Generated
	cached  bool
}

// run generates and shows text and times.
func (g *generation) run(ctx context.Context, what model.Generation) error {
	g.cached = !what.Uncached
	what.OnToken = func(id int) error {
		_, err := io.WriteString(g.out, g.spelt.next(id))
		return err
	}
	made, err := model.Generate(ctx, g.subject.model, what, model.Options{Kernels: g.kernels, Threads: g.threads})
	if len(made.IDs) > 0 {
		fmt.Fprintln(g.out, g.spelt.rest())
	}
	switch {
	case ctx.Err() != nil:
		return failed(fmt.Errorf("interrupted after %s", reports.Count(len(made.IDs), "token")))
	case err != nil && made.Prefill == 0:
		return usage(err) // nothing ran: it was asked for what can't be
	case err != nil:
		return failed(err)
	}
	g.made = made
	fmt.Fprintln(g.out)
	return failed(g.table().Write(g.out))
}

// table shows how long prefill and decode took.
func (g *generation) table() *reports.Table {
	t := &reports.Table{
		Title:  fmt.Sprintf("Generation: %s model, kernel %s, %d threads", g.subject.name, kernelNames(g.kernels), g.threads),
		Header: []string{"pass", "keys", "time", "tokens/s"},
		Left:   1,
	}
	n := len(g.subject.ids)
	row := func(name, keys string, d time.Duration, tokens int) {
		rate := float64(tokens) / d.Seconds()
		t.Rows = append(t.Rows, []string{name, keys, quantity(d), strconv.FormatFloat(rate, 'f', max(0, 3-int(math.Log10(max(1, rate)))), 64)})
	}
	row(fmt.Sprintf("prefill of %d", n), strconv.Itoa(n), g.made.Prefill, n)
	if d := g.made.Decode; len(d) > 0 {
		sorted := slices.Sorted(slices.Values(d))
		span := fmt.Sprintf("%d … %d", n+1, n+len(d))
		row(fmt.Sprintf("decode, median of %d", len(d)), span, sorted[len(d)/2], 1)
		slowest := slices.Index(d, sorted[len(d)-1])
		row("decode, first", strconv.Itoa(n+1), d[0], 1)
		row("decode, last", strconv.Itoa(n+len(d)), d[len(d)-1], 1)
		row("decode, slowest", strconv.Itoa(n+1+slowest), d[slowest], 1)
	}
	if g.cached {
		t.Note("keys and values: %v, %s, %s a token", g.kvDType, reports.Quantity(float64(g.made.CacheBytes), reports.Workspace),
			reports.Quantity(float64(g.made.CacheBytes)/float64(n+len(g.made.Decode)), reports.Workspace))
	} else {
		t.Note("without a cache: every pass computes all keys and values anew")
	}
	return t
}

// unitCache is the memory of the keys and values of a generation.
const unitCache = "cache-B"

// records returns one record a pass.
func (g *generation) records(seed uint64) []*benchfmt.Result {
	var list []*benchfmt.Result
	config := provenance(seed, nil)
	option := ""
	if g.kvDType != kernels.Float32 {
		option = fmt.Sprintf("/kvdtype=%v", g.kvDType)
	}
	add := func(step string, keys int, d time.Duration) {
		name := fmt.Sprintf("Generate/step=%s/kernel=%s/isa=%s/model=%s/cache=%v/n=%d%s-%d",
			step, kernelNames(g.kernels), passISA(g.subject.model, g.kernels[0]), g.subject.recordName(), g.cached, keys, option, g.threads)
		list = append(list, &benchfmt.Result{Config: config, Name: benchfmt.Name(name), Iters: 1, Values: []benchfmt.Value{
			harness.TimeValue(d.Seconds()), {Value: float64(g.made.CacheBytes), Unit: unitCache}}})
	}
	n := len(g.subject.ids)
	add("prefill", n, g.made.Prefill)
	for i, d := range g.made.Decode {
		add("decode", n+1+i, d)
	}
	return list
}

// recordName is the model's name without what would end it in a benchmark name.
func (s *subject) recordName() string {
	name := s.name
	if name != "built-in" {
		if abs, err := filepath.Abs(name); err == nil {
			name = filepath.Base(abs)
		}
	}
	return strings.Map(func(r rune) rune {
		if r == '/' || r == '=' || r <= ' ' || r == 0x7F {
			return '_'
		}
		return r
	}, name)
}

// kernelNames joins the names of one kernel, or of one for each layer.
func kernelNames(list []kernels.Kernel) string {
	names := make([]string, len(list))
	for i, k := range list {
		names[i] = k.Name()
	}
	return strings.Join(names, ",")
}

// passISA returns the instruction set that a kernel takes for a model's heads.
func passISA(m model.Model, k kernels.Kernel) string {
	s := m.Shape()
	p := kernels.Problem{Batch: 1, Heads: s.Heads, KVHeads: s.KVHeads, QLen: 64, KVLen: 64, HeadDim: s.HeadDim, Mask: kernels.Mask{Causal: s.Causal}}
	return pin(k, "", p).used
}

func quantity(d time.Duration) string { return reports.Quantity(d.Seconds(), reports.Time) }

// A spelling turns tokens into text as they come. A character may take several.
type spelling struct {
	subject *subject
	ids     []int
	shown   int // bytes of text
}

func newSpelling(s *subject) *spelling { return &spelling{subject: s} }

// next returns what a token adds to the text that can be shown.
func (s *spelling) next(id int) string {
	s.ids = append(s.ids, id)
	text, err := s.text()
	if err != nil {
		return fmt.Sprintf(" %d", id)
	}
	if cut := strings.TrimSuffix(text, "\uFFFD"); len(cut) < len(text) {
		return "" // half a character: the next token has the rest
	}
	return s.show(text)
}

// rest returns what was held back.
func (s *spelling) rest() string {
	text, err := s.text()
	if err != nil {
		return ""
	}
	return s.show(text)
}

func (s *spelling) show(text string) string {
	added := text[min(s.shown, len(text)):]
	s.shown = len(text)
	return added
}

var errNoTokenizer = errors.New("no tokenizer")

// text returns the text so far, with a mark for what is no character, and what a
// terminal would obey made visible.
func (s *spelling) text() (string, error) {
	if s.subject.tokenizer == nil {
		return "", errNoTokenizer
	}
	text, err := s.subject.tokenizer.Decode(s.ids)
	if err != nil {
		return "", err
	}
	return strings.Map(func(r rune) rune {
		if r < ' ' && r != '\n' && r != '\t' || r == 0x7F || r >= 0x80 && r < 0xA0 {
			return '␦'
		}
		return r
	}, strings.ToValidUTF8(text, "\uFFFD")), nil
}
