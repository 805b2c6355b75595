package model

import (
	"fmt"
	"io/fs"
	"strings"
)

// loadGPT2 reads a GPT-2. Tensor names may begin with "transformer.".
func loadGPT2(fsys fs.FS, text []byte) (Model, error) {
	c, err := readGPT2Config(text)
	if err != nil {
		return nil, err
	}
	r, err := openReader(fsys, "transformer.")
	if err != nil {
		return nil, err
	}
	m := &gpt2{config: c, activate: gelus[c.Activation]}
	m.tokens = r.table("wte.weight", c.Vocab, c.Width)
	m.positions = r.table("wpe.weight", c.Context, c.Width)
	for i := 0; i < c.Layers && r.err == nil; i++ {
		m.layers = append(m.layers, readGPT2Layer(r, c, fmt.Sprintf("%sh.%d.", r.prefix, i)))
	}
	m.norm = r.norm(r.prefix+"ln_f", c.Width)
	m.head = r.head("lm_head.weight", c.Tie, m.tokens)
	// Old checkpoints keep the causal mask and its fill value.
	ignore := func(name string) bool {
		return strings.HasSuffix(name, ".attn.bias") || strings.HasSuffix(name, ".attn.masked_bias")
	}
	m.parameters = r.parameters
	if err := r.finish("GPT-2", ignore); err != nil {
		return nil, err
	}
	return m, nil
}

func readGPT2Layer(r *reader, c gpt2Config, name string) gpt2Layer {
	return gpt2Layer{
		norm1: r.norm(name+"ln_1", c.Width),
		qkv:   r.conv1D(name+"attn.c_attn", c.Width, 3*c.Width),
		proj:  r.conv1D(name+"attn.c_proj", c.Width, c.Width),
		norm2: r.norm(name+"ln_2", c.Width),
		up:    r.conv1D(name+"mlp.c_fc", c.Width, c.Inner),
		down:  r.conv1D(name+"mlp.c_proj", c.Inner, c.Width),
	}
}
