package model

import (
	"encoding/json"
	"errors"
	"io/fs"
	"maps"
	"os"
	"strings"
	"testing"
	"testing/fstest"
)

// variant returns the tiny untied model with changes to its config; a nil
// value removes the field.
func variant(t *testing.T, changes map[string]any) fstest.MapFS {
	t.Helper()
	fsys := fstest.MapFS{}
	for _, name := range []string{configFile, weightsFile} {
		data, err := os.ReadFile("../testdata/tiny-untied/" + name)
		if err != nil {
			t.Fatal(err)
		}
		fsys[name] = &fstest.MapFile{Data: data}
	}
	config := map[string]any{}
	if err := json.Unmarshal(fsys[configFile].Data, &config); err != nil {
		t.Fatal(err)
	}
	for key, value := range changes {
		config[key] = value
		if value == nil {
			delete(config, key)
		}
	}
	data, err := json.Marshal(config)
	if err != nil {
		t.Fatal(err)
	}
	fsys[configFile].Data = data
	return fsys
}

func TestConfigRefused(t *testing.T) {
	for _, c := range []struct {
		changes map[string]any
		want    string
	}{
		{map[string]any{"model_type": "t5"}, `model_type "t5": must be one of bert, gpt2, llama, mistral`},
		{map[string]any{"model_type": nil}, `model_type ""`},
		{map[string]any{"n_head": 4}, "n_embd 30: must be a multiple of n_head 4"},
		{map[string]any{"n_head": 0}, "n_head 0: must be in"},
		{map[string]any{"n_layer": nil}, "n_layer 0: must be in"},
		{map[string]any{"n_embd": -30}, "n_embd -30: must be in"},
		{map[string]any{"n_positions": 1 << 40}, "n_positions 1099511627776: must be in"},
		{map[string]any{"n_embd": 300, "n_head": 1}, "heads of width 300: must be at most 256 wide"},
		{map[string]any{"activation_function": "swish"}, `activation_function "swish": must be one of ["gelu" "gelu_new" "gelu_pytorch_tanh"]`},
		{map[string]any{"layer_norm_epsilon": 0}, "layer_norm_epsilon 0"},
		{map[string]any{"add_cross_attention": true}, `field "add_cross_attention" is true: not known to this family`},
		{map[string]any{"n_embd": "30"}, "config.json: json"},
		{map[string]any{"vocab_size": 38}, `tensor "transformer.wte.weight" of shape [37 30]: must be [38 30]`},
		{map[string]any{"n_positions": 23}, `tensor "transformer.wpe.weight" of shape [24 30]: must be [23 30]`},
		{map[string]any{"n_inner": nil}, `mlp.c_fc.weight" of shape [30 40]: must be [30 120]`},
		{map[string]any{"n_layer": 3}, `no tensor "transformer.h.2.ln_1.weight"`},
		{map[string]any{"n_layer": 1}, `tensor "transformer.h.1.attn.c_attn.bias" is not part of this GPT-2 (12 such)`},
	} {
		_, err := Load(variant(t, c.changes))
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v: error %v: want %q in it", c.changes, err, c.want)
		}
	}
}

func TestConfigDefaults(t *testing.T) {
	m, err := Load(variant(t, map[string]any{
		"activation_function": nil, "layer_norm_epsilon": nil, "scale_attn_weights": nil, "tie_word_embeddings": nil,
	}))
	if err != nil {
		t.Fatal(err)
	}
	c := m.(*gpt2).config
	if c.Activation != "gelu_new" || c.Epsilon != 1e-5 || !c.ScaleAttention || !c.Tie.tied {
		t.Errorf("defaults %+v", c)
	}
	if c.HeadDim() != 15 {
		t.Errorf("head of %d: want 15", c.HeadDim())
	}
}

func TestLoadRefused(t *testing.T) {
	whole := variant(t, nil)
	edit := func(name string, data []byte) fs.FS {
		fsys := maps.Clone(whole)
		fsys[name] = &fstest.MapFile{Data: data}
		return fsys
	}
	without := func(name string) fs.FS {
		fsys := maps.Clone(whole)
		delete(fsys, name)
		return fsys
	}
	weights := whole[weightsFile].Data
	for _, c := range []struct {
		fsys fs.FS
		want string
	}{
		{without(configFile), "config.json"},
		{without(weightsFile), "model.safetensors"},
		{edit(configFile, []byte("{")), "config.json: unexpected end of JSON"},
		{edit(weightsFile, weights[:len(weights)-1]), "model.safetensors: tensor"},
		{edit(weightsFile, weights[:100]), "model.safetensors: header of"},
		{edit(weightsFile, []byte(strings.Replace(string(weights), "lm_head.weight", "lm_tail.weight", 1))), `no tensor "lm_head.weight"`},
		{edit(weightsFile, []byte(strings.Replace(string(weights), "h.0.ln_1.bias", "h.0.ln_9.bias", 1))), `no tensor "transformer.h.0.ln_1.bias"`},
	} {
		_, err := Load(c.fsys)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("error %v: want %q in it", err, c.want)
		}
	}
	if _, err := Load(without(weightsFile)); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("error %v: want fs.ErrNotExist", err)
	}
}

// TestParameters counts what is in the files, once.
func TestParameters(t *testing.T) {
	for name, want := range map[string]int{
		"tiny-untied":     37*30 + 24*30 + 2*(30*4*30+2*30*40+9*30+40) + 2*30 + 37*30,
		"tiny-bf16":       19*32 + 20*32 + 3*(12*32*32+13*32) + 2*32, // tied, without the masks
		"tiny-bert":       37*30 + 24*30 + 2*30 + 2*30 + 2*(4*31*30+31*40+41*30+4*30) + 31*30 + 31*2 + 31*30 + 2*30 + 37,
		"tiny-llama":      37*28 + 2*(2*28+28*64*2+28*32*2+3*28*40) + 28 + 37*28,
		"tiny-llama-bf16": 19*32 + 3*(2*32+32*32*2+32*16*2+32*2+16*2+3*32*24+24*2+32) + 32,
	} {
		if got := mustLoad(t, folder(t, name, nil)).Shape().Parameters; got != want {
			t.Errorf("%s has %d parameters: want %d", name, got, want)
		}
	}
}
