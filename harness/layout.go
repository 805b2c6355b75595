package harness

import (
	"math"

	"github.com/attnbench/attnbench/kernels"
)

// A layout places the rows of a tensor in memory.
type layout struct {
	name    string
	strides func(t *kernels.Tensor) (batch, head, row int)
}

// layouts are those that kernels meet in practice, each with room after its
// rows that is not theirs.
var layouts = []layout{
	{"a fused projection", func(t *kernels.Tensor) (batch, head, row int) {
		row = t.Heads*t.Dim + 5
		return t.Len * row, t.Dim, row
	}},
	{"a cache with room to grow", func(t *kernels.Tensor) (batch, head, row int) {
		head = (t.Len + 3) * t.Dim
		return t.Heads*head + 7, head, t.Dim
	}},
}

// relaid returns operands with the contents of t in a layout, one element off
// any alignment and NaN in all gaps, and outputs of their own. What is paged
// stays in its pages.
func relaid(p kernels.Problem, t *kernels.Tensors, l layout) kernels.Tensors {
	out := *t
	for _, x := range []*kernels.Tensor{&out.Q, &out.K, &out.V, &out.O} {
		*x = relay(x, l)
	}
	out.LSE = make([]float32, p.Batch*p.Heads*p.QLen)
	return out
}

func relay(t *kernels.Tensor, l layout) kernels.Tensor {
	out := *t
	if t.PageSize > 0 {
		return t.Clone()
	}
	out.BatchStride, out.HeadStride, out.RowStride = l.strides(t)
	n := 1 + out.Offset(t.Batch-1, t.Heads-1, t.Len-1) + t.Dim + 3
	nan := math.Float32frombits(poisonKey)
	switch t.DType {
	case kernels.Float32:
		out.Float32 = make([]float32, n)[1:]
		fillSlice(out.Float32, nan)
	case kernels.Int8:
		out.Int8 = make([]int8, n)[1:]
		fillSlice(out.Int8, poisonByte)
		out.ScaleStride++
		out.Scales = make([]float32, t.Batch*t.Heads*out.ScaleStride)
		fillSlice(out.Scales, nan)
	default:
		out.Half = make([]uint16, n)[1:]
		fillSlice(out.Half, t.DType.Narrow(nan))
	}
	for b := range t.Batch {
		for h := range t.Heads {
			for i := range t.Len {
				out.CopyRow(b, h, i, t, b, h, i)
			}
		}
	}
	return out
}
