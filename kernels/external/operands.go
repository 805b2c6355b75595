package external

import (
	"runtime"
	"unsafe"

	"github.com/attnbench/attnbench/kernels"
)

// newOperands states t as C does, pinned.
func newOperands(t *kernels.Tensors, pins *runtime.Pinner) *operands {
	c := &operands{
		size: unsafe.Sizeof(operands{}),
		q:    address(pins, newTensor(&t.Q, pins)), k: address(pins, newTensor(&t.K, pins)),
		v: address(pins, newTensor(&t.V, pins)), o: address(pins, newTensor(&t.O, pins)),
		lse: slice(pins, t.LSE), sinkLogits: slice(pins, t.SinkLogits),
	}
	return c
}

func newTensor(t *kernels.Tensor, pins *runtime.Pinner) *tensor {
	c := &tensor{
		size:  unsafe.Sizeof(tensor{}),
		dtype: int64(t.DType),
		batch: int64(t.Batch), heads: int64(t.Heads), length: int64(t.Len), dim: int64(t.Dim),
		batchStride: int64(t.BatchStride), headStride: int64(t.HeadStride), rowStride: int64(t.RowStride),
		pageSize: int64(t.PageSize), pages: slice(pins, t.Pages),
		scales: slice(pins, t.Scales), scaleStride: int64(t.ScaleStride),
	}
	switch t.DType {
	case kernels.Float32:
		c.data = slice(pins, t.Float32)
	case kernels.Int8:
		c.data = slice(pins, t.Int8)
	default:
		c.data = slice(pins, t.Half)
	}
	return c
}
