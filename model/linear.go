package model

import (
	"sync"
	"sync/atomic"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas32"
)

// A linear is y = x·W + b. It is the one place that multiplies by weights, so
// that a packed product needs to go in here only; newLinear is where to pack.
type linear struct {
	in, out    int
	weight     []float32 // W [in, out], or Wᵀ [out, in] if transposed
	bias       []float32 // [out], or nil
	transposed bool
}

func newLinear(weight, bias []float32, in, out int, transposed bool) linear {
	return linear{in, out, weight, bias, transposed}
}

const (
	rowBlock = 64 // rows in one item of the parallel loop

	// columnBlock keeps each Gemm below the size from which gonum starts
	// goroutines of its own (four blocks of 64×64): the threads are ours.
	columnBlock = 192
)

// apply computes dst [rows, out] from x [rows, in]. A row's result does not
// depend on the other rows nor on threads.
func (l *linear) apply(dst, x []float32, rows, threads int) {
	parallel(threads, rows, func(lo, hi int) {
		for r := lo; r < hi; r++ {
			copy(dst[r*l.out:(r+1)*l.out], l.bias)
		}
		for c := 0; c < l.out; c += columnBlock {
			l.multiply(dst, x, lo, hi, c, min(c+columnBlock, l.out))
		}
	})
}

// multiply adds the product for the rows lo..hi and the columns c..d to dst,
// or sets it where there is no bias.
func (l *linear) multiply(dst, x []float32, lo, hi, c, d int) {
	beta := float32(1)
	if l.bias == nil {
		beta = 0
	}
	from := blas32.General{Rows: hi - lo, Cols: l.in, Stride: l.in, Data: x[lo*l.in:]}
	to := blas32.General{Rows: hi - lo, Cols: d - c, Stride: l.out, Data: dst[lo*l.out+c:]}
	if l.transposed {
		w := blas32.General{Rows: d - c, Cols: l.in, Stride: l.in, Data: l.weight[c*l.in:]}
		blas32.Gemm(blas.NoTrans, blas.Trans, 1, from, w, beta, to)
		return
	}
	w := blas32.General{Rows: l.in, Cols: d - c, Stride: l.out, Data: l.weight[c:]}
	blas32.Gemm(blas.NoTrans, blas.NoTrans, 1, from, w, beta, to)
}

// parallel calls body for blocks of rows that cover 0..rows−1, on threads
// goroutines.
func parallel(threads, rows int, body func(lo, hi int)) {
	var next atomic.Int64
	work := func() {
		for {
			hi := int(next.Add(rowBlock))
			if lo := hi - rowBlock; lo < rows {
				body(lo, min(hi, rows))
				continue
			}
			return
		}
	}
	var wg sync.WaitGroup
	for range min(threads, (rows+rowBlock-1)/rowBlock) - 1 {
		wg.Go(work)
	}
	work()
	wg.Wait()
}
