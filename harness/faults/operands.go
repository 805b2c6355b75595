package faults

import "github.com/attnbench/attnbench/kernels"

// operandFaults read what they must not, read it from the wrong place, or
// write where nothing is theirs.
var operandFaults = []Fault{
	plant("heads-swapped", "the results of neighbouring heads change places", func(k *kernel) {
		k.place = func(p kernels.Problem, at rowID) rowID {
			if other := at.head ^ 1; other < p.Heads {
				at.head = other
			}
			return at
		}
	}),
	spoils("hidden-leak", "hidden values enter with weight 0, and 0·NaN is NaN", (*plan).addHidden),
	spoils("hidden-leak-in-a-lane", "the same in one of 16 query rows, from row 160 on", func(pl *plan, at rowID, o []float32) {
		if at.query >= 160 && at.query%16 == 5 {
			pl.addHidden(at, o)
		}
	}),
	binds("strides-ignored", "operands are addressed as if they were contiguous", func(_ kernels.Problem, t kernels.Tensors) kernels.Tensors {
		return eachOperand(t, contiguous)
	}),
	binds("cache-stride-ignored", "contiguous rows are taken for contiguous heads, as they are not in a cache with room to grow", func(_ kernels.Problem, t kernels.Tensors) kernels.Tensors {
		return eachOperand(t, func(x kernels.Tensor) kernels.Tensor {
			if x.PageSize == 0 && x.RowStride == x.Dim {
				return contiguous(x)
			}
			return x
		})
	}),
	binds("page-table-ignored", "pages are read in the order in which they lie", func(_ kernels.Problem, t kernels.Tensors) kernels.Tensors {
		return eachOperand(t, func(x kernels.Tensor) kernels.Tensor {
			x.Pages = append([]int32(nil), x.Pages...)
			for i := range x.Pages {
				x.Pages[i] = int32(i)
			}
			return x
		})
	}),
	binds("half-misread", "float16 is read as bfloat16", func(_ kernels.Problem, t kernels.Tensors) kernels.Tensors {
		return eachOperand(t, func(x kernels.Tensor) kernels.Tensor {
			if x.DType == kernels.Float16 {
				x.DType = kernels.BFloat16
			}
			return x
		})
	}),
	plant("values-cleaned", "values that no query sees are set to 0 in the caller's tensor", func(k *kernel) {
		k.run = func(pl *plan) {
			pl.cleanValues()
			pl.each()
		}
	}),
	plant("store-too-wide", "each row's store clobbers the element after it", func(k *kernel) {
		k.run = func(pl *plan) { // in order, so that the next row repairs it
			for n := range pl.rows() {
				at := pl.rowID(n)
				pl.attendRow(at)
				if end := pl.t.O.Offset(at.batch, at.head, at.query) + pl.problem.HeadDim; end < len(pl.t.O.Float32) {
					pl.t.O.Float32[end] = 0
				}
			}
		}
	}),
}

func binds(name, wrong string, bind func(p kernels.Problem, t kernels.Tensors) kernels.Tensors) Fault {
	return plant(name, wrong, func(k *kernel) { k.bind = bind })
}

func eachOperand(t kernels.Tensors, change func(x kernels.Tensor) kernels.Tensor) kernels.Tensors {
	t.Q, t.K, t.V, t.O = change(t.Q), change(t.K), change(t.V), change(t.O)
	return t
}

// contiguous views the data of x without its strides and pages.
func contiguous(x kernels.Tensor) kernels.Tensor {
	x.PageSize, x.Pages = 0, nil
	x.RowStride, x.HeadStride, x.BatchStride = x.Dim, x.Len*x.Dim, x.Heads*x.Len*x.Dim
	x.ScaleStride = (x.Len + kernels.BlockKeys - 1) / kernels.BlockKeys
	return x
}

// addHidden adds 0·V of every key that a row does not see.
func (pl *plan) addHidden(at rowID, o []float32) {
	seen := make([]bool, pl.problem.KVLen)
	for _, j := range visibleKeys(pl.problem, at.batch, at.query) {
		seen[j] = true
	}
	buf := make([]float32, pl.problem.HeadDim)
	for j, s := range seen {
		if s {
			continue
		}
		for d, v := range pl.t.V.ReadRow(buf, at.batch, at.head/pl.problem.Group(), j) {
			o[d] += 0 * v
		}
	}
}

// cleanValues zeroes the rows of V that no query sees.
func (pl *plan) cleanValues() {
	p, zeros := pl.problem, make([]float32, pl.problem.HeadDim)
	for b := range p.Batch {
		next := 0
		for _, v := range append(p.VisibleKeys(b), kernels.Interval{Lo: p.KVLen, Hi: p.KVLen}) {
			for j := next; j < v.Lo; j++ {
				for h := range p.KVHeads {
					pl.t.V.WriteRow(zeros, b, h, j)
				}
			}
			next = v.Hi
		}
	}
}
