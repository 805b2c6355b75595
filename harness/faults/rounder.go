package faults

import "github.com/attnbench/attnbench/kernels"

// A rounder is a kernel that says that it rounds P to the type of V, and so is
// held against a yardstick that does.
type rounder struct{ kernels.Kernel }

var _ kernels.WeightRounder = rounder{}

func (rounder) RoundsWeights(p kernels.Problem, _ kernels.Options) bool {
	return p.KVDType.Half()
}

// rounderFaults are what a kernel that may round P must still not do.
var rounderFaults = []Fault{
	rounds("sum-of-rounded", "lse comes from P as rounded for the product", func(k *kernel) {
		k.fold = func(pl *plan, s *state, at rowID, tile []int) {
			pl.score(s, at, tile)
			pl.rise(pl, s, maximum(s.logits))
			coarse := *pl // for other rows are at work
			coarse.exp = func(x float32) float32 { return asStored(pl.problem, pl.exp(x)) }
			coarse.weigh(s, at, tile)
		}
	}),
	rounds("products-rounded", "the accumulator has the type of V, as P has", func(k *kernel) {
		k.fold = func(pl *plan, s *state, at rowID, tile []int) {
			coarse := *pl // for other rows are at work
			coarse.narrow = func(x float32) float32 { return asStored(pl.problem, x) }
			coarse.foldTile(s, at, tile)
		}
	}),
}

func asStored(p kernels.Problem, x float32) float32 {
	if !p.KVDType.Half() {
		return x
	}
	return p.KVDType.Widen(p.KVDType.Narrow(x))
}

func rounds(name, wrong string, change func(k *kernel)) Fault {
	f := plant(name, wrong, change)
	f.Kernel = rounder{f.Kernel}
	return f
}
