package model

import "testing"

// FuzzConfig wants no config.json to do worse than be refused.
func FuzzConfig(f *testing.F) {
	f.Add([]byte(`{"model_type":"gpt2","vocab_size":256,"n_positions":1024,"n_embd":128,"n_layer":4,"n_head":4}`))
	f.Add([]byte(`{"n_embd":1e9,"n_head":0}`))
	f.Add([]byte(`{"n_embd":-1,"n_head":3,"layer_norm_epsilon":1e999}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		c, err := readGPT2Config(text)
		if err == nil && (c.HeadDim() <= 0 || c.HeadDim()*c.Heads != c.Width) {
			t.Errorf("accepted %+v: heads of %d", c, c.HeadDim())
		}
	})
}
