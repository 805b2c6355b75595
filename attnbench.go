// Package attnbench holds what the command carries inside itself: the default
// model and the prompt that it runs. The work is done by the packages below:
//
//   - kernels: the contract, and one folder for each attention kernel
//   - model: the reference transformer that runs on any of them
//   - harness: inputs, oracle, verification, measurement
//   - reports: what the records say
//   - cmd/attnbench: the command
//
// testdata/README.md says where the model and the prompt came from.
package attnbench

import (
	"embed"
	"io/fs"
)

// Prompt is the text that the default model runs on: some 1,650 bytes of plain
// ASCII prose, a token each.
//
//go:embed testdata/prompt.txt
var Prompt string

//go:embed testdata/opticks-1m
var files embed.FS

// DefaultModel returns the folder of the default model, for model.Load: a GPT-2
// of 1.09 million parameters over bytes, trained on Newton's Opticks.
func DefaultModel() fs.FS {
	folder, err := fs.Sub(files, "testdata/opticks-1m")
	if err != nil {
		panic(err) // the path is a constant and valid
	}
	return folder
}
