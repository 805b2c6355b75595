package model

import (
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/attnbench/attnbench/model/internal/brief"
	"github.com/attnbench/attnbench/model/internal/safetensors"
)

// A reader takes tensors from a folder by name and remembers the first error.
type reader struct {
	folder *safetensors.Folder
	prefix string          // what all names but the head's begin with, or nothing
	unread map[string]bool // tensors that nobody asked for
	err    error

	parameters int // elements that were read
}

// openReader opens the weights of a folder; their names may all begin with
// prefix.
func openReader(fsys fs.FS, prefix string) (*reader, error) {
	w, err := safetensors.OpenFolder(fsys)
	if err != nil {
		return nil, err
	}
	r := &reader{folder: w, unread: make(map[string]bool)}
	for _, name := range w.Names() {
		r.unread[name] = true
		if strings.HasPrefix(name, prefix) {
			r.prefix = prefix
		}
	}
	return r, nil
}

// has reports whether there is a tensor of this name, which takes no prefix.
func (r *reader) has(name string) bool { return r.folder.Has(name) }

// matrix reads a tensor whose name takes no prefix. It stays where it is stored.
func (r *reader) matrix(name string, shape ...int) safetensors.Matrix {
	if r.err != nil {
		return safetensors.Matrix{}
	}
	delete(r.unread, name)
	var m safetensors.Matrix
	m, r.err = r.folder.Matrix(name, shape...)
	r.parameters += m.Rows * m.Width
	return m
}

// vector reads a tensor of one dimension, whose name takes no prefix.
func (r *reader) vector(name string, width int) []float32 {
	m := r.matrix(name, width)
	return slices.Clone(m.Floats())
}

// table reads embeddings.
func (r *reader) table(name string, rows, width int) table {
	return table{r.matrix(r.prefix+name, rows, width), r.folder}
}

// same wants two tensors, of which only one is used, to be equal; it counts
// them once.
func (r *reader) same(nameA, nameB string, a, b safetensors.Matrix) {
	x, y := make([]float32, a.Width), make([]float32, b.Width)
	for i := 0; i < a.Rows && r.err == nil; i++ {
		a.Row(x, i)
		b.Row(y, i)
		if !slices.Equal(x, y) {
			r.err = fmt.Errorf("%s: tensor %q: must be equal to %s", r.folder.Name, nameA, nameB)
		}
	}
	r.parameters -= a.Rows * a.Width
}

// linear reads a projection that is kept as [out, in], with a bias or without,
// under a name that takes no prefix.
func (r *reader) linear(name string, in, out int, bias bool) projection {
	weight := r.matrix(name+".weight", out, in)
	var b []float32
	if bias {
		b = r.vector(name+".bias", out)
	}
	return r.projection(weight, b)
}

// conv1D reads a projection that is kept as [in, out].
func (r *reader) conv1D(name string, in, out int) projection {
	weight, bias := r.matrix(name+".weight", in, out), r.vector(name+".bias", out)
	if r.err != nil {
		return projection{}
	}
	return newProjection(weight.Floats(), bias, in, out, false)
}

// projection packs Wᵀ as it was read, unless reading failed.
func (r *reader) projection(weight safetensors.Matrix, bias []float32) projection {
	if r.err != nil {
		return projection{}
	}
	return projectionOf(weight, bias)
}

// norm reads a layer norm under a name that takes no prefix.
func (r *reader) norm(name string, width int) norm {
	return norm{r.vector(name+".weight", width), r.vector(name+".bias", width)}
}

// head reads a head [vocab, width] that takes no prefix. A tied one is the
// token embeddings; a file that says so may still have them a second time.
func (r *reader) head(name string, tie tying, tokens table) projection {
	weight := tokens.Matrix
	switch own := r.has(name); {
	case own:
		weight = r.matrix(name, weight.Rows, weight.Width)
		if tie.stated && tie.tied {
			r.same(name, "the token embeddings", weight, tokens.Matrix)
		}
	case !tie.tied && r.err == nil:
		r.err = fmt.Errorf("%s: no tensor %q: must be there since tie_word_embeddings is false", r.folder.Name, name)
	}
	return r.projection(weight, nil)
}

// finish reports the first error, or a tensor that the model would ignore: a
// file with more in it is not the model that the config describes. After an
// error the folder is closed.
func (r *reader) finish(family string, ignore func(name string) bool) error {
	err := r.err
	if err == nil {
		err = r.leftOver(family, ignore)
	}
	if err != nil {
		_ = r.folder.Close() // nothing was written
		return err
	}
	r.folder.Forget() // all but the embeddings is packed
	return nil
}

func (r *reader) leftOver(family string, ignore func(name string) bool) error {
	var extra []string
	for name := range r.unread {
		if !ignore(name) {
			extra = append(extra, name)
		}
	}
	if len(extra) == 0 {
		return nil
	}
	return fmt.Errorf("%s: tensor %s is not part of this %s (%d such)", r.folder.Name, brief.Quote(slices.Min(extra)), family, len(extra))
}
