package flash

// finish divides the item's output by its sums and writes lse.
func (pl *plan) finish(w *worker, it item) {
	for g := range pl.Problem.Group() {
		for index := it.blocks.Lo; index < it.blocks.Hi; index++ {
			b := pl.block(it, g, index)
			pl.Normalise(pl.simd, b.Block, w.rowMax[b.at:], w.rowSum[b.at:], w.finite, &w.scratch)
		}
	}
}
