// Package linear multiplies by the weights of a transformer's linear layers,
// with the same register blocks as the attention kernels: so attention's share
// of a forward pass is not distorted by slow products beside it.
package linear

import (
	"sync"
	"sync/atomic"

	"github.com/attnbench/attnbench/kernels"
	"github.com/attnbench/attnbench/kernels/internal/simd"
)

// A Matrix is a weight W [in, out], packed once for many products. It is safe
// for concurrent use.
type Matrix struct {
	in, out int
	simd    *simd.Funcs
	packed  []float32
}

// Pack packs w, which is W [in, out] row by row, or Wᵀ [out, in] when
// transposed, for an instruction set as [kernels.Options] has it. It panics
// when w is shorter than in·out.
func Pack(w []float32, in, out int, transposed bool, isa string) (*Matrix, error) {
	name, err := kernels.SelectISA(isa)
	if err != nil {
		return nil, err
	}
	m := &Matrix{in: in, out: out, simd: simd.For(name)}
	m.packed = make([]float32, m.simd.PackedLen(in, out))
	if transposed {
		m.simd.PackTransposed(m.packed, w, in, out, in)
	} else {
		m.simd.Pack(m.packed, w, out, in, out)
	}
	return m, nil
}

// rowBlock is how many rows meet a panel of W in one item of the parallel
// loop; the panel stays in the second-level cache for them.
const rowBlock = 252

// Apply computes dst = x·W + bias, for x [rows, in] and dst [rows, out] that do
// not overlap; bias [out] may be nil. A row's result depends neither on the
// other rows nor on threads.
func (m *Matrix) Apply(dst, x, bias []float32, rows, threads int) {
	panels, blocks := (m.out+m.simd.Cols-1)/m.simd.Cols, (rows+rowBlock-1)/rowBlock
	parallel(threads, panels*blocks, func(item int) {
		lo := item / panels * rowBlock
		m.panel(dst, x, bias, item%panels, lo, min(lo+rowBlock, rows))
	})
}

// panel computes a panel's columns of the rows lo..hi.
func (m *Matrix) panel(dst, x, bias []float32, panel, lo, hi int) {
	f, col := m.simd, panel*m.simd.Cols
	cols := min(f.Cols, m.out-col)
	w := f.Packed(m.packed[col*m.in:], m.in)
	for row := lo; row < hi; row += f.Rows {
		rows, c, a := min(f.Rows, hi-row), dst[row*m.out+col:], x[row*m.in:]
		if bias == nil {
			f.Mul(c, m.out, a, m.in, w, rows, m.in, cols)
			continue
		}
		for i := range rows {
			copy(c[i*m.out:][:cols], bias[col:])
		}
		f.MulAdd(c, m.out, a, m.in, w, rows, m.in, cols)
	}
}

// parallel calls body for the items 0..items−1, on up to so many goroutines.
func parallel(threads, items int, body func(item int)) {
	var next atomic.Int64
	work := func() {
		for item := int(next.Add(1)) - 1; item < items; item = int(next.Add(1)) - 1 {
			body(item)
		}
	}
	var wg sync.WaitGroup
	for range min(threads, items) - 1 {
		wg.Go(work)
	}
	work()
	wg.Wait()
}
