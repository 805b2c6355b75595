package safetensors

import (
	"encoding/binary"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"unsafe"

	"github.com/attnbench/attnbench/model/internal/brief"
)

// A Matrix is a tensor of floats as it is stored: of two dimensions, or of one
// as a single row. It is never written, and valid until its file is closed.
type Matrix struct {
	Rows, Width int

	floats []float32 // when they can be used where they lie
	raw    []byte    // else, little-endian
	size   int       // bytes of a raw element
	widen  func(dst []float32, src []byte)
}

// FromFloats returns a matrix of float32 values, which it keeps.
func FromFloats(x []float32, width int) Matrix {
	return Matrix{Rows: len(x) / width, Width: width, floats: x}
}

// Matrix returns tensor name, which must have the wanted shape, one of the
// types F32, F16 and BF16, and finite elements only.
func (w *File) Matrix(name string, shape ...int) (Matrix, error) {
	info, ok := w.Tensors[name]
	if !ok {
		return Matrix{}, fmt.Errorf("%s: no tensor %q: must be there, of shape %v", w.Name, name, shape)
	}
	if !sameShape(info.Shape, shape) {
		return Matrix{}, fmt.Errorf("%s: tensor %q of shape %s: must be %v", w.Name, name, brief.List(info.Shape), shape)
	}
	widen, ok := wideners[info.DType]
	if !ok {
		return Matrix{}, fmt.Errorf("%s: tensor %q of dtype %s: must be F32, F16 or BF16", w.Name, name, info.DType)
	}
	m := Matrix{Rows: 1, Width: shape[len(shape)-1], size: int(dtypeSizes[info.DType]), widen: widen}
	if len(shape) == 2 {
		m.Rows = shape[0]
	}
	m.raw = w.data[w.start+info.Offsets[0] : w.start+info.Offsets[1]]
	if info.DType == "F32" {
		m.floats = asFloats(m.raw)
	}
	if at := m.firstNotFinite(); at >= 0 {
		return Matrix{}, fmt.Errorf("%s: tensor %q: element %d of row %d is %v: must be finite", w.Name, name, at%m.Width, at/m.Width, m.at(at))
	}
	return m, nil
}

// littleEndian reports whether numbers in memory lie as in a file.
var littleEndian = binary.NativeEndian.Uint16([]byte{1, 0}) == 1

// asFloats views bytes as floats where they lie, or returns nil where the
// machine has them in another order or not at such an address.
func asFloats(raw []byte) []float32 {
	if !littleEndian || len(raw) == 0 || uintptr(unsafe.Pointer(&raw[0]))%unsafe.Alignof(float32(0)) != 0 {
		return nil
	}
	return unsafe.Slice((*float32)(unsafe.Pointer(&raw[0])), len(raw)/4)
}

// Row copies row i, widened, to dst [Width].
func (m *Matrix) Row(dst []float32, i int) {
	if m.floats != nil {
		copy(dst, m.floats[i*m.Width:(i+1)*m.Width])
		return
	}
	m.widen(dst[:m.Width], m.raw[i*m.Width*m.size:])
}

// Floats returns all elements: where they are stored if they can be used there,
// else widened. They must not be written.
func (m *Matrix) Floats() []float32 {
	if m.floats != nil || m.Rows*m.Width == 0 {
		return m.floats
	}
	x := make([]float32, m.Rows*m.Width)
	each(len(x), func(lo, hi int) { m.widen(x[lo:hi], m.raw[lo*m.size:]) })
	return x
}

// InPlace returns the elements where they are stored, or nil when they must be
// widened.
func (m *Matrix) InPlace() []float32 { return m.floats }

// at returns an element.
func (m *Matrix) at(i int) float32 {
	if m.floats != nil {
		return m.floats[i]
	}
	var x [1]float32
	m.widen(x[:], m.raw[i*m.size:])
	return x[0]
}

// firstNotFinite returns the place of the first element that is NaN or
// infinite, or −1.
func (m *Matrix) firstNotFinite() int {
	var mu sync.Mutex
	first := -1
	each(m.Rows*m.Width, func(lo, hi int) {
		at := m.notFinite(lo, hi)
		mu.Lock()
		defer mu.Unlock()
		if at >= 0 && (first < 0 || at < first) {
			first = at
		}
	})
	return first
}

// notFinite is firstNotFinite among the elements lo..hi.
func (m *Matrix) notFinite(lo, hi int) int {
	var buf [1024]float32
	for ; lo < hi; lo += len(buf) {
		end := min(lo+len(buf), hi)
		part := buf[:end-lo]
		if m.floats != nil {
			part = m.floats[lo:end]
		} else {
			m.widen(part, m.raw[lo*m.size:])
		}
		if !finite(part) {
			return lo + slices.IndexFunc(part, func(v float32) bool { return !finite([]float32{v}) })
		}
	}
	return -1
}

// finite adds up 0·x, which is NaN unless x is finite.
func finite(x []float32) bool {
	var a, b, c, d float32
	for ; len(x) >= 4; x = x[4:] {
		a, b, c, d = a+0*x[0], b+0*x[1], c+0*x[2], d+0*x[3]
	}
	for _, v := range x {
		a += 0 * v
	}
	return a+b+c+d == 0
}

// each calls body for blocks that cover 0..n−1, on all processors.
func each(n int, body func(lo, hi int)) {
	const block = 1 << 18
	var next atomic.Int64
	work := func() {
		for {
			hi := int(next.Add(block))
			if hi-block >= n {
				return
			}
			body(hi-block, min(hi, n))
		}
	}
	var wg sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), (n+block-1)/block) - 1 {
		wg.Go(work)
	}
	work()
	wg.Wait()
}
