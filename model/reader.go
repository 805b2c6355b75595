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

func (r *reader) close() { _ = r.folder.Close() } // nothing was written

func (r *reader) floats(name string, shape ...int) []float32 {
	return r.exactly(r.prefix+name, shape...)
}

// exactly reads a tensor whose name takes no prefix.
func (r *reader) exactly(name string, shape ...int) []float32 {
	if r.err != nil {
		return nil
	}
	delete(r.unread, name)
	var x []float32
	x, r.err = r.folder.Floats(name, shape...)
	r.parameters += len(x)
	return x
}

// has reports whether there is a tensor of this name, which takes no prefix.
func (r *reader) has(name string) bool { return r.folder.Has(name) }

// same wants two tensors, of which only one is used, to be equal; it counts
// them once.
func (r *reader) same(nameA, nameB string, a, b []float32) {
	if r.err == nil && !slices.Equal(a, b) {
		r.err = fmt.Errorf("%s: tensor %q: must be equal to %s", r.folder.Name, nameA, nameB)
	}
	r.parameters -= len(a)
}

// linear reads a projection with a bias that is kept as [out, in], under a name
// that takes no prefix.
func (r *reader) linear(name string, in, out int) *projection {
	p := r.projection(r.exactly(name+".weight", out, in), r.exactly(name+".bias", out), in, out, true)
	return &p
}

func (r *reader) norm(name string, width int) norm {
	return norm{r.floats(name+".weight", width), r.floats(name+".bias", width)}
}

// projection packs what was read, unless reading failed.
func (r *reader) projection(weight, bias []float32, in, out int, transposed bool) projection {
	if r.err != nil {
		return projection{}
	}
	return newProjection(weight, bias, in, out, transposed)
}

// head reads a head [vocab, width] that takes no prefix. A tied one is the
// token embeddings; a file that says so may still have them a second time.
func (r *reader) head(name string, tie tying, tokens []float32, width, vocab int) projection {
	switch own := r.has(name); {
	case own && tie.stated && tie.tied:
		r.same(name, "the token embeddings", r.exactly(name, vocab, width), tokens)
	case own:
		tokens = r.exactly(name, vocab, width)
	case !tie.tied && r.err == nil:
		r.err = fmt.Errorf("%s: no tensor %q: must be there since tie_word_embeddings is false", r.folder.Name, name)
	}
	return r.projection(tokens, nil, width, vocab, true)
}

// finish reports the first error, or a tensor that the model would ignore: a
// file with more in it is not the model that the config describes.
func (r *reader) finish(family string, ignore func(name string) bool) error {
	if r.err != nil {
		return r.err
	}
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
