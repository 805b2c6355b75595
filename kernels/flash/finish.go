package flash

import "github.com/attnbench/attnbench/kernels/internal/cpu"

// finish divides the item's output by its sums and writes lse.
func (pl *plan) finish(w *worker, it item) {
	for g := range pl.Problem.Group() {
		b := cpu.Block{Batch: it.batch, KVHead: it.kvHead, Head: it.kvHead*pl.Problem.Group() + g, Queries: it.queries}
		at := g * it.queries.Len()
		pl.Normalise(pl.simd, b, w.rowMax[at:], w.rowSum[at:], &w.scratch)
		if w.pairs.tiny {
			repairTiny(&pl.Plan, b, &w.scratch)
		}
	}
}
