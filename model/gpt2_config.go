package model

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"

	"github.com/attnbench/attnbench/kernels"
	"github.com/attnbench/attnbench/model/internal/brief"
)

// gpt2Config is the architecture, as config.json states it under Hugging Face's
// names. Fields that matter to training only are not read.
type gpt2Config struct {
	Vocab      int     `json:"vocab_size"`
	Context    int     `json:"n_positions"` // the longest sequence
	Width      int     `json:"n_embd"`
	Layers     int     `json:"n_layer"`
	Heads      int     `json:"n_head"`
	Inner      int     `json:"n_inner"` // width inside the MLP; 0 or null means 4·Width
	Activation string  `json:"activation_function"`
	Epsilon    float64 `json:"layer_norm_epsilon"`

	ScaleAttention bool `json:"scale_attn_weights"`              // scores are divided by √HeadDim
	ScaleByLayer   bool `json:"scale_attn_by_inverse_layer_idx"` // and by 1 + the layer's index
	TieEmbeddings  bool `json:"tie_word_embeddings"`             // the head is wte unless there is an lm_head.weight
	CrossAttention bool `json:"add_cross_attention"`
}

// HeadDim returns the width of one head.
func (c gpt2Config) HeadDim() int { return c.Width / c.Heads }

// Parameters counts the weights, the tied head once.
func (c gpt2Config) Parameters() int {
	block := c.Width*(4*c.Width+2*c.Inner) + 9*c.Width + c.Inner
	total := (c.Vocab+c.Context)*c.Width + c.Layers*block + 2*c.Width
	if !c.TieEmbeddings {
		total += c.Vocab * c.Width
	}
	return total
}

// scale returns the factor of Q·K in a layer.
func (c gpt2Config) scale(layer int) float64 {
	scale := 1.0
	if c.ScaleAttention {
		scale = 1 / math.Sqrt(float64(c.HeadDim()))
	}
	if c.ScaleByLayer {
		scale /= float64(layer + 1)
	}
	return scale
}

func (c gpt2Config) shape() Shape {
	return Shape{
		Family: "gpt2", Causal: true, Vocab: c.Vocab, Context: c.Context,
		Width: c.Width, Inner: c.Inner, Layers: c.Layers,
		Heads: c.Heads, KVHeads: c.Heads, HeadDim: c.HeadDim(),
		Parameters: c.Parameters(),
	}
}

// readGPT2Config reads and validates the text of a config.json.
func readGPT2Config(text []byte) (gpt2Config, error) {
	// What Hugging Face assumes where a file is silent.
	c := gpt2Config{Activation: "gelu_new", Epsilon: 1e-5, ScaleAttention: true, TieEmbeddings: true}
	if err := json.Unmarshal(text, &c); err != nil {
		return c, fmt.Errorf("%s: %w", configFile, err)
	}
	if c.Inner == 0 {
		c.Inner = 4 * c.Width
	}
	if err := c.validate(); err != nil {
		return c, fmt.Errorf("%s: %w", configFile, err)
	}
	return c, nil
}

// maxSize bounds each size of a config, so that no product of two overflows.
const maxSize = 1 << 30

func (c gpt2Config) validate() error {
	var errs []error
	add := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	sound := true
	for _, size := range []struct {
		name  string
		value int
	}{
		{"vocab_size", c.Vocab}, {"n_positions", c.Context}, {"n_embd", c.Width},
		{"n_layer", c.Layers}, {"n_head", c.Heads}, {"n_inner", c.Inner},
	} {
		if size.value < 1 || size.value > maxSize {
			add("%s %d: must be in 1..%d", size.name, size.value, maxSize)
			sound = false
		}
	}
	if sound && c.Width%c.Heads != 0 {
		add("n_embd %d: must be a multiple of n_head %d", c.Width, c.Heads)
	} else if sound && c.HeadDim() > kernels.MaxHeadDim {
		add("n_embd %d over n_head %d: heads must be at most %d wide", c.Width, c.Heads, kernels.MaxHeadDim)
	}
	if c.Activation != "gelu_new" && c.Activation != "gelu_pytorch_tanh" {
		add("activation_function %s: must be \"gelu_new\" or \"gelu_pytorch_tanh\"", brief.Quote(c.Activation))
	}
	if !(c.Epsilon > 0 && c.Epsilon < 1) {
		add("layer_norm_epsilon %v: must be between 0 and 1", c.Epsilon)
	}
	if c.CrossAttention {
		add("add_cross_attention true: must be false")
	}
	return errors.Join(errs...)
}
