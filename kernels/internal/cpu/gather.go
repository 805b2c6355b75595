package cpu

import "github.com/attnbench/attnbench/kernels"

// Rows returns the rows of an interval of one head of K or V as float32, and
// their distance: where they lie if that is possible, else gathered and
// widened into buf.
func (p *Plan) Rows(t *kernels.Tensor, buf []float32, batch, head int, keys kernels.Interval) (rows []float32, ld int) {
	if t.DType == kernels.Float32 && (t.PageSize == 0 || keys.Lo/t.PageSize == (keys.Hi-1)/t.PageSize) {
		return t.Float32[t.Offset(batch, head, keys.Lo):], t.RowStride
	}
	p.gather(buf, t, batch, head, keys)
	return buf, t.Dim
}

// HalfRows is Rows for a tensor of halves, which it does not widen.
func (p *Plan) HalfRows(t *kernels.Tensor, buf []uint16, batch, head int, keys kernels.Interval) (rows []uint16, ld int) {
	if t.PageSize == 0 || keys.Lo/t.PageSize == (keys.Hi-1)/t.PageSize {
		return t.Half[t.Offset(batch, head, keys.Lo):], t.RowStride
	}
	for i := range keys.Len() {
		copy(buf[i*t.Dim:][:t.Dim], t.Half[t.Offset(batch, head, keys.Lo+i):])
	}
	return buf, t.Dim
}

// gather copies rows to dst, one behind the other.
func (p *Plan) gather(dst []float32, t *kernels.Tensor, batch, head int, rows kernels.Interval) {
	for i := rows.Lo; i < rows.Hi; {
		n := 1 // rows that lie one behind the other
		if t.RowStride == t.Dim {
			n = rows.Hi - i
			if t.PageSize > 0 {
				n = min(n, t.PageSize-i%t.PageSize)
			}
		}
		if t.DType == kernels.Int8 {
			n = min(n, t.Block(i).Hi-i)
		}
		to, at := dst[(i-rows.Lo)*t.Dim:][:n*t.Dim], t.Offset(batch, head, i)
		switch t.DType {
		case kernels.Float32:
			copy(to, t.Float32[at:])
		case kernels.Int8:
			p.simd.Dequantise(to, t.Int8[at:at+n*t.Dim], *t.Scale(batch, head, i))
		default:
			p.simd.Widen(to, t.Half[at:at+n*t.Dim], t.DType)
		}
		i += n
	}
}
