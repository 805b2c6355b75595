package model

import (
	"slices"
	"strings"
	"testing"

	other "github.com/nlpodyssey/safetensors"

	"github.com/attnbench/attnbench/kernels"
	"github.com/attnbench/attnbench/model/internal/safetensors"
)

func TestBERTGoldensCatchFaults(t *testing.T) {
	checkFaults(t, []string{"tiny-bert", "tiny-bert-f16"}, []familyFault[*bert]{
		{"no token types", func(m *bert) {
			m.types = table{Matrix: safetensors.FromFloats(make([]float32, m.types.Rows*m.types.Width), m.types.Width)}
		}},
		{"positions shifted", func(m *bert) {
			m.positions = shifted(m.positions)
		}},
		{"embeddings not normalised", func(m *bert) { m.norm = identity(m.config.Width) }},
		{"norms of a layer swapped", func(m *bert) {
			l := &m.layers[1]
			l.norm1, l.norm2 = l.norm2, l.norm1
		}},
		{"query and key swapped", func(m *bert) {
			l := &m.layers[0]
			l.query, l.key = l.key, l.query
		}},
		{"another epsilon", func(m *bert) { m.config.Epsilon = 1e-3 }},
		{"another GELU in the head", func(m *bert) { m.activate = geluErf; m.config.Epsilon = 1e-3 }},
		{"no bias of the decoder", func(m *bert) { m.masked.decoder.bias = nil }},
		{"heads of half the width", func(m *bert) { m.config.Heads = m.config.Width }},
		{"value transposed", func(m *bert) {
			v, w := &m.layers[0].value, m.config.Width
			*v = newProjection(dense(v), v.bias, w, w, true)
		}},
	})
}

// identity is a norm without weights.
func identity(width int) norm {
	return norm{slices.Repeat([]float32{1}, width), make([]float32, width)}
}

func TestBERTRefused(t *testing.T) {
	checkRefused(t, "tiny-bert", []refusal{
		{map[string]any{"hidden_size": 32}, `tensor "bert.embeddings.word_embeddings.weight" of shape [37 30]: must be [37 32]`},
		{map[string]any{"num_attention_heads": 4}, "hidden_size 30: must be a multiple of num_attention_heads 4"},
		{map[string]any{"type_vocab_size": nil, "vocab_size": 0}, "vocab_size 0: must be in"},
		{map[string]any{"type_vocab_size": 3}, `token_type_embeddings.weight" of shape [2 30]: must be [3 30]`},
		{map[string]any{"hidden_act": "silu"}, `hidden_act "silu": must be one of`},
		{map[string]any{"position_embedding_type": "relative_key"}, `position_embedding_type "relative_key": must be one of ["absolute"]`},
		{map[string]any{"is_decoder": true}, `field "is_decoder" is true: not known to this family`},
		{map[string]any{"layer_norm_eps": 2}, "layer_norm_eps 2: must be between 0 and 1"},
		{map[string]any{"num_hidden_layers": 1}, `tensor "bert.encoder.layer.1.attention.output.LayerNorm.bias" is not part of this BERT (16 such)`},
		{map[string]any{"num_hidden_layers": 3}, `no tensor "bert.encoder.layer.2.attention.self.query.weight"`},
	})
	checkRefused(t, "tiny-bert-f16", []refusal{{map[string]any{"tie_word_embeddings": true}, `tensor "cls.predictions.decoder.weight": must be equal to the token embeddings`}})
}

// TestMaskHidesPadding: what stands in the padding changes nothing elsewhere,
// bit for bit, wherever the padding lies.
func TestMaskHidesPadding(t *testing.T) {
	m := mustLoad(t, folder(t, "tiny-bert", nil))
	for _, mask := range [][]int{{1, 1, 1, 0, 0, 0}, {0, 0, 1, 1, 1, 0}, {1, 0, 1, 0, 0, 1}} {
		for _, k := range kernels.All() {
			opts := Options{Kernels: []kernels.Kernel{k}}
			run := func(ids ...int) *Result {
				r, err := m.Forward(t.Context(), Input{IDs: ids, Mask: mask}, opts)
				if err != nil {
					t.Fatal(err)
				}
				return r
			}
			a, ids := run(1, 2, 3, 4, 5, 6), []int{1, 2, 3, 4, 5, 6}
			for i, v := range mask {
				if v == 0 {
					ids[i] = 30
				}
			}
			b := run(ids...)
			for i, v := range mask {
				if same := equalBits(a.Row(i), b.Row(i)); same != (v == 1) {
					t.Errorf("%s, mask %v, position %d: the same is %v", k.Name(), mask, i, same)
				}
			}
		}
	}
	_, err := m.Forward(t.Context(), Input{IDs: []int{1, 2}, Mask: []int{0, 0}}, Options{Kernels: kernels.All()[:1]})
	if err == nil || !strings.Contains(err.Error(), "at least one token") {
		t.Errorf("all padding: error %v", err)
	}
	_, err = m.Forward(t.Context(), Input{IDs: []int{1, 2}, TokenTypes: []int{0, 2}}, Options{Kernels: kernels.All()[:1]})
	if err == nil || !strings.Contains(err.Error(), "token type 2 at 1: must be in 0..1") {
		t.Errorf("token type 2: error %v", err)
	}
}

// TestBareBERT reads a BertModel: no prefix, no head, and the same pooled vector.
func TestBareBERT(t *testing.T) {
	fsys := folder(t, "tiny-bert", nil)
	whole := mustLoad(t, fsys)
	fsys[weightsFile].Data = rename(t, fsys[weightsFile].Data, func(name string) string {
		bare, ok := strings.CutPrefix(name, "bert.")
		if !ok {
			return ""
		}
		return bare
	})
	bare := mustLoad(t, fsys)
	if s := bare.Shape(); !s.Headless || whole.Shape().Headless || s.Parameters != whole.Shape().Parameters-30*30-3*30-37-62 {
		t.Errorf("bare %+v, whole %+v", s, whole.Shape())
	}
	in := Input{IDs: []int{5, 6, 7}}
	opts := Options{Kernels: []kernels.Kernel{kernel(t, "flash")}}
	a, err := whole.Forward(t.Context(), in, opts)
	if err != nil {
		t.Fatal(err)
	}
	b, err := bare.Forward(t.Context(), in, opts)
	if err != nil {
		t.Fatal(err)
	}
	if b.Logits != nil || b.Vocab != 0 || b.NextSentence != nil || !equalBits(a.Pooled, b.Pooled) {
		t.Errorf("bare: %d logits, next sentence %v, pooled %v, want %v", len(b.Logits), b.NextSentence, b.Pooled, a.Pooled)
	}
}

// rename writes weights anew under other names; "" drops a tensor.
func rename(t *testing.T, file []byte, to func(name string) string) []byte {
	t.Helper()
	tensors, err := other.Deserialize(file)
	if err != nil {
		t.Fatal(err)
	}
	out := make(map[string]other.TensorView)
	for _, named := range tensors.Tensors() {
		if name := to(named.Name); name != "" {
			out[name] = named.TensorView
		}
	}
	data, err := other.Serialize(out, nil)
	if err != nil {
		t.Fatal(err)
	}
	return data
}
