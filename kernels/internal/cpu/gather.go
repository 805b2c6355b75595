package cpu

import "github.com/attnbench/attnbench/kernels"

// Rows returns the rows of an interval of one head of K or V as float32, and
// their distance: where they lie if that is possible, else gathered and
// widened into buf.
func (p *Plan) Rows(t *kernels.Tensor, buf []float32, batch, head int, keys kernels.Interval) (rows []float32, ld int) {
	if t.DType == kernels.Float32 && (t.PageSize == 0 || keys.Lo/t.PageSize == (keys.Hi-1)/t.PageSize) {
		return t.Float32[t.Offset(batch, head, keys.Lo):], t.RowStride
	}
	for j := keys.Lo; j < keys.Hi; j++ {
		row := buf[(j-keys.Lo)*t.Dim:][:t.Dim]
		copy(row, t.ReadRow(row, batch, head, j))
	}
	return buf, t.Dim
}
