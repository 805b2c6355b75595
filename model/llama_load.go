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
	defer r.close()
	m := &llama{config: c, rope: rope{c.frequencies(), c.Interleaved}}
	m.tokens = r.floats("embed_tokens.weight", c.Vocab, c.Width)
	for i := 0; i < c.Layers && r.err == nil; i++ {
		m.layers = append(m.layers, readLlamaLayer(r, c, fmt.Sprintf("layers.%d.", i)))
	}
	m.norm = rmsNorm{r.floats("norm.weight", c.Width)}
	m.head = r.head("lm_head.weight", c.Tie, m.tokens, c.Width, c.Vocab)
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
	linear := func(part string, in, out int, bias bool) projection {
		var b []float32
		weight := r.floats(name+part+".weight", out, in)
		if bias {
			b = r.floats(name+part+".bias", out)
		}
		return r.projection(weight, b, in, out, true)
	}
	return llamaLayer{
		norm1: rmsNorm{r.floats(name+"input_layernorm.weight", c.Width)},
		query: linear("self_attn.q_proj", c.Width, q, c.AttnBias),
		key:   linear("self_attn.k_proj", c.Width, kv, c.AttnBias),
		value: linear("self_attn.v_proj", c.Width, kv, c.AttnBias),
		out:   linear("self_attn.o_proj", q, c.Width, c.AttnBias),
		norm2: rmsNorm{r.floats(name+"post_attention_layernorm.weight", c.Width)},
		gate:  linear("mlp.gate_proj", c.Width, c.Inner, c.MLPBias),
		up:    linear("mlp.up_proj", c.Width, c.Inner, c.MLPBias),
		down:  linear("mlp.down_proj", c.Inner, c.Width, c.MLPBias),
	}
}
