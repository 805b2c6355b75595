package safetensors

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/attnbench/attnbench/model/internal/brief"
)

// The files of a folder that Hugging Face wrote: the weights, or an index of
// the files that they are spread over.
const (
	singleFile = "model.safetensors"
	indexFile  = "model.safetensors.index.json"
)

// A Folder has the weights of a model, from one file or from several shards.
// No tensor is in it twice.
type Folder struct {
	Name  string           // of the file that says what is there
	where map[string]*File // of each tensor
	files []*File
}

// OpenFolder opens model.safetensors or, where there is none, every shard that
// model.safetensors.index.json names. Each tensor must be in the shard that the
// index says, and in the index.
func OpenFolder(fsys fs.FS) (*Folder, error) {
	f, err := Open(fsys, singleFile)
	if err == nil {
		d := &Folder{Name: singleFile, where: make(map[string]*File), files: []*File{f}}
		for name := range f.Tensors {
			d.where[name] = f
		}
		return d, nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	text, indexErr := fs.ReadFile(fsys, indexFile)
	if errors.Is(indexErr, fs.ErrNotExist) {
		return nil, err // the usual file is the one to ask for
	}
	if indexErr != nil {
		return nil, indexErr
	}
	return openShards(fsys, text)
}

// openShards opens the shards of an index.
func openShards(fsys fs.FS, text []byte) (*Folder, error) {
	index, err := parseIndex(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", indexFile, err)
	}
	d := &Folder{Name: indexFile, where: make(map[string]*File)}
	for _, shard := range slices.Sorted(maps.Keys(index)) {
		f, err := Open(fsys, shard)
		if err == nil {
			d.files = append(d.files, f)
			err = d.add(f, index[shard])
		}
		if err != nil {
			d.Close()
			return nil, err
		}
	}
	return d, nil
}

// parseIndex returns the tensors that an index says are in each shard. A shard
// is a safetensors file beside the index: an index cannot lead to another, to
// itself or out of the folder.
func parseIndex(text []byte) (map[string][]string, error) {
	var index struct {
		WeightMap map[string]string `json:"weight_map"`
	}
	if err := json.Unmarshal(text, &index); err != nil {
		return nil, err
	}
	if len(index.WeightMap) == 0 {
		return nil, errors.New("no weight_map: must say which file each tensor is in")
	}
	shards := make(map[string][]string)
	for _, name := range slices.Sorted(maps.Keys(index.WeightMap)) {
		shard := index.WeightMap[name]
		if path.Ext(shard) != ".safetensors" || strings.ContainsAny(shard, `/\`) || !fs.ValidPath(shard) {
			return nil, fmt.Errorf("tensor %s in %s: must be in a .safetensors file beside the index", brief.Quote(name), brief.Quote(shard))
		}
		shards[shard] = append(shards[shard], name)
	}
	return shards, nil
}

// add takes the tensors of a shard, which must be those that the index names.
func (d *Folder) add(f *File, names []string) error {
	for _, name := range names {
		if _, ok := f.Tensors[name]; !ok {
			return fmt.Errorf("%s: no tensor %s: must be there, as %s says", f.Name, brief.Quote(name), indexFile)
		}
		d.where[name] = f
	}
	for _, name := range slices.Sorted(maps.Keys(f.Tensors)) {
		if d.where[name] != f {
			return fmt.Errorf("%s: tensor %s: is not in this file, as %s says", f.Name, brief.Quote(name), indexFile)
		}
	}
	return nil
}

// Has reports whether there is a tensor of this name.
func (d *Folder) Has(name string) bool { return d.where[name] != nil }

// Names returns the names of the tensors, sorted.
func (d *Folder) Names() []string { return slices.Sorted(maps.Keys(d.where)) }

// Matrix is that of the file which has the tensor.
func (d *Folder) Matrix(name string, shape ...int) (Matrix, error) {
	f, ok := d.where[name]
	if !ok {
		return Matrix{}, fmt.Errorf("%s: no tensor %q: must be there, of shape %v", d.Name, name, shape)
	}
	return f.Matrix(name, shape...)
}

// Forget lets go of what has been looked at in mapped files, so that they
// take no memory of the process until it is looked at again.
func (d *Folder) Forget() {
	for _, f := range d.files {
		if f.unmap != nil {
			forget(f.data)
		}
	}
}

// Close releases the files.
func (d *Folder) Close() error {
	var errs []error
	for _, f := range d.files {
		errs = append(errs, f.Close())
	}
	return errors.Join(errs...)
}
