package model

import (
	"runtime"

	"github.com/attnbench/attnbench/model/internal/safetensors"
)

// A table has a vector for each token, position or type. It stays where it is
// stored, in the type in which it is stored.
type table struct {
	safetensors.Matrix
	folder *safetensors.Folder // keeps it there; nil when it is in memory
}

// put sets dst to vector i.
func (t *table) put(dst []float32, i int) {
	t.Row(dst, i)
	runtime.KeepAlive(t.folder)
}

// add adds vector i to dst. Scratch is as long.
func (t *table) add(dst, scratch []float32, i int) {
	t.put(scratch, i)
	add(dst, scratch[:len(dst)])
}
