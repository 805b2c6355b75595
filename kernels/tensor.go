package kernels

import (
	"fmt"
	"math/rand/v2"
)

// A Tensor is a strided view of [Batch, Heads, Len, Dim] elements, so that a
// [batch, seq, head, dim] projection (BSHD), or one slice of a fused QKV
// buffer, is consumed without a copy. Rows of Dim elements are contiguous.
//
// With a PageSize the rows lie in pages of so many, anywhere in the data: row
// i of a batch element is row i%PageSize of page Pages[batch·n + i/PageSize],
// n pages a batch element, and BatchStride is the distance between pages.
type Tensor struct {
	DType   DType
	Float32 []float32 // the elements when DType is Float32
	Half    []uint16  // their bits when it is Float16 or BFloat16

	Batch, Heads, Len, Dim             int
	BatchStride, HeadStride, RowStride int // in elements

	PageSize int
	Pages    []int32
}

// NewTensor returns a zeroed contiguous BHSD tensor of float32.
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

// As returns a zeroed tensor of t's shape, contiguous or paged as given, with
// elements of another type. Pages are scattered as in a cache that has been in
// use, always in the same way.
func (t Tensor) As(dtype DType, pageSize int) Tensor {
	out := BHSD(nil, t.Batch, t.Heads, t.Len, t.Dim)
	n := t.Batch * t.Heads * t.Len * t.Dim
	if pageSize > 0 {
		out.PageSize, out.Pages = pageSize, scatter(t.Batch*pageCount(t.Len, pageSize))
		out.HeadStride = pageSize * t.Dim
		out.BatchStride = t.Heads * out.HeadStride
		n = len(out.Pages) * out.BatchStride
	}
	out.DType = dtype
	return out.over(n)
}

func pageCount(length, pageSize int) int { return (length + pageSize - 1) / pageSize }

// scatter returns a fixed permutation of 0..n−1.
func scatter(n int) []int32 {
	order := rand.New(rand.NewPCG(1, uint64(n))).Perm(n)
	pages := make([]int32, n)
	for i, page := range order {
		pages[i] = int32(page)
	}
	return pages
}

// Row returns the Dim elements at (batch, head, i) of a Float32 tensor.
func (t *Tensor) Row(batch, head, i int) []float32 {
	at := t.Offset(batch, head, i)
	return t.Float32[at : at+t.Dim : at+t.Dim]
}

// ReadRow returns the row's values: the row itself when the tensor is Float32,
// else dst[:Dim] with the halves widened into it.
func (t *Tensor) ReadRow(dst []float32, batch, head, i int) []float32 {
	if t.DType == Float32 {
		return t.Row(batch, head, i)
	}
	at := t.Offset(batch, head, i)
	dst = dst[:t.Dim]
	for c, h := range t.Half[at : at+t.Dim] {
		dst[c] = t.DType.Widen(h)
	}
	return dst
}

// WriteRow stores the row, rounded to the element type.
func (t *Tensor) WriteRow(src []float32, batch, head, i int) {
	if t.DType == Float32 {
		copy(t.Row(batch, head, i), src)
		return
	}
	at := t.Offset(batch, head, i)
	for c, x := range src[:t.Dim] {
		t.Half[at+c] = t.DType.Narrow(x)
	}
}

// Offset returns the index of the first element of row (batch, head, i).
func (t *Tensor) Offset(batch, head, i int) int {
	if t.PageSize == 0 {
		return batch*t.BatchStride + head*t.HeadStride + i*t.RowStride
	}
	page := t.Pages[batch*pageCount(t.Len, t.PageSize)+i/t.PageSize]
	return int(page)*t.BatchStride + head*t.HeadStride + i%t.PageSize*t.RowStride
}

// check reports whether the view has the wanted shape and stays in its data.
func (t *Tensor) check(name string, want Tensor) error {
	if t.Batch != want.Batch || t.Heads != want.Heads || t.Len != want.Len || t.Dim != want.Dim {
		return fmt.Errorf("%s of shape [%d %d %d %d]: must be [%d %d %d %d]",
			name, t.Batch, t.Heads, t.Len, t.Dim, want.Batch, want.Heads, want.Len, want.Dim)
	}
	if t.DType != want.DType || t.PageSize != want.PageSize {
		return fmt.Errorf("%s of %v in pages of %d: must be %v in pages of %d", name, t.DType, t.PageSize, want.DType, want.PageSize)
	}
	if t.BatchStride < 0 || t.HeadStride < 0 || t.RowStride < 0 {
		return fmt.Errorf("%s with strides %d, %d, %d: must not be negative", name, t.BatchStride, t.HeadStride, t.RowStride)
	}
	if t.PageSize > 0 {
		return t.checkPages(name)
	}
	return t.checkEnd(name, t.Offset(t.Batch-1, t.Heads-1, t.Len-1)+t.Dim)
}

func (t *Tensor) checkPages(name string) error {
	if want := t.Batch * pageCount(t.Len, t.PageSize); len(t.Pages) != want {
		return fmt.Errorf("%s with %d pages: must be %d", name, len(t.Pages), want)
	}
	last := int32(0)
	for i, page := range t.Pages {
		if page < 0 {
			return fmt.Errorf("%s: entry %d of the page table is %d: must not be negative", name, i, page)
		}
		last = max(last, page)
	}
	return t.checkEnd(name, int(last)*t.BatchStride+(t.Heads-1)*t.HeadStride+(t.PageSize-1)*t.RowStride+t.Dim)
}

func (t *Tensor) checkEnd(name string, end int) error {
	if have := len(t.Float32) + len(t.Half); end > have || t.DType == Float32 && t.Half != nil || t.DType != Float32 && t.Float32 != nil {
		return fmt.Errorf("%s of %d %v elements: the view needs %d", name, have, t.DType, end)
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

// NewTensors returns zeroed operands for p, LSE included, contiguous but for a
// paged K and V.
func NewTensors(p Problem) Tensors {
	t := shapes(p)
	t.Q, t.O = t.Q.As(p.DType, 0), t.O.As(p.DType, 0)
	t.K, t.V = t.K.As(p.KVDType, p.PageSize), t.V.As(p.KVDType, p.PageSize)
	t.LSE = make([]float32, p.Batch*p.Heads*p.QLen)
	if p.SinkLogits {
		t.SinkLogits = make([]float32, p.Heads)
	}
	return t
}

// shapes returns operands without data.
func shapes(p Problem) Tensors {
	q := BHSD(nil, p.Batch, p.Heads, p.QLen, p.HeadDim)
	kv := BHSD(nil, p.Batch, p.KVHeads, p.KVLen, p.HeadDim)
	q.DType, kv.DType, kv.PageSize = p.DType, p.KVDType, p.PageSize
	return Tensors{Q: q, K: kv, V: kv, O: q}
}

// Check reports the first operand that does not fit p.
func (t *Tensors) Check(p Problem) error {
	want := shapes(p)
	for _, x := range []struct {
		name    string
		t, want *Tensor
	}{{"Q", &t.Q, &want.Q}, {"K", &t.K, &want.K}, {"V", &t.V, &want.V}, {"O", &t.O, &want.O}} {
		if err := x.t.check(x.name, *x.want); err != nil {
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
