package command

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/attnbench/attnbench/kernels"
	"github.com/attnbench/attnbench/model"
	"github.com/attnbench/attnbench/reports"
)

// modelFlags state what the model command computes.
type modelFlags struct {
	subject subjectFlags
	kernels []string
	ids     []string
	types   []string
	mask    []string
	logits  string
	compare bool
	threads int

	generate generateFlags
}

func newModel() *cobra.Command {
	var f modelFlags
	cmd := &cobra.Command{
		Use:   "model",
		Short: "Show the transformer, its next tokens, or the logits of given token ids",
		Long: `model describes the transformer and prints the likeliest next tokens after the
prompt. With --logits json it prints the logits of every position instead, so
that the transformer can be held against another implementation. With --compare
it runs the transformer once with each kernel and compares what comes out.
With --generate it goes on from the prompt for so many tokens, no fewer, and
times the prefill and every decode step.`,
		Example: "  attnbench model\n  attnbench model --ids 5,17,3 --logits json\n  attnbench model --kernel flash --prompt letter.txt\n" +
			"  attnbench model --compare --kernel flash,tiled\n  attnbench model --generate 64 --kernel flash --temperature 0.8 --seed 7",
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := f.generate.check(cmd.Flags()); err != nil {
				return usage(err)
			}
			switch {
			case f.generate.tokens > 0:
				return f.runGenerate(cmd)
			case f.compare:
				return f.runCompare(cmd)
			}
			return f.run(cmd.Context(), cmd.InOrStdin(), cmd.OutOrStdout())
		},
	}
	flags := cmd.Flags()
	f.subject.register(flags)
	flags.StringSliceVar(&f.kernels, "kernel", []string{reports.Baseline}, "`name` of the attention kernel, or one for each layer")
	flags.StringSliceVar(&f.ids, "ids", nil, "token `ids` to read in place of a prompt")
	flags.StringSliceVar(&f.types, "token-types", nil, "token `types` of the ids, for BERT (default all 0)")
	flags.StringSliceVar(&f.mask, "attention-mask", nil, "`ones` for ids that may be seen, zeros for padding (default all ones)")
	flags.StringVar(&f.logits, "logits", "", "`format` to print the logits in: json")
	flags.BoolVar(&f.compare, "compare", false, "compare each of --kernel, or all, with "+reports.Baseline+", layer by layer and at the end")
	flags.IntVar(&f.threads, "threads", 0, "`number` of threads; 0 is all")
	f.generate.register(flags)
	return cmd
}

func (f *modelFlags) run(ctx context.Context, stdin io.Reader, stdout io.Writer) error {
	s, ks, err := f.resolve(stdin)
	if err != nil {
		return usage(err)
	}
	result, err := s.model.Forward(ctx, s.input(), model.Options{Kernels: ks, Threads: f.threads})
	if err != nil {
		return failed(err)
	}
	if f.logits != "" {
		err = writeLogits(stdout, s.ids, result)
	} else {
		err = s.describe(stdout, result)
	}
	return failed(err)
}

// resolve checks the flags and loads what they name.
func (f *modelFlags) resolve(stdin io.Reader) (*subject, []kernels.Kernel, error) {
	if f.logits != "" && f.logits != "json" {
		return nil, nil, fmt.Errorf("--logits %q: want json", f.logits)
	}
	if f.threads < 0 || f.threads > maxThreads {
		return nil, nil, fmt.Errorf("--threads %d: must be in 1..%d, or 0 for all", f.threads, maxThreads)
	}
	ks, err := layerKernels(f.kernels)
	if err != nil {
		return nil, nil, err
	}
	s, err := f.load(stdin)
	if err != nil {
		return nil, nil, err
	}
	if f.logits != "" && s.model.Shape().Headless {
		return nil, nil, fmt.Errorf("--logits %s: the weights of %s have no head", f.logits, s.name)
	}
	if layers := s.model.Shape().Layers; len(ks) != 1 && len(ks) != layers {
		return nil, nil, fmt.Errorf("--kernel %s: %d kernels, want 1 or one for each of %d layers", strings.Join(f.kernels, ","), len(ks), layers)
	}
	return s, ks, nil
}

// layerKernels looks up the kernels in the order given, repetitions included.
func layerKernels(names []string) ([]kernels.Kernel, error) {
	var list []kernels.Kernel
	for _, name := range names {
		k, err := kernels.Get(name)
		if err != nil {
			return nil, err
		}
		list = append(list, k)
	}
	return list, nil
}

// load reads the model, and the ids or the prompt.
func (f *modelFlags) load(stdin io.Reader) (*subject, error) {
	if f.ids == nil {
		if f.types != nil || f.mask != nil {
			return nil, errors.New("--token-types and --attention-mask go with --ids")
		}
		return f.subject.load(stdin)
	}
	if f.subject.prompt != "" {
		return nil, fmt.Errorf("--ids beside --prompt %q: want one of them", f.subject.prompt)
	}
	s, err := f.subject.loadModel()
	if err != nil {
		return nil, err
	}
	shape := s.model.Shape()
	if len(f.ids) == 0 || len(f.ids) > shape.Context {
		return nil, fmt.Errorf("--ids of %d tokens: want 1 to the model's context of %d", len(f.ids), shape.Context)
	}
	if s.ids, err = parseInts("--ids", "token ids", f.ids, shape.Vocab); err != nil {
		return nil, err
	}
	return s, f.loadBeside(s)
}

// loadBeside reads what goes with the ids.
func (f *modelFlags) loadBeside(s *subject) error {
	var err error
	if f.types != nil {
		if s.model.Shape().TokenTypes == 0 {
			return fmt.Errorf("--token-types: a %s has none", s.model.Shape().Family)
		}
		if s.types, err = parseInts("--token-types", "token types", f.types, s.model.Shape().TokenTypes); err != nil {
			return err
		}
	}
	if f.mask != nil {
		if s.mask, err = parseInts("--attention-mask", "values", f.mask, 2); err != nil {
			return err
		}
	}
	return s.input().Check(s.model.Shape())
}

// parseInts reads the values of a flag, each in 0..limit−1.
func parseInts(flag, what string, texts []string, limit int) ([]int, error) {
	values := make([]int, len(texts))
	for i, text := range texts {
		v, err := strconv.Atoi(text)
		if err != nil || v < 0 || v >= limit {
			return nil, fmt.Errorf("%s %q: %s must be in 0..%d", flag, text, what, limit-1)
		}
		values[i] = v
	}
	return values, nil
}

// writeLogits prints one JSON object: the ids, and a row of logits for each.
func writeLogits(w io.Writer, ids []int, r *model.Result) error {
	rows := make([][]float32, r.Len)
	for i := range rows {
		rows[i] = r.Row(i)
	}
	return json.NewEncoder(w).Encode(struct {
		IDs    []int       `json:"ids"`
		Logits [][]float32 `json:"logits"` // [len, vocab]: row i scores the token at ids[i], or after it in a causal model

		// Of a BERT, where its file has them.
		Pooled       []float32 `json:"pooled,omitempty"`        // [width], of the first token
		NextSentence []float32 `json:"next_sentence,omitempty"` // [2]
	}{ids, rows, r.Pooled, r.NextSentence})
}

// describe prints the architecture and the likeliest next tokens.
func (s *subject) describe(w io.Writer, r *model.Result) error {
	c := s.model.Shape()
	tokenizer := fmt.Sprintf("unavailable: %v", s.wordless)
	if s.tokenizer != nil {
		tokenizer = s.tokenizer.Name()
	}
	heads := fmt.Sprintf("%d heads", c.Heads)
	if c.KVHeads != c.Heads {
		heads += fmt.Sprintf(" on %d of keys", c.KVHeads)
	}
	_, err := fmt.Fprintf(w, `model       %s: %s, %d layers, %s of width %d, %d parameters
context     %d tokens
vocabulary  %d, tokenizer %s
read        %d tokens
%s
`, s.name, c.Family, c.Layers, heads, c.HeadDim, c.Parameters, c.Context, c.Vocab, tokenizer, len(s.ids), s.outcome(r))
	return err
}

// outcome says what the model makes of the last token.
func (s *subject) outcome(r *model.Result) string {
	switch c := s.model.Shape(); {
	case c.Headless:
		return "head        none in the weights"
	case c.Causal:
		return "next        " + s.likeliest(r, 5)
	}
	return "last read   " + s.likeliest(r, 5)
}

// likeliest lists the most probable tokens that the last position scores.
func (s *subject) likeliest(r *model.Result, most int) string {
	row := r.Row(r.Len - 1)
	ids, sum := make([]int, len(row)), 0.0
	top := float64(row[r.Next(r.Len-1)])
	for id, v := range row {
		ids[id] = id
		sum += math.Exp(float64(v) - top)
	}
	slices.SortStableFunc(ids, func(a, b int) int {
		switch {
		case row[a] > row[b]:
			return -1
		case row[a] < row[b]:
			return 1
		}
		return 0
	})
	var parts []string
	for _, id := range ids[:min(most, len(ids))] {
		parts = append(parts, fmt.Sprintf("%s %.1f%%", s.text(id), 100*math.Exp(float64(row[id])-top)/sum))
	}
	return strings.Join(parts, ", ")
}
