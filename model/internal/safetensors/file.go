// Package safetensors reads weights as Hugging Face stores them, with every
// offset checked before it is used.
package safetensors

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"math/bits"
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
	data    io.ReaderAt // of the whole file
	start   int64       // where the data begins in it
	Tensors map[string]Info
	close   func() error
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

// Open opens a safetensors file and checks its header.
func Open(fsys fs.FS, name string) (*File, error) {
	f, err := fsys.Open(name)
	if err != nil {
		return nil, err
	}
	w := &File{Name: name, close: f.Close}
	size, err := w.attach(f)
	if err == nil {
		err = w.readHeader(size)
	}
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return w, nil
}

// Close releases the file.
func (w *File) Close() error { return w.close() }

// attach finds a way to read f at any place and returns its size.
func (w *File) attach(f fs.File) (int64, error) {
	info, err := f.Stat()
	if err != nil {
		return 0, err
	}
	if info.IsDir() {
		return 0, fmt.Errorf("is a directory")
	}
	if r, ok := f.(io.ReaderAt); ok {
		w.data = r
		return info.Size(), nil
	}
	all, err := io.ReadAll(f)
	w.data = bytes.NewReader(all)
	return int64(len(all)), err
}

// readHeader reads the header of a file of size bytes and checks every entry.
func (w *File) readHeader(size int64) error {
	var prefix [8]byte
	if size < int64(len(prefix)) {
		return fmt.Errorf("file of %d bytes: must begin with the header's length in 8 bytes", size)
	}
	if _, err := w.data.ReadAt(prefix[:], 0); err != nil {
		return err
	}
	length := binary.LittleEndian.Uint64(prefix[:])
	if length > maxHeader || int64(length) > size-8 {
		return fmt.Errorf("header of %d bytes: must be at most %d, and the file has %d after the length", length, maxHeader, size-8)
	}
	text := make([]byte, length)
	if _, err := io.ReadFull(io.NewSectionReader(w.data, 8, int64(length)), text); err != nil {
		return err
	}
	var err error
	if w.Tensors, err = parseHeader(text); err != nil {
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
		return fmt.Errorf("no shape: must be a list, [] for one element")
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
