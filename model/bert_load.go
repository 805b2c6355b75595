package model

import (
	"fmt"
	"io/fs"
	"slices"
)

// loadBERT reads a BERT, with or without its heads. Names may begin with "bert."
// below the heads.
func loadBERT(fsys fs.FS, text []byte) (Model, error) {
	c, err := readBERTConfig(text)
	if err != nil {
		return nil, err
	}
	r, err := openReader(fsys, "bert.")
	if err != nil {
		return nil, err
	}
	m := &bert{config: c, activate: gelus[c.Activation]}
	m.tokens = r.table("embeddings.word_embeddings.weight", c.Vocab, c.Width)
	m.positions = r.table("embeddings.position_embeddings.weight", c.Context, c.Width)
	m.types = r.table("embeddings.token_type_embeddings.weight", c.TokenTypes, c.Width)
	m.norm = r.bertNorm(r.prefix+"embeddings.LayerNorm", c.Width)
	for i := 0; i < c.Layers && r.err == nil; i++ {
		m.layers = append(m.layers, readBERTLayer(r, c, fmt.Sprintf("%sencoder.layer.%d.", r.prefix, i)))
	}
	if r.has(r.prefix + "pooler.dense.weight") {
		pooler := r.linear(r.prefix+"pooler.dense", c.Width, c.Width, true)
		m.pooler = &pooler
	}
	if m.pooler != nil && r.has("cls.seq_relationship.weight") {
		sentence := r.linear("cls.seq_relationship", c.Width, 2, true)
		m.sentence = &sentence
	}
	if r.has("cls.predictions.transform.dense.weight") {
		m.masked = readBERTHead(r, c, m.tokens)
	}
	m.parameters = r.parameters
	ignore := func(name string) bool { return name == r.prefix+"embeddings.position_ids" } // 0, 1, 2, …
	if err := r.finish("BERT", ignore); err != nil {
		return nil, err
	}
	return m, nil
}

func readBERTLayer(r *reader, c bertConfig, name string) bertLayer {
	return bertLayer{
		query: r.linear(name+"attention.self.query", c.Width, c.Width, true),
		key:   r.linear(name+"attention.self.key", c.Width, c.Width, true),
		value: r.linear(name+"attention.self.value", c.Width, c.Width, true),
		out:   r.linear(name+"attention.output.dense", c.Width, c.Width, true),
		norm1: r.bertNorm(name+"attention.output.LayerNorm", c.Width),
		up:    r.linear(name+"intermediate.dense", c.Width, c.Inner, true),
		down:  r.linear(name+"output.dense", c.Inner, c.Width, true),
		norm2: r.bertNorm(name+"output.LayerNorm", c.Width),
	}
}

// readBERTHead reads the head for masked tokens. Its decoder is tied to the
// word embeddings unless the file has one; its bias is there under one or two
// names, and must then be the same.
func readBERTHead(r *reader, c bertConfig, tokens table) *bertHead {
	const name = "cls.predictions."
	h := &bertHead{
		transform: r.linear(name+"transform.dense", c.Width, c.Width, true),
		norm:      r.bertNorm(name+"transform.LayerNorm", c.Width),
	}
	bias := r.matrix(name+"bias", c.Vocab)
	if r.has(name + "decoder.bias") {
		r.same(name+"decoder.bias", name+"bias", r.matrix(name+"decoder.bias", c.Vocab), bias)
	}
	h.decoder = r.head(name+"decoder.weight", c.Tie, tokens)
	h.decoder.bias = slices.Clone(bias.Floats())
	return h
}

// bertNorm reads a layer norm, whose parts old files call gamma and beta.
func (r *reader) bertNorm(name string, width int) norm {
	if r.has(name + ".gamma") {
		return norm{r.vector(name+".gamma", width), r.vector(name+".beta", width)}
	}
	return r.norm(name, width)
}
