package model

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"

	"github.com/attnbench/attnbench/model/internal/brief"
)

// configFile is in every model's folder.
const configFile = "config.json"

// loaders has the families by the model_type that config.json gives.
var loaders = map[string]func(fsys fs.FS, config []byte) (Model, error){
	"bert":    loadBERT,
	"gpt2":    loadGPT2,
	"llama":   loadLlama,
	"mistral": loadLlama,
}

// Load reads config.json and model.safetensors from the root of fsys, as
// Hugging Face writes them: os.DirFS of a user's folder, or the default model
// that package attnbench embeds. F16 and BF16 weights are widened to float32.
// An error names the file, the field or tensor, and what was expected.
func Load(fsys fs.FS) (Model, error) {
	text, err := fs.ReadFile(fsys, configFile)
	if err != nil {
		return nil, err
	}
	var config struct {
		ModelType string `json:"model_type"`
	}
	if err := json.Unmarshal(text, &config); err != nil {
		return nil, fmt.Errorf("%s: %w", configFile, err)
	}
	load, ok := loaders[config.ModelType]
	if !ok {
		known := slices.Sorted(maps.Keys(loaders))
		return nil, fmt.Errorf("%s: model_type %s: must be one of %s", configFile, brief.Quote(config.ModelType), strings.Join(known, ", "))
	}
	return load(fsys, text)
}
