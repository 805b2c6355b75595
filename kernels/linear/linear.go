// Package linear multiplies by the weights of a transformer's linear layers,
// with the same register blocks as the attention kernels: so attention's share
// of a forward pass is not distorted by slow products beside it.
package linear

import (
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/attnbench/attnbench/kernels"
	"github.com/attnbench/attnbench/kernels/internal/memory"
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
// transposed, for an instruction set as [kernels.Options] has it, on all
// processors. It panics when w is shorter than in·out.
func Pack(w []float32, in, out int, transposed bool, isa string) (*Matrix, error) {
	m, err := newMatrix(in, out, isa)
	if err != nil {
		return nil, err
	}
	m.panels(func(dst []float32, col, cols int) {
		if transposed {
			m.simd.PackTransposed(dst, w[col*in:], in, cols, in, 1)
		} else {
			m.simd.Pack(dst, w[col:], out, in, cols)
		}
	})
	return m, nil
}

// PackRows is Pack of a Wᵀ [out, in] that lies somewhere else or in another type: row
// copies its row i to dst [in]. Several goroutines call it.
func PackRows(in, out int, isa string, row func(dst []float32, i int)) (*Matrix, error) {
	m, err := newMatrix(in, out, isa)
	if err != nil {
		return nil, err
	}
	m.panels(func(dst []float32, col, cols int) {
		part := make([]float32, cols*in)
		for i := range cols {
			row(part[i*in:(i+1)*in], col+i)
		}
		m.simd.PackTransposed(dst, part, in, cols, in, 1)
	})
	return m, nil
}

// newMatrix returns a matrix that is to be packed.
func newMatrix(in, out int, isa string) (*Matrix, error) {
	name, err := kernels.SelectISA(isa)
	if err != nil {
		return nil, err
	}
	m := &Matrix{in: in, out: out, simd: simd.For(name)}
	m.packed = Floats(m.simd.PackedLen(in, out))
	return m, nil
}

// panels calls pack for each panel: where it goes, its first column and how
// many it has.
func (m *Matrix) panels(pack func(dst []float32, col, cols int)) {
	parallel(runtime.GOMAXPROCS(0), (m.out+m.simd.Cols-1)/m.simd.Cols, func(i int) {
		col := i * m.simd.Cols
		pack(m.packed[col*m.in:], col, min(m.simd.Cols, m.out-col))
	})
}

// Floats returns n zeros, in huge pages where the system grants them.
func Floats(n int) []float32 { return memory.Zeroed[float32](n) }

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
