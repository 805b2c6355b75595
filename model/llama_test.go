package model

import (
	"math"
	"testing"

	"github.com/attnbench/attnbench/kernels"
)

func TestLlamaGoldensCatchFaults(t *testing.T) {
	checkFaults(t, []string{"tiny-llama", "tiny-llama-bf16"}, []familyFault[*llama]{
		{"the other rotary layout", func(m *llama) { m.rope.interleaved = !m.rope.interleaved }},
		{"another theta", func(m *llama) { m.config.Theta *= 1.1; m.rope.frequencies = m.config.frequencies() }},
		{"no positions", func(m *llama) { clear(m.rope.frequencies) }},
		{"another epsilon", func(m *llama) { m.config.Epsilon *= 10 }},
		{"gate and up swapped", func(m *llama) { l := &m.layers[0]; l.gate, l.up = l.up, l.gate }},
		{"norms of a layer swapped", func(m *llama) { l := &m.layers[0]; l.norm1, l.norm2 = l.norm2, l.norm1 }},
		{"final norm skipped", func(m *llama) { m.norm = rmsNorm{identity(m.config.Width).weight} }},
		{"window of all but one", func(m *llama) { m.config.Window = 22 }},
		{"bias of a query lost", func(m *llama) { m.layers[0].query.bias = nil }},
		{"key heads swapped", func(m *llama) {
			k, half := &m.layers[0].key, m.layers[0].key.out/2
			w := dense(k)
			for at := 0; at < len(w); at += k.out {
				swap(w[at:at+half], w[at+half:at+k.out])
			}
			*k = newProjection(w, k.bias, k.in, k.out, false)
		}},
	})
}

func swap(a, b []float32) {
	for i := range a {
		a[i], b[i] = b[i], a[i]
	}
}

// TestFrequencies has the three parts of Llama 3.1's scaling by hand.
func TestFrequencies(t *testing.T) {
	c := llamaConfig{HeadDim: 6, Theta: 1000, Scaling: &ropeScaling{Type: "llama3", Factor: 8, Low: 1, High: 4, Original: 100}}
	// 15.9, 1.59 and 0.159 turns in 100 positions: kept, between, divided by 8.
	keep := (10/(2*math.Pi) - 1) / 3
	for i, want := range []float64{1, 0.1 * (keep + (1-keep)/8), 0.01 / 8} {
		if got := c.frequencies()[i]; math.Abs(got-want) > 1e-12 {
			t.Errorf("pair %d: %v, want %v", i, got, want)
		}
	}
}

// TestRopeKeepsDistance: the product of two turned vectors depends on how far
// they are apart, not on where they are, in both layouts.
func TestRopeKeepsDistance(t *testing.T) {
	for _, interleaved := range []bool{false, true} {
		r := rope{[]float64{1, 0.3, 0.01}, interleaved}
		product := func(i, j int) float64 {
			q, k := []float32{1, -2, 3, 0.5, 1, 2}, []float32{0.1, 1, -1, 2, 3, -0.4}
			r.from(i, 1).apply(q, 6, 0, 1)
			r.from(j, 1).apply(k, 6, 0, 1)
			sum := 0.0
			for d := range q {
				sum += float64(q[d]) * float64(k[d])
			}
			return sum
		}
		if a, b := product(7, 3), product(107, 103); math.Abs(a-b) > 1e-5 {
			t.Errorf("interleaved %v: %v and %v at the same distance", interleaved, a, b)
		}
		if a, b := product(7, 3), product(7, 4); math.Abs(a-b) < 1e-2 {
			t.Errorf("interleaved %v: %v and %v at different distances", interleaved, a, b)
		}
	}
}

func TestLlamaRefused(t *testing.T) {
	scaling := func(changes map[string]any) map[string]any { return map[string]any{"rope_scaling": changes} }
	checkRefused(t, "tiny-llama", []refusal{
		{map[string]any{"hidden_size": 32}, `tensor "model.embed_tokens.weight" of shape [37 28]: must be [37 32]`},
		{map[string]any{"num_key_value_heads": 3}, "num_attention_heads 4: must be a multiple of num_key_value_heads 3"},
		{map[string]any{"num_key_value_heads": nil}, `k_proj.weight" of shape [32 28]: must be [64 28]`},
		{map[string]any{"head_dim": 15}, "head_dim 15: must be even"},
		{map[string]any{"head_dim": nil}, "head_dim 7: must be even"},
		{map[string]any{"head_dim": 258}, "heads of width 258: must be at most 256"},
		{map[string]any{"num_attention_heads": 0, "head_dim": nil}, "num_attention_heads 0: must be in"},
		{map[string]any{"hidden_act": "gelu"}, `hidden_act "gelu": must be one of ["silu"]`},
		{map[string]any{"sliding_window": 4096}, "sliding_window 4096: must be null, or in a mistral"},
		{map[string]any{"attn_logit_softcapping": 50.0}, `field "attn_logit_softcapping" is 50: not known to this family`},
		{map[string]any{"query_pre_attn_scalar": 64}, `field "query_pre_attn_scalar" is 64`},
		{map[string]any{"rope_theta": 0}, "rope_theta 0: must be in"},
		{scaling(map[string]any{"rope_type": "yarn", "factor": 4}), `rope_scaling: rope_type "yarn": must be one of ["default" "linear" "llama3"]`},
		{scaling(map[string]any{"type": "dynamic", "factor": 4}), `rope_scaling: rope_type "dynamic"`},
		{scaling(map[string]any{"type": "linear"}), "rope_scaling: factor 0: must be in"},
		{scaling(map[string]any{"type": "linear", "factor": 2, "beta_fast": 1}), `unknown field "beta_fast"`},
		{scaling(map[string]any{"rope_type": "llama3", "factor": 2}), "low_freq_factor 0 and high_freq_factor 0"},
		{map[string]any{"rope_parameters": map[string]any{"rope_type": "default", "partial_rotary_factor": 0.5}}, "partial_rotary_factor 0.5: must be 1"},
		{map[string]any{"attention_bias": true}, `no tensor "model.layers.0.self_attn.q_proj.bias": must be there, of shape [64]`},
		{map[string]any{"tie_word_embeddings": true}, `tensor "lm_head.weight": must be equal to the token embeddings`},
		{map[string]any{"num_hidden_layers": 1}, `tensor "model.layers.1.input_layernorm.weight" is not part of this Llama (9 such)`},
		{map[string]any{"quantization_config": map[string]any{"bits": 4}}, `field "quantization_config" is {"bits":4}`},
	})
	checkRefused(t, "tiny-llama-bf16", []refusal{
		{map[string]any{"attention_bias": false}, "is not part of this Llama"},
		{map[string]any{"tie_word_embeddings": nil}, `no tensor "lm_head.weight": must be there since tie_word_embeddings is false`},
	})
}

// TestRopeParameters: newer files say the same in another place.
func TestRopeParameters(t *testing.T) {
	for _, changes := range []map[string]any{
		{"rope_theta": nil, "rope_parameters": map[string]any{"rope_type": "default", "rope_theta": 10000.0}},
		{"rope_scaling": map[string]any{"rope_type": "default"}},
		{"rope_interleave": false, "use_cache": true, "torch_dtype": "float32", "sliding_window": nil},
	} {
		m := mustLoad(t, folder(t, "tiny-llama", changes))
		c := familyGoldens(t, "tiny-llama")[0].Cases[0]
		r, err := m.Forward(t.Context(), c.input(), Options{Kernels: []kernels.Kernel{kernel(t, "naive")}})
		if err != nil {
			t.Fatal(err)
		}
		if d := c.distance(r); d > tolerance {
			t.Errorf("%v: off by %.2g", changes, d)
		}
	}
}
