package flash

import (
	"github.com/attnbench/attnbench/kernels"
	"github.com/attnbench/attnbench/kernels/internal/cpu"
	"github.com/attnbench/attnbench/kernels/internal/simd"
)

func init() { kernels.Register(kernel{}) }

type kernel struct{}

func (kernel) Name() string                     { return "flash" }
func (kernel) Describe() string                 { return "online softmax over chunks of keys, constant workspace" }
func (kernel) Supports(p kernels.Problem) error { return p.Validate() }

// chunkOf returns how many keys are packed at a time: K and V of a chunk fill
// half of a second-level cache of 1 MiB.
func chunkOf(headDim int) int {
	if headDim > 128 {
		return 256
	}
	return 512
}

type plan struct {
	cpu.Plan
	simd    *simd.Funcs
	pairs   *simd.Pairs // products of bfloat16, nil where all are of float32
	rows    int         // queries in a block, at most
	layout  *cpu.Layout
	chunk   int // keys in a chunk
	unit    int // keys that are packed or left out together: whole panels, at most units in a chunk
	queries int // queries in an item, a multiple of those of a block
	workers []worker
}

// Plan returns a plan for float32 accumulation. Run allocates nothing and is
// not to be called concurrently. The workspace of a thread is a chunk of K and
// of V, and two floats a query of an item.
func (kernel) Plan(p kernels.Problem, opts kernels.Options) (kernels.Plan, error) {
	base, err := cpu.NewPlan("flash", p, opts, 0)
	if err != nil {
		return nil, err
	}
	if p.QLen <= decodeQueries {
		return newDecoder(base, opts)
	}
	pl := &plan{Plan: base, simd: simd.For(base.ISA()), chunk: chunkOf(p.HeadDim)}
	return pl.ready(opts, pl.Pairs())
}

// ready makes the plan ready; x is what multiplies pairs, or nil.
func (pl *plan) ready(opts kernels.Options, x *simd.Pairs) (kernels.Plan, error) {
	pl.pairs, pl.rows = x, pl.simd.Rows
	if x != nil {
		pl.UsePairs()
		pl.rows = x.Rows
	}
	p := pl.Problem
	threads := pl.Workers(opts.Threads)
	pl.layout = cpu.NewLayout(&pl.Problem, cpu.Along(&pl.Problem, pl.rows), pl.chunk)
	pl.layout.KeepRows(&pl.Problem)
	pl.Hold(pl.layout.Bytes())
	pl.unit = cpu.Ceil(cpu.Ceil(pl.chunk, units), pl.simd.Cols) * pl.simd.Cols
	pl.queries = queriesOf(p, threads, pl.layout.Unit())
	for range threads {
		w, err := pl.newWorker()
		if err != nil {
			return nil, err
		}
		pl.workers = append(pl.workers, w)
	}
	stage := pl.StageQO
	if pl.pairs != nil {
		stage = pl.StageO
	}
	if err := stage(); err != nil {
		return nil, err
	}
	pl.Start(opts.Threads, p.Batch*p.KVHeads*cpu.Ceil(p.QLen, pl.queries), pl.item)
	return pl, nil
}

// queriesOf divides the queries so that there are enough items for the
// threads, and few enough that packing K and V for each costs little.
func queriesOf(p kernels.Problem, threads, unit int) int {
	const (
		itemsPerThread = 4
		fewest         = 384  // rows of Q for which a chunk is packed
		most           = 2048 // beyond it packing costs nothing to speak of, and the state grows
	)
	heads := p.Batch * p.KVHeads
	n := cpu.Ceil(most, p.Group())
	if threads > 1 && (heads%threads != 0 || heads < itemsPerThread*threads) {
		n = min(n, max(cpu.Ceil(p.QLen*heads, itemsPerThread*threads), cpu.Ceil(fewest, p.Group())))
	}
	return min(cpu.Ceil(n, unit), cpu.Ceil(p.QLen, unit)) * unit
}

// An item is a range of queries for the query heads of one key head.
type item struct {
	batch, kvHead int
	queries       kernels.Interval
	blocks        kernels.Interval
}

// itemOf orders the items so that under a causal mask the heaviest come first.
func (pl *plan) itemOf(i int) item {
	heads := pl.Problem.Batch * pl.Problem.KVHeads
	part := cpu.Ceil(pl.Problem.QLen, pl.queries) - 1 - i/heads
	queries := kernels.Interval{Lo: part * pl.queries, Hi: min((part+1)*pl.queries, pl.Problem.QLen)}
	return item{
		batch: i % heads / pl.Problem.KVHeads, kvHead: i % heads % pl.Problem.KVHeads, queries: queries,
		blocks: kernels.Interval{Lo: pl.layout.Count(queries.Lo), Hi: pl.layout.Count(queries.Hi)},
	}
}

// item computes an item chunk by chunk of the keys.
func (pl *plan) item(id, i int) {
	w, it := &pl.workers[id], pl.itemOf(i)
	w.begin(it.queries.Len() * pl.Problem.Group())
	for c := range pl.layout.Chunks {
		blocks := pl.layout.BlocksOf(it.batch, c).Intersect(it.blocks)
		if blocks.Len() == 0 {
			continue
		}
		pl.pack(w, it, pl.meet(w, it, blocks, c))
		for g := range pl.Problem.Group() {
			l := pl.lane(it, g)
			for _, block := range w.present {
				pl.fold(w, &it, &l, int(block))
			}
		}
		pl.flush(w)
	}
	pl.finish(w, it)
}
