package model

// bertConfig is the architecture, as config.json states it under Hugging Face's
// names.
type bertConfig struct {
	Vocab      int     `json:"vocab_size"`
	Context    int     `json:"max_position_embeddings"`
	TokenTypes int     `json:"type_vocab_size"`
	Width      int     `json:"hidden_size"`
	Layers     int     `json:"num_hidden_layers"`
	Heads      int     `json:"num_attention_heads"`
	Inner      int     `json:"intermediate_size"`
	Activation string  `json:"hidden_act"`
	Epsilon    float64 `json:"layer_norm_eps"`

	Positions string `json:"position_embedding_type"` // "absolute" only
	Tie       tying  `json:"tie_word_embeddings"`     // the decoder is the word embeddings
}

// HeadDim returns the width of one head.
func (c bertConfig) HeadDim() int { return c.Width / c.Heads }

func (c bertConfig) shape() Shape {
	return Shape{
		Family: "bert", Vocab: c.Vocab, Context: c.Context, TokenTypes: c.TokenTypes,
		Width: c.Width, Inner: c.Inner, Layers: c.Layers,
		Heads: c.Heads, KVHeads: c.Heads, HeadDim: c.HeadDim(),
	}
}

// readBERTConfig reads and validates the text of a config.json.
func readBERTConfig(text []byte) (bertConfig, error) {
	// What Hugging Face assumes where a file is silent.
	c := bertConfig{TokenTypes: 2, Activation: "gelu", Epsilon: 1e-12, Positions: "absolute", Tie: tying{tied: true}}
	if err := decodeConfig(text, &c); err != nil {
		return c, err
	}
	return c, c.validate()
}

func (c bertConfig) validate() error {
	var bad complaint
	sound := true
	for _, size := range []struct {
		name  string
		value int
	}{
		{"vocab_size", c.Vocab}, {"max_position_embeddings", c.Context}, {"type_vocab_size", c.TokenTypes},
		{"hidden_size", c.Width}, {"num_hidden_layers", c.Layers}, {"num_attention_heads", c.Heads}, {"intermediate_size", c.Inner},
	} {
		sound = bad.size(size.name, size.value) && sound
	}
	if sound && bad.divides("hidden_size", c.Width, "num_attention_heads", c.Heads) {
		bad.heads(c.HeadDim())
	}
	bad.oneOf("hidden_act", c.Activation, geluNames...)
	bad.oneOf("position_embedding_type", c.Positions, "absolute")
	bad.epsilon("layer_norm_eps", c.Epsilon)
	return bad.err()
}
