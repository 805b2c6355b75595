package faults

import "github.com/attnbench/attnbench/kernels"

// stateFaults give results that depend on what they must not: an earlier call,
// the order of the work, the threads, the neighbours, the layout.
var stateFaults = []Fault{
	runs("output-of-before", "a second Run delivers the first one's output", func(pl *plan) {
		if kept, ok := pl.memory.([][]float32); ok {
			copy(pl.t.LSE, kept[len(kept)-1])
			pl.deliver(kept[:len(kept)-1])
			return
		}
		pl.each()
		pl.memory = append(pl.outputs(), append([]float32(nil), pl.t.LSE...))
	}),
	runs("keys-of-before", "K is packed at the first Run and never again", func(pl *plan) {
		if packed, ok := pl.memory.(kernels.Tensor); ok {
			pl.t.K = packed
		} else {
			pl.memory = pl.t.K.Clone()
		}
		pl.each()
	}),
	runs("race-of-blocks", "a block also clears the first row of the next, which in one run of three comes too late", func(pl *plan) {
		for n := range pl.rows() {
			if pl.runs%3 == 2 {
				n = pl.rows() - 1 - n
			}
			at := pl.rowID(n)
			pl.attendRow(at)
			if at.query%8 == 7 && at.query+1 < pl.problem.QLen {
				pl.t.O.WriteRow(make([]float32, pl.problem.HeadDim), at.batch, at.head, at.query+1)
			}
		}
	}),
	cuts("sum-in-order-of-arrival", "tiles are added in the order in which they are ready, which differs in one run of three", func(pl *plan, _ rowID, keys []int) [][]int {
		tiles := cut(keys, tileKV)
		if len(tiles) == 0 {
			return nil
		}
		first := pl.runs / 2 % len(tiles)
		return append(append([][]int{}, tiles[first:]...), tiles[:first]...)
	}),
	cuts("tiles-by-threads", "tiles are as wide as there are threads", func(pl *plan, _ rowID, keys []int) [][]int {
		return cut(keys, tileKV*pl.threads)
	}),
	cuts("tiles-over-batch", "tiles are laid over the keys of all batch elements together", func(pl *plan, at rowID, keys []int) [][]int {
		first := min(len(keys), tileKV-at.batch*pl.problem.KVLen%tileKV)
		return append(cut(keys[:first], tileKV), cut(keys[first:], tileKV)...)
	}),
	cuts("tiles-by-layout", "contiguous keys are summed in wider tiles", func(pl *plan, _ rowID, keys []int) [][]int {
		if pl.t.K.RowStride == pl.t.K.Dim {
			return cut(keys, 2*tileKV)
		}
		return cut(keys, tileKV)
	}),
}

// runs plants a fault around all rows.
func runs(name, wrong string, run func(pl *plan)) Fault {
	return plant(name, wrong, func(k *kernel) { k.run = run })
}

// cuts plants a fault in how a row's keys are cut into tiles.
func cuts(name, wrong string, tiles func(pl *plan, at rowID, keys []int) [][]int) Fault {
	return plant(name, wrong, func(k *kernel) { k.tiles = tiles })
}
