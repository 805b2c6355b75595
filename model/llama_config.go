package model

import (
	"bytes"
	"encoding/json"
	"math"
)

// llamaConfig is the architecture, as config.json states it under Hugging Face's
// names. A Mistral is a Llama that may have a sliding window.
type llamaConfig struct {
	ModelType string  `json:"model_type"`
	Vocab     int     `json:"vocab_size"`
	Context   int     `json:"max_position_embeddings"`
	Width     int     `json:"hidden_size"`
	Layers    int     `json:"num_hidden_layers"`
	Heads     int     `json:"num_attention_heads"`
	KVHeads   int     `json:"num_key_value_heads"` // 0 or null means Heads
	HeadDim   int     `json:"head_dim"`            // 0 or null means Width/Heads
	Inner     int     `json:"intermediate_size"`
	Act       string  `json:"hidden_act"`
	Epsilon   float64 `json:"rms_norm_eps"`

	Theta       float64      `json:"rope_theta"`
	Scaling     *ropeScaling `json:"rope_scaling"`
	Parameters  *ropeScaling `json:"rope_parameters"`  // newer files have theta and scaling in it
	Interleaved bool         `json:"rope_interleaved"` // pairs beside each other, as the paper's authors have them
	Interleave  bool         `json:"rope_interleave"`

	Window   int   `json:"sliding_window"` // keys that a token sees, itself included; 0 or null means all
	AttnBias bool  `json:"attention_bias"` // of all four projections of attention
	MLPBias  bool  `json:"mlp_bias"`
	Tie      tying `json:"tie_word_embeddings"`
}

// A ropeScaling stretches the rotary positions beyond the length of training.
type ropeScaling struct {
	Type     string  `json:"rope_type"` // "default", "linear" or "llama3"
	OldType  string  `json:"type"`      // the same in older files
	Theta    float64 `json:"rope_theta"`
	Factor   float64 `json:"factor"`
	Low      float64 `json:"low_freq_factor"`
	High     float64 `json:"high_freq_factor"`
	Original int     `json:"original_max_position_embeddings"`
	Partial  float64 `json:"partial_rotary_factor"` // 1 only
}

// UnmarshalJSON refuses fields that it does not know.
func (s *ropeScaling) UnmarshalJSON(text []byte) error {
	type plain ropeScaling
	p := plain{Type: "default", Partial: 1}
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	err := d.Decode(&p)
	if p.OldType != "" {
		p.Type = p.OldType
	}
	*s = ropeScaling(p)
	return err
}

func (c llamaConfig) shape() Shape {
	return Shape{
		Family: c.ModelType, Causal: true, Vocab: c.Vocab, Context: c.Context,
		Width: c.Width, Inner: c.Inner, Layers: c.Layers,
		Heads: c.Heads, KVHeads: c.KVHeads, HeadDim: c.HeadDim, Gated: true,
	}
}

// readLlamaConfig reads and validates the text of a config.json.
func readLlamaConfig(text []byte) (llamaConfig, error) {
	// What Hugging Face assumes where a file is silent.
	c := llamaConfig{Act: "silu", Epsilon: 1e-6, Theta: 10000}
	if err := decodeConfig(text, &c); err != nil {
		return c, err
	}
	c.settle()
	return c, c.validate()
}

// settle fills what the file left to be derived.
func (c *llamaConfig) settle() {
	if c.KVHeads == 0 {
		c.KVHeads = c.Heads
	}
	if c.HeadDim == 0 && c.Heads > 0 {
		c.HeadDim = c.Width / c.Heads
	}
	if p := c.Parameters; p != nil {
		if c.Scaling == nil {
			c.Scaling = p
		}
		if p.Theta != 0 {
			c.Theta = p.Theta
		}
	}
	c.Interleaved = c.Interleaved || c.Interleave
}

func (c llamaConfig) validate() error {
	var bad complaint
	sound := true
	for _, size := range []struct {
		name  string
		value int
	}{
		{"vocab_size", c.Vocab}, {"max_position_embeddings", c.Context}, {"hidden_size", c.Width},
		{"num_hidden_layers", c.Layers}, {"num_attention_heads", c.Heads}, {"num_key_value_heads", c.KVHeads},
		{"head_dim", c.HeadDim}, {"intermediate_size", c.Inner},
	} {
		sound = bad.size(size.name, size.value) && sound
	}
	if sound && bad.divides("num_attention_heads", c.Heads, "num_key_value_heads", c.KVHeads) {
		bad.heads(c.HeadDim)
	}
	if c.HeadDim%2 != 0 {
		bad.add("head_dim %d: must be even, since rotary positions turn pairs", c.HeadDim)
	}
	bad.oneOf("hidden_act", c.Act, "silu")
	bad.epsilon("rms_norm_eps", c.Epsilon)
	if c.Window < 0 || c.Window > maxSize || c.Window > 0 && c.ModelType != "mistral" {
		bad.add("sliding_window %d: must be null, or in a mistral 1..%d", c.Window, maxSize)
	}
	c.validateRope(&bad)
	return bad.err()
}

func (c llamaConfig) validateRope(bad *complaint) {
	if !(c.Theta >= 1 && c.Theta <= 1e15) {
		bad.add("rope_theta %v: must be in 1..1e15", c.Theta)
	}
	s := c.Scaling
	if s == nil {
		return
	}
	bad.oneOf("rope_scaling: rope_type", s.Type, "default", "linear", "llama3")
	if s.Partial != 1 {
		bad.add("rope_scaling: partial_rotary_factor %v: must be 1", s.Partial)
	}
	if s.Type != "default" && !(s.Factor >= 1 && s.Factor <= maxSize) {
		bad.add("rope_scaling: factor %v: must be in 1..%d", s.Factor, maxSize)
	}
	if s.Type == "llama3" && !(s.Low > 0 && s.Low < s.High && s.High <= maxSize) {
		bad.add("rope_scaling: low_freq_factor %v and high_freq_factor %v: must be positive, and the second larger", s.Low, s.High)
	}
	if s.Type == "llama3" {
		bad.size("rope_scaling: original_max_position_embeddings", s.Original)
	}
}

// frequencies returns the angle by which a position turns each pair: of the i-th
// of dim/2 it is theta^(−2i/dim), stretched as the scaling says. That of Llama
// 3.1 leaves pairs that turn often within the original context, divides those
// that hardly turn by its factor, and goes smoothly from one to the other.
func (c llamaConfig) frequencies() []float64 {
	list := make([]float64, c.HeadDim/2)
	for i := range list {
		f := math.Pow(c.Theta, -2*float64(i)/float64(c.HeadDim))
		switch s := c.Scaling; {
		case s == nil || s.Type == "default":
		case s.Type == "linear":
			f /= s.Factor
		case s.Type == "llama3":
			turns := f * float64(s.Original) / (2 * math.Pi)
			keep := min(max((turns-s.Low)/(s.High-s.Low), 0), 1)
			f *= keep + (1-keep)/s.Factor
		}
		list[i] = f
	}
	return list
}
