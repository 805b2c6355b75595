package model

import (
	"fmt"
	"io/fs"
	"strings"
)

// loadLlama reads a Llama or Mistral. Names begin with "model." below the head.
func loadLlama(fsys fs.FS, text []byte) (Model, error) {
	c, err := readLlamaConfig(text)
	if err != nil {
		return nil, err
	}
	r, err := openReader(fsys, "model.")
	if err != nil {
		return nil, err
	}
	m := &llama{config: c, rope: rope{c.frequencies(), c.Interleaved}}
	m.tokens = r.table("embed_tokens.weight", c.Vocab, c.Width)
	for i := 0; i < c.Layers && r.err == nil; i++ {
		m.layers = append(m.layers, readLlamaLayer(r, c, fmt.Sprintf("%slayers.%d.", r.prefix, i)))
	}
	m.norm = rmsNorm{r.vector(r.prefix+"norm.weight", c.Width)}
	m.head = r.head("lm_head.weight", c.Tie, m.tokens)
	m.parameters = r.parameters
	// Old checkpoints keep the angles.
	ignore := func(name string) bool { return strings.HasSuffix(name, ".rotary_emb.inv_freq") }
	if err := r.finish("Llama", ignore); err != nil {
		return nil, err
	}
	return m, nil
}

func readLlamaLayer(r *reader, c llamaConfig, name string) llamaLayer {
	q, kv := c.Heads*c.HeadDim, c.KVHeads*c.HeadDim
	return llamaLayer{
		norm1: rmsNorm{r.vector(name+"input_layernorm.weight", c.Width)},
		query: r.linear(name+"self_attn.q_proj", c.Width, q, c.AttnBias),
		key:   r.linear(name+"self_attn.k_proj", c.Width, kv, c.AttnBias),
		value: r.linear(name+"self_attn.v_proj", c.Width, kv, c.AttnBias),
		out:   r.linear(name+"self_attn.o_proj", q, c.Width, c.AttnBias),
		norm2: rmsNorm{r.vector(name+"post_attention_layernorm.weight", c.Width)},
		gate:  r.linear(name+"mlp.gate_proj", c.Width, c.Inner, c.MLPBias),
		up:    r.linear(name+"mlp.up_proj", c.Width, c.Inner, c.MLPBias),
		down:  r.linear(name+"mlp.down_proj", c.Inner, c.Width, c.MLPBias),
	}
}
