package kernels

import "fmt"

// A Tensor is a strided view of [Batch, Heads, Len, Dim] elements, so that a
// [batch, seq, head, dim] projection (BSHD), or one slice of a fused QKV
// buffer, is consumed without a copy. Rows of Dim elements are contiguous.
type Tensor struct {
	DType   DType
	Float32 []float32 // the elements when DType is Float32

	Batch, Heads, Len, Dim             int
	BatchStride, HeadStride, RowStride int // in elements
}

// NewTensor returns a zeroed contiguous BHSD tensor.
func NewTensor(batch, heads, length, dim int) Tensor {
	return BHSD(make([]float32, batch*heads*length*dim), batch, heads, length, dim)
}

// BHSD views data as contiguous [batch, heads, length, dim].
func BHSD(data []float32, batch, heads, length, dim int) Tensor {
	return Tensor{
		Float32: data,
		Batch:   batch, Heads: heads, Len: length, Dim: dim,
		BatchStride: heads * length * dim, HeadStride: length * dim, RowStride: dim,
	}
}

// BSHD views data as [batch, length, heads, dim] with rowStride elements
// between the tokens of a sequence: heads·dim when nothing lies between them,
// more for a slice of a fused projection.
func BSHD(data []float32, batch, heads, length, dim, rowStride int) Tensor {
	return Tensor{
		Float32: data,
		Batch:   batch, Heads: heads, Len: length, Dim: dim,
		BatchStride: length * rowStride, HeadStride: dim, RowStride: rowStride,
	}
}

// Row returns the Dim elements at (batch, head, i).
func (t *Tensor) Row(batch, head, i int) []float32 {
	at := t.Offset(batch, head, i)
	return t.Float32[at : at+t.Dim : at+t.Dim]
}

// Offset returns the index of the first element of row (batch, head, i).
func (t *Tensor) Offset(batch, head, i int) int {
	return batch*t.BatchStride + head*t.HeadStride + i*t.RowStride
}

// check reports whether the view has the wanted shape and stays in its data.
func (t *Tensor) check(name string, batch, heads, length, dim int) error {
	if t.Batch != batch || t.Heads != heads || t.Len != length || t.Dim != dim {
		return fmt.Errorf("%s of shape [%d %d %d %d]: must be [%d %d %d %d]",
			name, t.Batch, t.Heads, t.Len, t.Dim, batch, heads, length, dim)
	}
	if t.BatchStride < 0 || t.HeadStride < 0 || t.RowStride < 0 {
		return fmt.Errorf("%s with strides %d, %d, %d: must not be negative", name, t.BatchStride, t.HeadStride, t.RowStride)
	}
	if end := t.Offset(batch-1, heads-1, length-1) + dim; end > len(t.Float32) {
		return fmt.Errorf("%s of %d elements: the view needs %d", name, len(t.Float32), end)
	}
	return nil
}

// Tensors are the operands of one call. K and V may share memory with nothing
// that is written; O must not overlap any other operand.
type Tensors struct {
	Q, K, V, O Tensor
	LSE        []float32 // [Batch, Heads, QLen] contiguous, or nil when not wanted
	SinkLogits []float32 // [Heads], read when the Problem has them
}

// NewTensors returns contiguous operands for p, LSE included.
func NewTensors(p Problem) Tensors {
	t := Tensors{
		Q:   NewTensor(p.Batch, p.Heads, p.QLen, p.HeadDim),
		K:   NewTensor(p.Batch, p.KVHeads, p.KVLen, p.HeadDim),
		V:   NewTensor(p.Batch, p.KVHeads, p.KVLen, p.HeadDim),
		O:   NewTensor(p.Batch, p.Heads, p.QLen, p.HeadDim),
		LSE: make([]float32, p.Batch*p.Heads*p.QLen),
	}
	if p.SinkLogits {
		t.SinkLogits = make([]float32, p.Heads)
	}
	return t
}

// Check reports the first operand that does not fit p.
func (t *Tensors) Check(p Problem) error {
	for _, x := range []struct {
		name       string
		t          *Tensor
		heads, len int
	}{{"Q", &t.Q, p.Heads, p.QLen}, {"K", &t.K, p.KVHeads, p.KVLen}, {"V", &t.V, p.KVHeads, p.KVLen}, {"O", &t.O, p.Heads, p.QLen}} {
		if x.t.DType != p.DType {
			return fmt.Errorf("%s is %v: must be %v", x.name, x.t.DType, p.DType)
		}
		if err := x.t.check(x.name, p.Batch, x.heads, x.len, p.HeadDim); err != nil {
			return err
		}
	}
	if want := p.Batch * p.Heads * p.QLen; t.LSE != nil && len(t.LSE) != want {
		return fmt.Errorf("lse of %d elements: must be %d", len(t.LSE), want)
	}
	if p.SinkLogits && len(t.SinkLogits) != p.Heads {
		return fmt.Errorf("%d sink logits: must be one for each of %d heads", len(t.SinkLogits), p.Heads)
	}
	return nil
}
