package model

import (
	"encoding/binary"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/nlpodyssey/safetensors"
)

// FuzzSafetensors wants a weight file refused in a line or read to its end, and
// none accepted that another implementation refuses.
func FuzzSafetensors(f *testing.F) {
	f.Add(raw(`{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}`, 8))
	f.Add(raw(`{"__metadata__":{"format":"pt"},"a":{"dtype":"BF16","shape":[1,2],"data_offsets":[0,4]},"b":{"dtype":"F16","shape":[],"data_offsets":[4,6]}}`, 6))
	f.Add(raw(`{"a":{"dtype":"F64","shape":[2305843009213693952],"data_offsets":[0,0]}}`, 0))
	f.Add(withLength(1<<63, "{}"))
	f.Add(binary.LittleEndian.AppendUint64(nil, 0))
	f.Fuzz(func(t *testing.T, file []byte) {
		w, err := open(file)
		if err != nil {
			if text := err.Error(); strings.Contains(text, "\n") || len(text) > 1000 {
				t.Errorf("error of several lines or %d bytes", len(text))
			}
			return
		}
		defer w.close()
		if _, err := safetensors.Deserialize(file); err != nil {
			t.Errorf("accepted a file that another implementation refuses: %v", err)
		}
		for name, info := range w.tensors {
			shape := make([]int, len(info.Shape))
			for i, dim := range info.Shape {
				shape[i] = int(dim)
			}
			if _, err := w.floats(name, shape...); err != nil && wideners[info.DType] != nil {
				t.Errorf("tensor %q of %v passed the checks and cannot be read: %v", name, info, err)
			}
		}
	})
}

// FuzzConfig wants no config.json to do worse than be refused.
func FuzzConfig(f *testing.F) {
	f.Add([]byte(`{"model_type":"gpt2","vocab_size":256,"n_positions":1024,"n_embd":128,"n_layer":4,"n_head":4}`))
	f.Add([]byte(`{"n_embd":1e9,"n_head":0}`))
	f.Add([]byte(`{"n_embd":-1,"n_head":3,"layer_norm_epsilon":1e999}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		c, err := readConfig(fstest.MapFS{"c": {Data: text}}, "c")
		if err == nil && (c.HeadDim() <= 0 || c.HeadDim()*c.Heads != c.Width || c.Parameters() <= 0) {
			t.Errorf("accepted %+v: %d parameters, heads of %d", c, c.Parameters(), c.HeadDim())
		}
	})
}
