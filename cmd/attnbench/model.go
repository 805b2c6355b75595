package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/attnbench/attnbench/kernels"
	"github.com/attnbench/attnbench/model"
	"github.com/attnbench/attnbench/model/tokenizer"
	"github.com/attnbench/attnbench/reports"
)

// modelFlags state what the model command computes.
type modelFlags struct {
	subject subjectFlags
	kernels []string
	ids     []string
	logits  string
	compare bool
	threads int
}

func newModel() *cobra.Command {
	var f modelFlags
	cmd := &cobra.Command{
		Use:   "model",
		Short: "Show the transformer, its next tokens, or the logits of given token ids",
		Long: `model describes the transformer and prints the likeliest next tokens after the
prompt. With --logits json it prints the logits of every position instead, so
that the transformer can be held against another implementation. With --compare
it runs the transformer once with each kernel and compares what comes out.`,
		Example: "  attnbench model\n  attnbench model --ids 5,17,3 --logits json\n  attnbench model --kernel flash --prompt letter.txt\n" +
			"  attnbench model --compare --kernel flash,tiled",
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if f.compare {
				return f.runCompare(cmd)
			}
			return f.run(cmd.Context(), cmd.InOrStdin(), cmd.OutOrStdout())
		},
	}
	flags := cmd.Flags()
	f.subject.register(flags)
	flags.StringSliceVar(&f.kernels, "kernel", []string{reports.Baseline}, "`name` of the attention kernel, or one for each layer")
	flags.StringSliceVar(&f.ids, "ids", nil, "token `ids` to read in place of a prompt")
	flags.StringVar(&f.logits, "logits", "", "`format` to print the logits in: json")
	flags.BoolVar(&f.compare, "compare", false, "compare each of --kernel, or all, with "+reports.Baseline+", layer by layer and at the end")
	flags.IntVar(&f.threads, "threads", 0, "`number` of threads (default all)")
	return cmd
}

func (f *modelFlags) run(ctx context.Context, stdin io.Reader, stdout io.Writer) error {
	s, ks, err := f.resolve(stdin)
	if err != nil {
		return usage(err)
	}
	result, err := s.model.Forward(ctx, model.Input{IDs: s.ids}, model.Options{Kernels: ks, Threads: f.threads})
	if err != nil {
		return failed(err)
	}
	if f.logits != "" {
		err = writeLogits(stdout, s.ids, result)
	} else {
		err = s.describe(stdout, result)
	}
	if err != nil {
		return failed(err)
	}
	return nil
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
		return f.subject.load(stdin)
	}
	if f.subject.prompt != "" {
		return nil, fmt.Errorf("--ids beside --prompt %q: want one of them", f.subject.prompt)
	}
	s, err := f.subject.loadModel()
	if err != nil {
		return nil, err
	}
	s.tokenizer, _ = tokenizer.ForVocabulary(s.model.Shape().Vocab) // ids need none; it only spells the answer
	s.ids, err = parseIDs(f.ids, s.model.Shape())
	return s, err
}

func parseIDs(texts []string, c model.Shape) ([]int, error) {
	if len(texts) == 0 || len(texts) > c.Context {
		return nil, fmt.Errorf("--ids of %d tokens: want 1 to the model's context of %d", len(texts), c.Context)
	}
	ids := make([]int, len(texts))
	for i, text := range texts {
		id, err := strconv.Atoi(text)
		if err != nil || id < 0 || id >= c.Vocab {
			return nil, fmt.Errorf("--ids %q: token ids must be in 0..%d", text, c.Vocab-1)
		}
		ids[i] = id
	}
	return ids, nil
}

// writeLogits prints one JSON object: the ids, and a row of logits for each.
func writeLogits(w io.Writer, ids []int, r *model.Result) error {
	rows := make([][]float32, r.Len)
	for i := range rows {
		rows[i] = r.Row(i)
	}
	return json.NewEncoder(w).Encode(struct {
		IDs    []int       `json:"ids"`
		Logits [][]float32 `json:"logits"` // [len, vocab]: row i scores the token after ids[i]
	}{ids, rows})
}

// describe prints the architecture and the likeliest next tokens.
func (s *subject) describe(w io.Writer, r *model.Result) error {
	c := s.model.Shape()
	tokenizer := "none for this vocabulary"
	if s.tokenizer != nil {
		tokenizer = s.tokenizer.Name()
	}
	_, err := fmt.Fprintf(w, `model       %s: %s, %d layers, %d heads of width %d, %d parameters
context     %d tokens
vocabulary  %d, tokenizer %s
read        %d tokens
next        %s
`, s.name, c.Family, c.Layers, c.Heads, c.HeadDim, c.Parameters, c.Context, c.Vocab, tokenizer, len(s.ids), s.likeliest(r, 5))
	return err
}

// likeliest lists the most probable next tokens after the last position.
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
