package flash

import (
	"math"

	"github.com/attnbench/attnbench/kernels"
	"github.com/attnbench/attnbench/kernels/internal/cpu"
)

// finish divides the item's output by its sums and writes lse.
func (pl *plan) finish(w *worker, it item) {
	for g := range pl.Problem.Group() {
		for index := it.blocks.Lo; index < it.blocks.Hi; index++ {
			pl.close(w, pl.block(it, g, index), len(pl.layout.union.at(pl.layout.index(it.batch, index))) == 0)
		}
	}
}

// close finishes one block, whose queries see nothing when it is empty.
func (pl *plan) close(w *worker, b block, empty bool) {
	shared := cpu.Block{Batch: b.batch, Head: b.head, KVHead: b.kvHead, Queries: b.queries}
	for i := range b.queries.Len() {
		query := b.queries.Lo + i
		m, sum := w.rowMax[b.at+i], w.rowSum[b.at+i]
		if empty || math.IsInf(float64(m), -1) && !pl.sees(w, b, query) {
			pl.EmptyRow(shared, query)
			continue
		}
		o := pl.O.Row(b.batch, b.head, query)
		w.factor[0] = 1 / pl.Denominator(b.head, m*math.Ln2, sum)
		pl.simd.Scale(o, 0, o, 0, 1, len(o), w.factor[:])
		pl.SetLSE(b.batch, b.head, query, float32((float64(m)+math.Log2(float64(sum)))*math.Ln2))
		if !w.finite && !cpu.Finite(o) {
			pl.RepairRow(shared, query, pl.visible(w, b, query))
		}
	}
}

// sees reports whether a query sees any key.
func (pl *plan) sees(w *worker, b block, query int) bool { return len(pl.visible(w, b, query)) > 0 }

func (pl *plan) visible(w *worker, b block, query int) []kernels.Interval {
	w.visible = pl.Problem.AppendVisible(w.visible[:0], b.batch, query)
	return w.visible
}
