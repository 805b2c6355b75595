package command

import (
	"bytes"
	"encoding/binary"
	"maps"
	"math"
	"os"
	"path/filepath"
)

// hostileFolders are models that must be refused, made from a sound one: what to
// do to its files by name.
var hostileFolders = map[string]func(files map[string][]byte){
	"header-too-long": func(f map[string][]byte) {
		binary.LittleEndian.PutUint64(f["model.safetensors"], 1<<40)
	},
	"cut-short": func(f map[string][]byte) {
		f["model.safetensors"] = f["model.safetensors"][:len(f["model.safetensors"])-1000]
	},
	"overlap": func(f map[string][]byte) { // the second tensor lies where the first does
		f["model.safetensors"] = bytes.Replace(f["model.safetensors"], []byte("[120,240]"), []byte("[0,  120]"), 1)
	},
	"nan": func(f map[string][]byte) {
		text := f["model.safetensors"]
		binary.LittleEndian.PutUint32(text[len(text)-4:], math.Float32bits(float32(math.NaN())))
	},
	"wrong-shape": func(f map[string][]byte) {
		f["config.json"] = bytes.Replace(f["config.json"], []byte(`"vocab_size": 37`), []byte(`"vocab_size": 38`), 1)
	},
	"softcap": func(f map[string][]byte) {
		f["config.json"] = bytes.Replace(f["config.json"], []byte(`{`), []byte(`{"attn_logit_softcapping": 50.0,`), 1)
	},
	"cyclic": func(f map[string][]byte) {
		delete(f, "model.safetensors")
		f["model.safetensors.index.json"] = []byte(`{"weight_map":{"bert.pooler.dense.bias":"model.safetensors.index.json"}}`)
	},
	"tokenizer": func(f map[string][]byte) {
		f["vocab.txt"] = []byte("[UNK]\n[CLS]\n[SEP]\nmy\n")
	},
}

// writeHostile writes them below a folder.
func writeHostile(folder string) error {
	sound := make(map[string][]byte)
	for _, name := range []string{"config.json", "model.safetensors"} {
		data, err := os.ReadFile(filepath.Join("../../../testdata/tiny-bert", name))
		if err != nil {
			return err
		}
		sound[name] = data
	}
	for name, spoil := range hostileFolders {
		files := maps.Clone(sound)
		for file, data := range files {
			files[file] = bytes.Clone(data)
		}
		spoil(files)
		if err := os.MkdirAll(filepath.Join(folder, name), 0o777); err != nil {
			return err
		}
		for file, data := range files {
			if err := os.WriteFile(filepath.Join(folder, name, file), data, 0o666); err != nil {
				return err
			}
		}
	}
	return nil
}
