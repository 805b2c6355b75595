// Package safetensors reads weights as Hugging Face stores them, with every
// offset checked before it is used.
package safetensors

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/bits"
	"os"
	"runtime"
	"slices"
	"strings"

	"github.com/attnbench/attnbench/model/internal/brief"
)

// maxHeader is the limit that the safetensors format sets on its header.
const maxHeader = 100_000_000

// A File is an open safetensors file: 8 bytes with the header's length,
// little-endian; the header, JSON; the data. Its header has been checked
// against the file, so that reading a tensor needs no more checks.
//
// Note: github.com/nlpodyssey/safetensors refuses the same files (the tests
// hold the two against each other), but names neither the tensor nor what was
// expected, and wants the whole file in memory beside the widened weights.
type File struct {
	Name    string
	Tensors map[string]Info
	data    []byte // of the whole file; mapped where that is possible
	start   int64  // where the tensors' data begins in it
	unmap   func([]byte) error
	cleanup runtime.Cleanup
}

// An Info is one entry of the header.
type Info struct {
	DType   string
	Shape   []int64
	Offsets []int64 // begin and end in the data
}

// dtypeSizes has the bytes of an element of each type that a file may hold;
// only float types can be read.
var dtypeSizes = map[string]int64{
	"BOOL": 1, "U8": 1, "I8": 1, "F8_E5M2": 1, "F8_E4M3": 1, "F8_E8M0": 1,
	"I16": 2, "U16": 2, "F16": 2, "BF16": 2,
	"I32": 4, "U32": 4, "F32": 4,
	"I64": 8, "U64": 8, "F64": 8, "C64": 8,
}

// Open opens a safetensors file and checks its header. A file of the operating
// system is mapped, so that it opens at once whatever its size; it stays so
// until Close, or until nothing refers to the File.
func Open(fsys fs.FS, name string) (*File, error) {
	f, err := fsys.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close() // a mapping stays
	w := &File{Name: name}
	if err = w.attach(f); err == nil {
		err = w.readHeader()
	}
	if err != nil {
		_ = w.Close()
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return w, nil
}

// Close releases the file. Nothing that came from it may be used afterwards.
func (w *File) Close() error {
	if w.unmap == nil {
		return nil
	}
	w.cleanup.Stop()
	unmap := w.unmap
	w.unmap = nil
	return unmap(w.data)
}

// attach maps f or, where that is not possible, reads it.
func (w *File) attach(f fs.File) error {
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if info.IsDir() {
		return errors.New("is a directory")
	}
	if file, ok := f.(*os.File); ok {
		if w.data, w.unmap = mapFile(file, info.Size()); w.data != nil {
			w.cleanup = runtime.AddCleanup(w, func(m mapping) { _ = m.unmap(m.data) }, mapping{w.data, w.unmap})
			return nil
		}
	}
	w.data, err = io.ReadAll(f)
	return err
}

// A mapping is what remains to be released of a File that nothing refers to.
type mapping struct {
	data  []byte
	unmap func([]byte) error
}

// readHeader reads the header and checks every entry against the file.
func (w *File) readHeader() error {
	size := int64(len(w.data))
	if size < 8 {
		return fmt.Errorf("file of %d bytes: must begin with the header's length in 8 bytes", size)
	}
	length := binary.LittleEndian.Uint64(w.data)
	if length > maxHeader || int64(length) > size-8 {
		return fmt.Errorf("header of %d bytes: must be at most %d, and the file has %d after the length", length, maxHeader, size-8)
	}
	var err error
	if w.Tensors, err = parseHeader(w.data[8 : 8+length]); err != nil {
		return err
	}
	w.start = 8 + int64(length)
	return checkLayout(w.Tensors, size-w.start)
}

// parseHeader decodes the entries but for __metadata__, each checked by itself.
func parseHeader(text []byte) (map[string]Info, error) {
	var raw map[string]json.RawMessage
	if err := json.Unmarshal(text, &raw); err != nil {
		return nil, fmt.Errorf("header: %w", err)
	}
	tensors := make(map[string]Info, len(raw))
	for name, entry := range raw {
		if name == "__metadata__" {
			continue
		}
		info, err := parseEntry(entry)
		if err != nil {
			return nil, fmt.Errorf("tensor %s: %w", brief.Quote(name), err)
		}
		if err := info.check(); err != nil {
			return nil, fmt.Errorf("tensor %s: %w", brief.Quote(name), err)
		}
		tensors[name] = info
	}
	return tensors, nil
}

// parseEntry decodes one entry. Its keys count as they are written, while
// encoding/json alone would take any capitals.
func parseEntry(entry []byte) (info Info, err error) {
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(entry, &fields); err != nil {
		return info, err
	}
	for _, field := range []struct {
		key  string
		into any
	}{{"dtype", &info.DType}, {"shape", &info.Shape}, {"data_offsets", &info.Offsets}} {
		if value, ok := fields[field.key]; ok {
			if err := json.Unmarshal(value, field.into); err != nil {
				return info, err
			}
		}
	}
	return info, nil
}

// check reports an entry whose shape and type do not fill its bytes exactly.
func (t Info) check() error {
	size, known := dtypeSizes[t.DType]
	if !known {
		return fmt.Errorf("dtype %s: must be one of the safetensors types, such as F32, F16 or BF16", brief.Quote(t.DType))
	}
	if len(t.Offsets) != 2 || t.Offsets[0] < 0 || t.Offsets[1] < t.Offsets[0] {
		return fmt.Errorf("data_offsets %s: must be begin and end with 0 ≤ begin ≤ end", brief.List(t.Offsets))
	}
	if t.Shape == nil {
		return errors.New("no shape: must be a list, [] for one element")
	}
	need := uint64(size)
	for _, dim := range t.Shape {
		if dim < 0 {
			return fmt.Errorf("shape %s: dimensions must not be negative", brief.List(t.Shape))
		}
		high, low := bits.Mul64(need, uint64(dim))
		if high != 0 {
			return fmt.Errorf("shape %s of %s: the byte count must fit 64 bits", brief.List(t.Shape), t.DType)
		}
		need = low
	}
	if have := uint64(t.Offsets[1] - t.Offsets[0]); have != need {
		return fmt.Errorf("data_offsets %v span %d bytes: shape %s of %s needs %d", t.Offsets, have, brief.List(t.Shape), t.DType, need)
	}
	return nil
}

// checkLayout reports tensors that overlap, leave a hole, or do not end where
// the data does.
func checkLayout(tensors map[string]Info, size int64) error {
	names := make([]string, 0, len(tensors))
	for name := range tensors {
		names = append(names, name)
	}
	slices.SortFunc(names, func(a, b string) int {
		if c := slices.Compare(tensors[a].Offsets, tensors[b].Offsets); c != 0 {
			return c
		}
		return strings.Compare(a, b)
	})
	var end int64
	for _, name := range names {
		offsets := tensors[name].Offsets
		if offsets[1] > size {
			return fmt.Errorf("tensor %s: data_offsets %v: the file has %d bytes of data", brief.Quote(name), offsets, size)
		}
		if offsets[0] != end {
			return fmt.Errorf("tensor %s: data_offsets %v: must begin at %d, where the tensor before it ends", brief.Quote(name), offsets, end)
		}
		end = offsets[1]
	}
	if end != size {
		return fmt.Errorf("data of %d bytes: the tensors end at %d", size, end)
	}
	return nil
}
