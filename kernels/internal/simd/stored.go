package simd

import (
	"sync"
	"unsafe"

	"github.com/attnbench/attnbench/kernels"
)

// A Stored is a row-major matrix of any element type, with rows LD elements
// apart: keys or values as a cache holds them. Its numbers are widened as they
// are loaded, exactly.
type Stored struct {
	Float32 []float32 // the elements when DType is Float32
	Half    []uint16  // their bits when it is Float16 or BFloat16
	Int8    []int8    // the bytes when it is Int8: whole numbers, whatever their scales
	DType   kernels.DType
	LD      int
}

// spans tells whether x holds rows × cols elements.
func (x Stored) spans(rows, cols int) bool {
	return rows == 0 || cols == 0 || x.LD >= 0 && x.len() >= (rows-1)*x.LD+cols
}

func (x Stored) len() int {
	switch x.DType {
	case kernels.Float32:
		return len(x.Float32)
	case kernels.Int8:
		return len(x.Int8)
	}
	return len(x.Half)
}

// at is the address of the first element.
func (x Stored) at() *byte {
	switch x.DType {
	case kernels.Float32:
		return (*byte)(unsafe.Pointer(unsafe.SliceData(x.Float32)))
	case kernels.Int8:
		return (*byte)(unsafe.Pointer(unsafe.SliceData(x.Int8)))
	}
	return (*byte)(unsafe.Pointer(unsafe.SliceData(x.Half)))
}

// Fetch asks for rows of x, which will be read soon, to be brought into the
// second-level cache, and does not wait. The generic variant can't ask.
func (f *Funcs) Fetch(x Stored, rows, cols int) {
	if rows < 0 || cols < 0 {
		panic(errShape)
	}
	if !x.spans(rows, cols) {
		panic(errShort)
	}
	if rows > 0 && cols > 0 {
		size := int(x.DType.Size())
		f.fetch(x.at(), x.LD*size, rows, cols*size)
	}
}

// blockKeys is how many rows of halves are widened at a time where there are
// no instructions for it, and how many keys one block of rows leaves in the
// first-level cache for the next.
const blockKeys = 32

// wideRows are what widened lends: on the stack do would make it escape.
var wideRows = sync.Pool{New: func() any { return new([blockKeys * kernels.MaxHeadDim]float32) }}

// widened calls do for a few rows at a time, as floats, with the number of the
// first; it is for rows of at most kernels.MaxHeadDim halves.
func widened(x Stored, rows, cols int, do func(x []float32, first, n int)) {
	buf := wideRows.Get().(*[blockKeys * kernels.MaxHeadDim]float32)
	defer wideRows.Put(buf)
	for first := 0; first < rows; first += blockKeys {
		n := min(blockKeys, rows-first)
		for i := range n {
			if at := (first + i) * x.LD; x.DType == kernels.Int8 {
				dequantiseGeneric(buf[i*cols:], x.Int8[at:][:cols], 1)
			} else {
				widenGeneric(buf[i*cols:], x.Half[at:][:cols], x.DType)
			}
		}
		do(buf[:n*cols], first, n)
	}
}

// An Ahead says what will be read from memory after an operand, so that it is
// on its way meanwhile: rows of as many bytes as the operand's and as far apart.
// Those from Next on are brought into cache, and where one begins a page of
// memory, that of the row so many bytes beyond is translated. A Next of 0 stands
// for nothing.
type Ahead struct {
	Next   Place
	Beyond int
}

// A Place is an address that is only fetched, which can't fault: rows may lie
// beyond what they began in.
type Place uintptr
