package model

import "math"

// gpt2Config is the architecture, as config.json states it under Hugging Face's
// names.
type gpt2Config struct {
	Vocab      int     `json:"vocab_size"`
	Context    int     `json:"n_positions"` // the longest sequence
	Width      int     `json:"n_embd"`
	Layers     int     `json:"n_layer"`
	Heads      int     `json:"n_head"`
	Inner      int     `json:"n_inner"` // width inside the MLP; 0 or null means 4·Width
	Activation string  `json:"activation_function"`
	Epsilon    float64 `json:"layer_norm_epsilon"`

	ScaleAttention bool  `json:"scale_attn_weights"`              // scores are divided by √HeadDim
	ScaleByLayer   bool  `json:"scale_attn_by_inverse_layer_idx"` // and by 1 + the layer's index
	Tie            tying `json:"tie_word_embeddings"`             // the head is wte
}

// HeadDim returns the width of one head.
func (c gpt2Config) HeadDim() int { return c.Width / c.Heads }

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
	}
}

// readGPT2Config reads and validates the text of a config.json.
func readGPT2Config(text []byte) (gpt2Config, error) {
	// What Hugging Face assumes where a file is silent.
	c := gpt2Config{Activation: "gelu_new", Epsilon: 1e-5, ScaleAttention: true, Tie: tying{tied: true}}
	if err := decodeConfig(text, &c); err != nil {
		return c, err
	}
	if c.Inner == 0 {
		c.Inner = 4 * c.Width
	}
	return c, c.validate()
}

func (c gpt2Config) validate() error {
	var bad complaint
	sound := true
	for _, size := range []struct {
		name  string
		value int
	}{
		{"vocab_size", c.Vocab}, {"n_positions", c.Context}, {"n_embd", c.Width},
		{"n_layer", c.Layers}, {"n_head", c.Heads}, {"n_inner", c.Inner},
	} {
		sound = bad.size(size.name, size.value) && sound
	}
	if sound && bad.divides("n_embd", c.Width, "n_head", c.Heads) {
		bad.heads(c.HeadDim())
	}
	bad.oneOf("activation_function", c.Activation, geluNames...)
	bad.epsilon("layer_norm_epsilon", c.Epsilon)
	return bad.err()
}
