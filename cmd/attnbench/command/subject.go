package command

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/spf13/pflag"

	"github.com/attnbench/attnbench"
	"github.com/attnbench/attnbench/model"
	"github.com/attnbench/attnbench/model/tokenizer"
)

// subjectFlags name the transformer and the text that it reads.
type subjectFlags struct{ model, prompt string }

func (f *subjectFlags) register(flags *pflag.FlagSet) {
	flags.StringVar(&f.model, "model", "", "`folder` with config.json and weights of a GPT-2, BERT, Llama or Mistral (default the built-in one)")
	flags.StringVar(&f.prompt, "prompt", "", "`file` with the text to read, - for standard input (default the built-in one)")
}

// A subject is a transformer, and the token ids of its prompt.
type subject struct {
	name      string
	model     model.Model
	tokenizer tokenizer.Tokenizer // nil where there is none
	wordless  error               // why there is none
	ids       []int
	types     []int  // token types of the ids; nil for none
	mask      []int  // attention mask of the ids; nil for all
	remark    string // what was done to the prompt
}

func (s *subject) heads() int   { return s.model.Shape().Heads }
func (s *subject) kvHeads() int { return s.model.Shape().KVHeads }
func (s *subject) headDim() int { return s.model.Shape().HeadDim }

func (s *subject) input() model.Input {
	return model.Input{IDs: s.ids, TokenTypes: s.types, Mask: s.mask}
}

// load reads model and prompt. The built-in prompt is cut where the model's
// context ends; one that was given must fit.
func (f *subjectFlags) load(stdin io.Reader) (*subject, error) {
	s, err := f.loadModel()
	if err != nil {
		return nil, err
	}
	text, err := f.readPrompt(stdin)
	if err != nil {
		return nil, err
	}
	if s.tokenizer == nil {
		return nil, fmt.Errorf("model %q: %w", s.name, s.wordless)
	}
	if s.ids, err = s.tokenizer.Encode(text); err != nil {
		return nil, fmt.Errorf("prompt %q: %w", f.promptName(), err)
	}
	context := s.model.Shape().Context
	switch {
	case len(s.ids) == 0:
		return nil, fmt.Errorf("prompt %q: is empty, want at least 1 token", f.promptName())
	case len(s.ids) > context && f.prompt == "":
		s.remark = fmt.Sprintf("the built-in prompt has %d tokens and is cut to the model's context of %d", len(s.ids), context)
		s.ids = s.ids[:context]
	case len(s.ids) > context:
		return nil, fmt.Errorf("prompt %q: %d tokens, want at most the model's context of %d", f.promptName(), len(s.ids), context)
	}
	return s, nil
}

// loadModel reads the weights, and the tokenizer where there is one.
func (f *subjectFlags) loadModel() (*subject, error) {
	s, folder := &subject{name: "built-in"}, attnbench.DefaultModel()
	if f.model != "" {
		info, err := os.Stat(f.model)
		if err != nil {
			return nil, fmt.Errorf("model %q: %w", f.model, cause(err))
		}
		if !info.IsDir() {
			return nil, fmt.Errorf("model %q: is a file, want a folder with config.json and model.safetensors", f.model)
		}
		s.name, folder = f.model, os.DirFS(f.model)
	}
	var err error
	if s.model, err = model.Load(folder); err != nil {
		return nil, fmt.Errorf("model %q: %w", s.name, withFile(err))
	}
	s.tokenizer, s.wordless = tokenizer.Load(folder, s.model.Shape().Vocab)
	return s, nil
}

// withFile turns "open config.json: no such file" into "config.json: no such
// file".
func withFile(err error) error {
	var pathErr *fs.PathError
	if errors.As(err, &pathErr) {
		return fmt.Errorf("%s: %w", pathErr.Path, pathErr.Err)
	}
	return err
}

// maxPrompt bounds a prompt in bytes, far above any context.
const maxPrompt = 64 << 20

func (f *subjectFlags) readPrompt(stdin io.Reader) (string, error) {
	var text string
	var err error
	switch f.prompt {
	case "":
		return attnbench.Prompt, nil
	case "-":
		text, err = readAll(stdin, maxPrompt)
	default:
		text, err = readText(f.prompt, maxPrompt)
	}
	if err != nil {
		return "", fmt.Errorf("prompt %q: %w", f.prompt, err)
	}
	return text, nil
}

func (f *subjectFlags) promptName() string {
	if f.prompt == "" {
		return "built-in"
	}
	return f.prompt
}
