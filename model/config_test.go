package model

import (
	"strings"
	"testing"
)

// FuzzConfig wants no config.json to do worse than be refused, in a line; what
// is accepted has sizes that fit together.
func FuzzConfig(f *testing.F) {
	f.Add([]byte(`{"model_type":"gpt2","vocab_size":256,"n_positions":1024,"n_embd":128,"n_layer":4,"n_head":4}`))
	f.Add([]byte(`{"n_embd":1e9,"n_head":0}`))
	f.Add([]byte(`{"n_embd":-1,"n_head":3,"layer_norm_epsilon":1e999}`))
	f.Add([]byte(`{"model_type":"bert","vocab_size":9,"max_position_embeddings":8,"hidden_size":30,"num_hidden_layers":1,"num_attention_heads":2,"intermediate_size":4}`))
	f.Add([]byte(`{"model_type":"mistral","vocab_size":9,"max_position_embeddings":8,"hidden_size":32,"num_hidden_layers":1,"num_attention_heads":2,"intermediate_size":4,"sliding_window":3,"rope_scaling":{"rope_type":"llama3","factor":2,"low_freq_factor":1,"high_freq_factor":4,"original_max_position_embeddings":4}}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		gpt2, err1 := readGPT2Config(text)
		bert, err2 := readBERTConfig(text)
		llama, err3 := readLlamaConfig(text)
		for _, c := range []struct {
			shape func() Shape
			err   error
		}{{gpt2.shape, err1}, {bert.shape, err2}, {llama.shape, err3}} {
			if c.err != nil {
				if strings.Contains(c.err.Error(), "\n") {
					t.Errorf("error of several lines: %v", c.err)
				}
				continue
			}
			if s := c.shape(); s.HeadDim <= 0 || s.Heads%s.KVHeads != 0 || s.Vocab <= 0 || s.Context <= 0 || s.Layers <= 0 {
				t.Errorf("accepted %+v", s)
			}
		}
		if err3 == nil && len(llama.frequencies()) != llama.HeadDim/2 {
			t.Errorf("%d frequencies for heads of %d", len(llama.frequencies()), llama.HeadDim)
		}
	})
}
