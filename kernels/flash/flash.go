package flash

import (
	"math"

	"github.com/attnbench/attnbench/kernels"
	"github.com/attnbench/attnbench/kernels/internal/cpu"
)

const (
	tileQ  = 32 // queries in a block
	tileKV = 64 // keys in a tile
)

func init() { kernels.Register(kernel{}) }

type kernel struct{}

func (kernel) Name() string                     { return "flash" }
func (kernel) Describe() string                 { return "online softmax over tiles of keys, constant workspace" }
func (kernel) Supports(p kernels.Problem) error { return p.Validate() }

type plan struct {
	cpu.Plan
	scale   float32
	workers []worker
}

// A worker holds the state of one block; acc lives in the output.
type worker struct {
	rows   *kernels.Rows
	scores []float32 // [tileQ, tileKV]: S, then P
	rowMax []float32 // [tileQ]
	rowSum []float32 // [tileQ]
}

// Plan returns a plan for float32 operands with float32 accumulation. Run
// allocates nothing and is not to be called concurrently.
func (kernel) Plan(p kernels.Problem, opts kernels.Options) (kernels.Plan, error) {
	base, err := cpu.NewPlan("flash", p, opts, tileQ)
	if err != nil {
		return nil, err
	}
	pl := &plan{Plan: base, scale: float32(p.EffectiveScale())}
	for _, rows := range pl.WorkerRows(opts.Threads) {
		buf, err := pl.Floats(tileQ * (tileKV + 2))
		if err != nil {
			return nil, err
		}
		state := buf[tileQ*tileKV:]
		pl.workers = append(pl.workers, worker{rows, buf[:tileQ*tileKV], state[:tileQ], state[tileQ:]})
	}
	if err := pl.Stage(); err != nil {
		return nil, err
	}
	pl.Start(opts.Threads, pl.block)
	return pl, nil
}

func (pl *plan) block(id, item int) {
	b, w := pl.Block(item), &pl.workers[id]
	w.rows.Reset(b.Batch, b.Queries)
	pl.begin(b, w)
	for _, keys := range w.rows.Union() {
		for lo := keys.Lo; lo < keys.Hi; {
			tile := kernels.Interval{Lo: lo, Hi: min(lo/tileKV*tileKV+tileKV, keys.Hi)}
			pl.fold(b, w, tile)
			lo = tile.Hi
		}
	}
	pl.finish(b, w)
}

// begin sets the state of no key seen.
func (pl *plan) begin(b cpu.Block, w *worker) {
	for i := range b.Queries.Len() {
		w.rowMax[i], w.rowSum[i] = float32(math.Inf(-1)), 0
		clear(pl.O.Row(b.Batch, b.Head, b.Queries.Lo+i))
	}
}

// fold takes one tile of keys into the state of the block.
func (pl *plan) fold(b cpu.Block, w *worker, tile kernels.Interval) {
	class := w.rows.Class(tile)
	if class == kernels.Empty {
		return
	}
	for i := range b.Queries.Len() {
		s := w.scores[i*tileKV:][:tile.Len()]
		pl.score(b, i, tile, s)
		if class == kernels.Partial {
			maskRow(s, tile, w.rows.Row(i))
		}
		pl.rescale(b, w, i, s)
		pl.weigh(b, i, tile, s)
	}
}

// score writes scale·q·k for the keys of the tile.
func (pl *plan) score(b cpu.Block, i int, tile kernels.Interval, s []float32) {
	q := pl.Q.Row(b.Batch, b.Head, b.Queries.Lo+i)
	for j := range s {
		s[j] = pl.scale * cpu.Dot(q, pl.K.Row(b.Batch, b.KVHead, tile.Lo+j))
	}
	pl.Shape(b.Head, b.Queries.Lo+i, tile.Lo, s)
}

// maskRow overwrites with −Inf what lies outside of the visible intervals.
func maskRow(s []float32, tile kernels.Interval, visible []kernels.Interval) {
	at := 0
	for _, v := range visible {
		v = v.Intersect(tile)
		if v.Len() == 0 {
			continue
		}
		fill(s[at:v.Lo-tile.Lo], float32(math.Inf(-1)))
		at = v.Hi - tile.Lo
	}
	fill(s[at:], float32(math.Inf(-1)))
}

func fill(x []float32, v float32) {
	for i := range x {
		x[i] = v
	}
}

// rescale brings the state to the new maximum and adds the tile's sum; s
// becomes P.
func (pl *plan) rescale(b cpu.Block, w *worker, i int, s []float32) {
	m := max(w.rowMax[i], cpu.Max(s))
	base := m
	if m == float32(math.Inf(-1)) {
		base = 0 // no weight yet: every exp(−Inf − base) is 0
	}
	if alpha := float32(math.Exp(float64(w.rowMax[i] - base))); alpha != 1 {
		w.rowSum[i] *= alpha
		cpu.Scale(alpha, pl.O.Row(b.Batch, b.Head, b.Queries.Lo+i))
	}
	w.rowMax[i] = m
	w.rowSum[i] += cpu.ExpSum(s, base)
}

// weigh adds P·V of the tile to the row of the output.
func (pl *plan) weigh(b cpu.Block, i int, tile kernels.Interval, p []float32) {
	o := pl.O.Row(b.Batch, b.Head, b.Queries.Lo+i)
	for j, weight := range p {
		cpu.Axpy(weight, pl.V.Row(b.Batch, b.KVHead, tile.Lo+j), o)
	}
}

// finish divides by the sums, writes lse, and repairs rows that took a NaN or
// infinity from a value they do not see.
func (pl *plan) finish(b cpu.Block, w *worker) {
	for i := range b.Queries.Len() {
		query := b.Queries.Lo + i
		if len(w.rows.Row(i)) == 0 {
			pl.EmptyRow(b, query)
			continue
		}
		cpu.Scale(1/pl.Denominator(b.Head, w.rowMax[i], w.rowSum[i]), pl.O.Row(b.Batch, b.Head, query))
		pl.SetLSE(b.Batch, b.Head, query, cpu.LSE(w.rowMax[i], w.rowSum[i]))
	}
	pl.RepairRows(b, w.rows)
}
