package kernels

import (
	"fmt"
	"math/rand/v2"
	"slices"

	"github.com/attnbench/attnbench/kernels/internal/memory"
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
	Int8    []int8    // the bytes when it is Int8

	Batch, Heads, Len, Dim             int
	BatchStride, HeadStride, RowStride int // in elements

	PageSize int
	Pages    []int32

	// Scales of an Int8 tensor are [Batch, Heads, blocks], or [page, Heads, blocks
	// of a page], with ScaleStride from one head to the next. See BlockKeys.
	Scales      []float32
	ScaleStride int
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
	n := t.Batch
	if out.DType = dtype; pageSize > 0 {
		out.Pages = scatter(t.Batch * pageCount(t.Len, pageSize))
		out.setPages(pageSize)
		n = len(out.Pages)
	}
	out.allocate(n)
	return out
}

// setPages makes a contiguous tensor without data a paged one.
func (t *Tensor) setPages(size int) {
	t.PageSize = size
	t.HeadStride = size * t.Dim
	t.BatchStride = t.Heads * t.HeadStride
}

// allocate gives t the data of n batch elements, or of n pages, with as much
// room for each as its strides and Len say.
func (t *Tensor) allocate(n int) {
	switch t.DType {
	case Float32:
		t.Float32 = memory.Zeroed[float32](n * t.BatchStride)
	case Int8:
		t.Int8 = memory.Zeroed[int8](n * t.BatchStride)
		t.ScaleStride = blocks(t.Len)
		if t.PageSize > 0 {
			t.ScaleStride = blocks(t.PageSize)
		}
		t.Scales = make([]float32, n*t.Heads*t.ScaleStride)
	default:
		t.Half = memory.Zeroed[uint16](n * t.BatchStride)
	}
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
// else dst[:Dim] with what is stored widened into it, exactly.
func (t *Tensor) ReadRow(dst []float32, batch, head, i int) []float32 {
	if t.DType == Float32 {
		return t.Row(batch, head, i)
	}
	at := t.Offset(batch, head, i)
	dst = dst[:t.Dim]
	if t.DType == Int8 {
		scale := *t.Scale(batch, head, i)
		for c, x := range t.bytes(batch, head, i) {
			dst[c] = scale * float32(x)
		}
		return dst
	}
	for c, h := range t.Half[at : at+t.Dim] {
		dst[c] = t.DType.Widen(h)
	}
	return dst
}

// WriteRow stores the row, rounded to the element type. In an Int8 tensor other
// rows of its block may be rounded again; [Tensor.WriteRows] is exacter.
func (t *Tensor) WriteRow(src []float32, batch, head, i int) {
	t.WriteRows(src[:t.Dim], batch, head, Interval{i, i + 1})
}

// WriteRows stores some rows, which lie one after the other in src, rounded to
// the element type. A block of an Int8 tensor that is overwritten as a whole, up
// to Len, gets the scale that it needs. Where some of its rows stay, its scale
// does too, or grows if it has to, and they are rounded again.
func (t *Tensor) WriteRows(src []float32, batch, head int, rows Interval) {
	for i := rows.Lo; i < rows.Hi; {
		n, row := 1, src[(i-rows.Lo)*t.Dim:]
		switch t.DType {
		case Float32:
			copy(t.Row(batch, head, i), row)
		case Int8:
			part := t.Block(i).Intersect(Interval{i, rows.Hi})
			n = part.Len()
			t.writeBlock(row[:n*t.Dim], batch, head, part)
		default:
			at := t.Offset(batch, head, i)
			for c, x := range row[:t.Dim] {
				t.Half[at+c] = t.DType.Narrow(x)
			}
		}
		i += n
	}
}

// CopyRow makes row (batch, head, i) what row j of another batch element and
// head of src is, a tensor of the same type and head size, bit for bit. The
// block of an Int8 row gets the scale of the other's.
func (t *Tensor) CopyRow(batch, head, i int, src *Tensor, batchOf, headOf, j int) {
	to, from := t.Offset(batch, head, i), src.Offset(batchOf, headOf, j)
	switch t.DType {
	case Float32:
		copy(t.Float32[to:to+t.Dim], src.Float32[from:])
	case Int8:
		copy(t.Int8[to:to+t.Dim], src.Int8[from:])
		*t.Scale(batch, head, i) = *src.Scale(batchOf, headOf, j)
	default:
		copy(t.Half[to:to+t.Dim], src.Half[from:])
	}
}

// Clone returns t with data of its own.
func (t Tensor) Clone() Tensor {
	t.Float32, t.Half = slices.Clone(t.Float32), slices.Clone(t.Half)
	t.Int8, t.Scales = slices.Clone(t.Int8), slices.Clone(t.Scales)
	return t
}

// Offset returns the index of the first element of row (batch, head, i).
func (t *Tensor) Offset(batch, head, i int) int {
	if t.PageSize == 0 {
		return batch*t.BatchStride + head*t.HeadStride + i*t.RowStride
	}
	return t.page(batch, i)*t.BatchStride + head*t.HeadStride + i%t.PageSize*t.RowStride
}

// page returns the page that holds row i of a batch element.
func (t *Tensor) page(batch, i int) int {
	return int(t.Pages[batch*pageCount(t.Len, t.PageSize)+i/t.PageSize])
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
	return t.checkEnd(name, t.Offset(t.Batch-1, t.Heads-1, t.Len-1)+t.Dim, t.Batch, t.Len)
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
	return t.checkEnd(name, int(last)*t.BatchStride+(t.Heads-1)*t.HeadStride+(t.PageSize-1)*t.RowStride+t.Dim, int(last)+1, t.PageSize)
}

// checkEnd reports data that ends before end, or is of another type, and scales
// that are not those of n batch elements or pages of so many rows.
func (t *Tensor) checkEnd(name string, end, n, rows int) error {
	have := map[DType]int{Float32: len(t.Float32), Float16: len(t.Half), BFloat16: len(t.Half), Int8: len(t.Int8)}[t.DType]
	if all := len(t.Float32) + len(t.Half) + len(t.Int8); end > have || all != have {
		return fmt.Errorf("%s of %d %v elements: the view needs %d", name, have, t.DType, end)
	}
	switch stride := t.ScaleStride; {
	case t.DType != Int8:
	case stride < blocks(rows):
		return fmt.Errorf("%s with %d scales a head: must be one for each of %d blocks", name, stride, blocks(rows))
	case len(t.Scales) < (n*t.Heads-1)*stride+blocks(rows):
		return fmt.Errorf("%s with %d scales: the view needs %d", name, len(t.Scales), (n*t.Heads-1)*stride+blocks(rows))
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
