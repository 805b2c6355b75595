package model

import (
	"fmt"
	"io/fs"
	"slices"
	"strings"
)

// The files of a model's folder.
const (
	configFile  = "config.json"
	weightsFile = "model.safetensors"
)

// A Model is GPT-2 with its weights in float32. It is never written after Load
// and so safe for concurrent use.
type Model struct {
	Config Config

	tokens    []float32 // wte [vocab, width]
	positions []float32 // wpe [context, width]
	layers    []layer
	norm      norm       // ln_f
	head      projection // width → vocab, no bias

	activate func(x []float32) // in place; the tanh GELU
}

// A layer is one transformer block.
type layer struct {
	norm1 norm       // ln_1
	qkv   projection // attn.c_attn: width → 3·width, Q, K and V beside each other
	proj  projection // attn.c_proj: width → width
	norm2 norm       // ln_2
	up    projection // mlp.c_fc: width → inner
	down  projection // mlp.c_proj: inner → width
}

// Load reads config.json and model.safetensors from the root of fsys, as
// Hugging Face writes them for GPT-2: os.DirFS of a user's folder, or the
// default model that package attnbench embeds. Tensor names may begin with
// "transformer."; F16 and BF16 weights are widened to float32. An error names
// the file, the field or tensor, and what was expected.
func Load(fsys fs.FS) (*Model, error) {
	c, err := readConfig(fsys, configFile)
	if err != nil {
		return nil, err
	}
	w, err := openWeights(fsys, weightsFile)
	if err != nil {
		return nil, err
	}
	defer w.close()
	r := newReader(w)
	m := &Model{Config: c, activate: geluTanh}
	m.tokens = r.floats("wte.weight", c.Vocab, c.Width)
	m.positions = r.floats("wpe.weight", c.Context, c.Width)
	for i := 0; i < c.Layers && r.err == nil; i++ {
		m.layers = append(m.layers, r.layer(c, fmt.Sprintf("h.%d.", i)))
	}
	m.norm = r.norm("ln_f", c.Width)
	m.head = r.head(c, m.tokens)
	if err := r.finish(); err != nil {
		return nil, err
	}
	return m, nil
}

// A reader takes tensors from a file by name and remembers the first error.
type reader struct {
	file   *weightFile
	prefix string          // "transformer." or nothing
	unread map[string]bool // tensors that nobody asked for
	err    error
}

func newReader(w *weightFile) *reader {
	r := &reader{file: w, unread: make(map[string]bool)}
	for name := range w.tensors {
		r.unread[name] = true
		if strings.HasPrefix(name, "transformer.") {
			r.prefix = "transformer."
		}
	}
	return r
}

func (r *reader) floats(name string, shape ...int) []float32 {
	return r.exactly(r.prefix+name, shape...)
}

// exactly reads a tensor whose name takes no prefix.
func (r *reader) exactly(name string, shape ...int) []float32 {
	if r.err != nil {
		return nil
	}
	delete(r.unread, name)
	var x []float32
	x, r.err = r.file.floats(name, shape...)
	return x
}

func (r *reader) layer(c Config, name string) layer {
	return layer{
		norm1: r.norm(name+"ln_1", c.Width),
		qkv:   r.conv1D(name+"attn.c_attn", c.Width, 3*c.Width),
		proj:  r.conv1D(name+"attn.c_proj", c.Width, c.Width),
		norm2: r.norm(name+"ln_2", c.Width),
		up:    r.conv1D(name+"mlp.c_fc", c.Width, c.Inner),
		down:  r.conv1D(name+"mlp.c_proj", c.Inner, c.Width),
	}
}

func (r *reader) norm(name string, width int) norm {
	return norm{r.floats(name+".weight", width), r.floats(name+".bias", width)}
}

// conv1D reads a projection that Hugging Face keeps as [in, out].
func (r *reader) conv1D(name string, in, out int) projection {
	return r.projection(r.floats(name+".weight", in, out), r.floats(name+".bias", out), in, out, false)
}

// projection packs what was read, unless reading failed.
func (r *reader) projection(weight, bias []float32, in, out int, transposed bool) projection {
	if r.err != nil {
		return projection{}
	}
	return newProjection(weight, bias, in, out, transposed)
}

// head reads lm_head.weight, [vocab, width], or ties the head to the token
// embeddings where the file has none.
func (r *reader) head(c Config, tokens []float32) projection {
	const name = "lm_head.weight"
	if _, untied := r.file.tensors[name]; untied {
		tokens = r.exactly(name, c.Vocab, c.Width)
	} else if !c.TieEmbeddings && r.err == nil {
		r.err = fmt.Errorf("%s: no tensor %q: must be there since tie_word_embeddings is false", r.file.name, name)
	}
	return r.projection(tokens, nil, c.Width, c.Vocab, true)
}

// finish reports the first error, or a tensor that the model would ignore: a
// file with more in it is not the model that the config describes.
func (r *reader) finish() error {
	if r.err != nil {
		return r.err
	}
	var extra []string
	for name := range r.unread {
		// Old checkpoints keep the causal mask and its fill value.
		if !strings.HasSuffix(name, ".attn.bias") && !strings.HasSuffix(name, ".attn.masked_bias") {
			extra = append(extra, name)
		}
	}
	if len(extra) == 0 {
		return nil
	}
	return fmt.Errorf("%s: tensor %s is not part of this GPT-2 (%d such)", r.file.name, quote(slices.Min(extra)), len(extra))
}
