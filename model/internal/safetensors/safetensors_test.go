package safetensors

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io/fs"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/nlpodyssey/safetensors"
)

// raw assembles a file from a header and n bytes of data.
func raw(header string, n int) []byte {
	file := binary.LittleEndian.AppendUint64(nil, uint64(len(header)))
	return append(append(file, header...), make([]byte, n)...)
}

// withLength assembles a file whose header claims a length of its own.
func withLength(length uint64, rest string) []byte {
	return append(binary.LittleEndian.AppendUint64(nil, length), rest...)
}

func open(file []byte) (*File, error) {
	return Open(fstest.MapFS{"w": {Data: file}}, "w")
}

// TestHostileWeights has files that must be refused with a line that names
// what is wrong, and holds our verdict against another implementation's.
func TestHostileWeights(t *testing.T) {
	const good = `{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}`
	for _, c := range []struct {
		name string
		file []byte
		want string
	}{
		{"empty", nil, "file of 0 bytes"},
		{"cut in the length", []byte{1, 2, 3}, "file of 3 bytes"},
		{"header beyond the file", withLength(100, "{}"), "header of 100 bytes"},
		{"header of 2⁶⁴−1", withLength(math.MaxUint64, "{}"), "header of 18446744073709551615 bytes"},
		{"header of 2⁶³", withLength(1<<63, "{}"), "header of 9223372036854775808 bytes"},
		{"not JSON", raw("{", 0), "header: unexpected end of JSON"},
		{"not an object", raw("[1]", 0), "header: json"},
		{"no header", raw("", 0), "header: unexpected end of JSON"},
		{"entry is null", raw(`{"a":null}`, 0), `tensor "a": dtype ""`},
		{"entry is a number", raw(`{"a":1}`, 0), `tensor "a"`},
		{"unknown type", raw(`{"a":{"dtype":"F33","shape":[],"data_offsets":[0,4]}}`, 4), `tensor "a": dtype "F33"`},
		{"no offsets", raw(`{"a":{"dtype":"F32","shape":[0]}}`, 0), `tensor "a": data_offsets []`},
		{"three offsets", raw(`{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4,4]}}`, 4), `data_offsets [0 4 4]`},
		{"end before begin", raw(`{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,0]}}`, 4), `data_offsets [4 0]`},
		{"negative offset", raw(`{"a":{"dtype":"F32","shape":[1],"data_offsets":[-4,0]}}`, 4), `data_offsets [-4 0]`},
		{"fractional offset", raw(`{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4.5]}}`, 4), `tensor "a": json`},
		{"offset beyond 64 bits", raw(`{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,99999999999999999999]}}`, 4), `tensor "a": json`},
		{"negative dimension", raw(`{"a":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}}`, 4), `shape [-1]`},
		{"shape wants more", raw(`{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}}`, 4), "needs 8"},
		{"shape wants less", raw(`{"a":{"dtype":"F16","shape":[1],"data_offsets":[0,4]}}`, 4), "needs 2"},
		{"shape overflows", raw(`{"a":{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,0]}}`, 0), "must fit 64 bits"},
		{"bytes overflow", raw(`{"a":{"dtype":"F64","shape":[2305843009213693952],"data_offsets":[0,0]}}`, 0), "must fit 64 bits"},
		{"beyond the data", raw(good+"}", 7), "the file has 7 bytes of data"},
		{"data left over", raw(good+"}", 9), "data of 9 bytes: the tensors end at 8"},
		{"hole", raw(good+`,"b":{"dtype":"F32","shape":[1],"data_offsets":[12,16]}}`, 16), `tensor "b": data_offsets [12 16]: must begin at 8`},
		{"overlap", raw(good+`,"b":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}`, 8), `tensor "b": data_offsets [4 8]: must begin at 8`},
		{"twice the same bytes", raw(good+`,"b":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}`, 8), `tensor "b": data_offsets [0 8]: must begin at 8`},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := open(c.file)
			if err == nil || !strings.Contains(err.Error(), c.want) || !strings.HasPrefix(err.Error(), "w: ") {
				t.Errorf("error %v: want %q in it", err, c.want)
			}
			if err != nil && strings.Contains(err.Error(), "\n") {
				t.Errorf("error of several lines: %v", err)
			}
			if _, err := safetensors.Deserialize(c.file); err == nil {
				t.Error("another implementation accepts the file")
			}
		})
	}
}

func TestLongNamesAreCut(t *testing.T) {
	_, err := open(raw(`{"`+strings.Repeat("x", 1<<20)+`":{}}`, 0))
	if err == nil || len(err.Error()) > 300 {
		t.Errorf("error of %d bytes", len(fmt.Sprint(err)))
	}
}

// TestWeightsOfAnotherWriter reads what another implementation wrote, through
// a file that can be read at any place and through one that cannot.
func TestWeightsOfAnotherWriter(t *testing.T) {
	rng := rand.New(rand.NewPCG(20260303, 1))
	want := map[string][]float32{}
	views := map[string]safetensors.TensorView{}
	for i, n := range []int{0, 1, 7, 20000} {
		x, data := make([]float32, n), []byte{}
		for j := range x {
			x[j] = float32(rng.NormFloat64())
			data = binary.LittleEndian.AppendUint32(data, math.Float32bits(x[j]))
		}
		view, err := safetensors.NewTensorView(safetensors.F32, []uint64{uint64(n)}, data)
		if err != nil {
			t.Fatal(err)
		}
		name := fmt.Sprintf("t%d", i)
		want[name], views[name] = x, view
	}
	file, err := safetensors.Serialize(views, map[string]string{"format": "pt"})
	if err != nil {
		t.Fatal(err)
	}
	for _, fsys := range []fs.FS{fstest.MapFS{"w": {Data: file}}, streamFS(file)} {
		w, err := Open(fsys, "w")
		if err != nil {
			t.Fatal(err)
		}
		for name, x := range want {
			m, err := w.Matrix(name, len(x))
			if got := m.Floats(); err != nil || !equalBits(got, x) {
				t.Errorf("%T: %s differs (%v)", fsys, name, err)
			}
		}
		if err := w.Close(); err != nil {
			t.Error(err)
		}
	}
}

// A streamFS opens every name as one file that has Read only, as in a zip.
type streamFS []byte

func (s streamFS) Open(string) (fs.File, error) {
	f, err := fstest.MapFS{"w": {Data: s}}.Open("w")
	return struct{ fs.File }{f}, err
}

func TestFloatsErrors(t *testing.T) {
	w, err := open(raw(`{"a":{"dtype":"I32","shape":[2,3],"data_offsets":[0,24]}}`, 24))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name  string
		shape []int
		want  string
	}{
		{"b", []int{2, 3}, `w: no tensor "b": must be there, of shape [2 3]`},
		{"a", []int{3, 2}, `w: tensor "a" of shape [2 3]: must be [3 2]`},
		{"a", []int{6}, `must be [6]`},
		{"a", []int{2, 3}, `w: tensor "a" of dtype I32: must be F32, F16 or BF16`},
	} {
		if _, err := w.Matrix(c.name, c.shape...); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("error %v: want %q in it", err, c.want)
		}
	}
}

// TestWidenHalf checks all 65536 values against the definition in float64.
func TestWidenHalf(t *testing.T) {
	for h := range 1 << 16 {
		exp, frac := h>>10&31, float64(h&1023)
		want := math.Ldexp(1+frac/1024, exp-15)
		switch {
		case exp == 0:
			want = math.Ldexp(frac, -24)
		case exp == 31 && frac == 0:
			want = math.Inf(1)
		case exp == 31:
			want = math.NaN()
		}
		if h>>15 == 1 {
			want = -want
		}
		got := float64(widenHalf(uint16(h)))
		if got != want && !(math.IsNaN(got) && math.IsNaN(want)) || math.Signbit(got) != (h>>15 == 1) {
			t.Fatalf("%#04x: %v, want %v", h, got, want)
		}
	}
}

// FuzzWeights: no file may crash the reader; what it refuses it refuses in a
// line, and what it accepts another implementation must accept with the same
// bytes.
func FuzzWeights(f *testing.F) {
	f.Add(raw(`{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}`, 8))
	f.Add(raw(`{"__metadata__":{"k":"v"},"a":{"dtype":"BF16","shape":[],"data_offsets":[0,2]}}`, 2))
	f.Add(withLength(1<<63, "{}"))
	f.Fuzz(func(t *testing.T, file []byte) {
		w, err := open(file)
		if err != nil {
			if text := err.Error(); strings.Contains(text, "\n") || len(text) > 1000 {
				t.Errorf("error of several lines or %d bytes", len(text))
			}
			return
		}
		other, err := safetensors.Deserialize(file)
		if err != nil {
			t.Fatalf("accepted a file that another implementation refuses: %v", err)
		}
		for name, info := range w.Tensors {
			shape := make([]int, len(info.Shape))
			for i, dim := range info.Shape {
				shape[i] = int(dim)
			}
			if len(shape) == 0 {
				continue
			}
			x, err := w.Matrix(name, shape...)
			if err == nil && int64(len(x.Floats()))*dtypeSizes[info.DType] != info.Offsets[1]-info.Offsets[0] {
				t.Fatalf("%q: %d elements in %v", name, len(x.Floats()), info.Offsets)
			}
			data := w.data[w.start+info.Offsets[0] : w.start+info.Offsets[1]]
			if view, ok := other.Tensor(name); ok && !bytes.Equal(view.Data(), data) {
				t.Fatalf("%q: other bytes", name)
			}
		}
	})
}

func equalBits(a, b []float32) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if math.Float32bits(a[i]) != math.Float32bits(b[i]) {
			return false
		}
	}
	return true
}
