//go:build cuda

package cuda

import (
	"unsafe"

	"github.com/attnbench/attnbench/kernels"
)

// A staging copies between a caller's strided tensors and the device's layout,
// contiguous [batch, head, position, width]. Its buffer grows to the largest
// tensor and is used again.
type staging struct {
	floats []float32
	halves []uint16
}

// room returns the buffer for a tensor, as a place to copy to or from.
func (s *staging) room(t *kernels.Tensor, width int) (first unsafe.Pointer, bytes int64) {
	n := t.Batch * t.Heads * t.Len * width
	if t.DType == kernels.Float32 {
		s.floats = grow(s.floats, n)
		return unsafe.Pointer(&s.floats[0]), int64(n) * 4
	}
	s.halves = grow(s.halves, n)
	return unsafe.Pointer(&s.halves[0]), int64(n) * 2
}

func grow[T any](s []T, n int) []T {
	if n > cap(s) {
		return make([]T, n)
	}
	return s[:n]
}

// gather copies a tensor into the buffer, with zeros behind each row.
func (s *staging) gather(t *kernels.Tensor, width int) (first unsafe.Pointer, bytes int64) {
	first, bytes = s.room(t, width)
	eachRow(t, func(i, at int) {
		if t.DType == kernels.Float32 {
			clear(s.floats[i*width+copy(s.floats[i*width:], t.Float32[at:at+t.Dim]) : (i+1)*width])
		} else {
			clear(s.halves[i*width+copy(s.halves[i*width:], t.Half[at:at+t.Dim]) : (i+1)*width])
		}
	})
	return first, bytes
}

// scatter copies the buffer into a tensor.
func (s *staging) scatter(t *kernels.Tensor, width int) {
	eachRow(t, func(i, at int) {
		if t.DType == kernels.Float32 {
			copy(t.Float32[at:at+t.Dim], s.floats[i*width:])
		} else {
			copy(t.Half[at:at+t.Dim], s.halves[i*width:])
		}
	})
}

// eachRow calls f with the number of every row, in the device's order, and with
// the index of its first element.
func eachRow(t *kernels.Tensor, f func(i, at int)) {
	i := 0
	for b := range t.Batch {
		for h := range t.Heads {
			for r := range t.Len {
				f(i, t.Offset(b, h, r))
				i++
			}
		}
	}
}
