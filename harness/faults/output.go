package faults

import (
	"math"

	"github.com/attnbench/attnbench/kernels"
)

// outputFaults compute well and deliver badly, or do not compute at all.
var outputFaults = []Fault{
	spoils("zeros", "O is 0", func(_ *plan, _ rowID, o []float32) { clear(o) }),
	spoils("constant", "O is 0.25", func(_ *plan, _ rowID, o []float32) {
		for d := range o {
			o[d] = 0.25
		}
	}),
	spoils("first-value", "O is the value of the first visible key", func(pl *plan, at rowID, o []float32) {
		if keys := visibleKeys(pl.problem, at.batch, at.query); len(keys) > 0 {
			copy(o, pl.t.V.ReadRow(o, at.batch, at.head/pl.problem.Group(), keys[0]))
		}
	}),
	spoils("nan-to-zero", "NaN and infinities in O become 0", func(_ *plan, _ rowID, o []float32) {
		for d, x := range o {
			if x-x != 0 {
				o[d] = 0
			}
		}
	}),
	ends("division-missing", "the accumulator is not divided by the sum", func(pl *plan, s *state, at rowID, o []float32) float32 {
		lse := pl.divide(s, at, o)
		copy(o, s.acc)
		return lse
	}),
	ends("division-missing-in-a-lane", "the same in one of 16 query rows, from row 160 on", func(pl *plan, s *state, at rowID, o []float32) float32 {
		lse := pl.divide(s, at, o)
		if at.query >= 160 && at.query%16 == 5 {
			copy(o, s.acc)
		}
		return lse
	}),
	ends("empty-row-mean", "a query that sees no key gets the mean of all values", func(pl *plan, s *state, at rowID, o []float32) float32 {
		lse := pl.divide(s, at, o)
		if len(visibleKeys(pl.problem, at.batch, at.query)) == 0 {
			pl.meanValue(at, o)
		}
		return lse
	}),
	ends("empty-row-lse", "a query that sees no key gets lse 0", func(pl *plan, s *state, at rowID, o []float32) float32 {
		return max(pl.divide(s, at, o), -math.MaxFloat32)
	}),
	attends("last-row-dropped", "the loop over queries ends one early", func(pl *plan, at rowID) {
		if at.query < pl.problem.QLen-1 {
			pl.attendRow(at)
		}
	}),
	plant("nan-row-skipped", "a query whose result is NaN throughout returns without it", func(k *kernel) {
		k.store = func(t *kernels.Tensor, o []float32, at rowID) {
			if !allNaN(o) {
				t.WriteRow(o, at.batch, at.head, at.query)
			}
		}
	}),
	ends("division-with-lse-only", "unless lse is wanted, the accumulator is not divided by the sum", func(pl *plan, s *state, at rowID, o []float32) float32 {
		lse := pl.divide(s, at, o)
		if pl.t.LSE == nil {
			copy(o, s.acc)
		}
		return lse
	}),
}

// ends plants a fault in the last step of a row.
func ends(name, wrong string, finish func(pl *plan, s *state, at rowID, o []float32) float32) Fault {
	return plant(name, wrong, func(k *kernel) { k.finish = finish })
}

// spoils plants a fault after a row's output is written.
func spoils(name, wrong string, after func(pl *plan, at rowID, o []float32)) Fault {
	return ends(name, wrong, func(pl *plan, s *state, at rowID, o []float32) float32 {
		lse := pl.divide(s, at, o)
		after(pl, at, o)
		return lse
	})
}

// attends plants a fault around a row.
func attends(name, wrong string, attend func(pl *plan, at rowID)) Fault {
	return plant(name, wrong, func(k *kernel) { k.attend = attend })
}

// meanValue writes the mean of a head's finite values.
func (pl *plan) meanValue(at rowID, o []float32) {
	clear(o)
	buf := make([]float32, pl.problem.HeadDim)
	for j := range pl.problem.KVLen {
		for d, v := range pl.t.V.ReadRow(buf, at.batch, at.head/pl.problem.Group(), j) {
			if v-v == 0 {
				o[d] += v / float32(pl.problem.KVLen)
			}
		}
	}
}

func allNaN(x []float32) bool {
	for _, v := range x {
		if v == v {
			return false
		}
	}
	return true
}
