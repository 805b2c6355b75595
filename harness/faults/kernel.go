package faults

import (
	"fmt"
	"math"
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/attnbench/attnbench/kernels"
)

// tileKV is the number of keys that are folded in at once.
const tileKV = 16

// A kernel is online softmax over tiles of a row's visible keys. Its fields are
// the steps, in the order in which a row goes through them.
type kernel struct {
	name string

	bind   func(p kernels.Problem, t kernels.Tensors) kernels.Tensors // what Run works on
	run    func(pl *plan)                                             // all rows
	attend func(pl *plan, at rowID)                                   // one row
	keys   func(p kernels.Problem, batch, query int) []int            // what a query sees
	tiles  func(pl *plan, at rowID, keys []int) [][]int               // cut for folding
	fold   func(pl *plan, s *state, at rowID, tile []int)             // a tile into the state
	kvHead func(p kernels.Problem, head int) int                      // of a query head
	round  func(x float32) float32                                    // Q's and K's elements
	logit  func(p kernels.Problem, dot float32, head, distance int) float32
	rise   func(pl *plan, s *state, tileMax float32)               // to a tile's maximum
	exp    func(x float32) float32                                 // of logit − maximum
	narrow func(x float32) float32                                 // of the accumulator
	lse    func(s *state) float32                                  // of a row that saw a key
	sink   func(s *state, logit float32)                           // into the sum
	finish func(pl *plan, s *state, at rowID, o []float32) float32 // fills O's row, returns lse
	place  func(p kernels.Problem, at rowID) rowID                 // where a row's result goes
	store  func(t *kernels.Tensor, o []float32, at rowID)          // as the element type of O
}

func right() kernel {
	return kernel{
		bind:   func(_ kernels.Problem, t kernels.Tensors) kernels.Tensors { return t },
		run:    (*plan).each,
		attend: (*plan).attendRow,
		keys:   visibleKeys,
		tiles:  func(_ *plan, _ rowID, keys []int) [][]int { return cut(keys, tileKV) },
		fold:   (*plan).foldTile,
		kvHead: func(p kernels.Problem, head int) int { return head / p.Group() },
		round:  func(x float32) float32 { return x },
		logit:  logit,
		rise:   (*plan).rescale,
		exp:    func(x float32) float32 { return float32(math.Exp(float64(x))) },
		narrow: func(x float32) float32 { return x },
		lse:    lse,
		sink:   addSink,
		finish: (*plan).divide,
		place:  func(_ kernels.Problem, at rowID) rowID { return at },
		store:  func(t *kernels.Tensor, o []float32, at rowID) { t.WriteRow(o, at.batch, at.head, at.query) },
	}
}

// Name returns the fault's name, which the registry would refuse.
func (k kernel) Name() string { return k.name }

// Supports takes every valid problem.
func (k kernel) Supports(p kernels.Problem) error { return p.Validate() }

// Plan returns a plan; its Run allocates, for nobody times it.
func (k kernel) Plan(p kernels.Problem, opts kernels.Options) (kernels.Plan, error) {
	if err := p.Validate(); err != nil {
		return nil, fmt.Errorf("%s: %w", k.name, err)
	}
	threads := opts.Threads
	if threads <= 0 {
		threads = runtime.GOMAXPROCS(0)
	}
	return &plan{kernel: k, problem: p, threads: threads}, nil
}

// A plan is what a kernel knows between Runs.
type plan struct {
	kernel
	problem kernels.Problem
	t       kernels.Tensors
	threads int
	runs    int
	memory  any // what a fault keeps from one Run or Bind to the next
}

func (pl *plan) Bind(t kernels.Tensors) error {
	if err := t.Check(pl.problem); err != nil {
		return fmt.Errorf("%s: %w", pl.name, err)
	}
	pl.t = pl.bind(pl.problem, t)
	return nil
}

func (pl *plan) Run() error {
	pl.run(pl)
	pl.runs++
	return nil
}

func (pl *plan) Fetch() error     { return nil }
func (pl *plan) Workspace() int64 { return 0 }
func (pl *plan) ISA() string      { return kernels.Generic }
func (pl *plan) Close() error     { return nil }

// rows returns how many rows there are; row names the n-th.
func (pl *plan) rows() int { return pl.problem.Batch * pl.problem.Heads * pl.problem.QLen }

func (pl *plan) rowID(n int) rowID {
	outer := n / pl.problem.QLen
	return rowID{outer / pl.problem.Heads, outer % pl.problem.Heads, n % pl.problem.QLen}
}

// each attends every row, in parallel.
func (pl *plan) each() {
	var next atomic.Int64
	var wg sync.WaitGroup
	for range pl.threads {
		wg.Go(func() {
			for n := next.Add(1) - 1; n < int64(pl.rows()); n = next.Add(1) - 1 {
				pl.attend(pl, pl.rowID(int(n)))
			}
		})
	}
	wg.Wait()
}

func visibleKeys(p kernels.Problem, batch, query int) []int {
	var keys []int
	for _, v := range p.AppendVisible(nil, batch, query) {
		for j := v.Lo; j < v.Hi; j++ {
			keys = append(keys, j)
		}
	}
	return keys
}

// cut splits keys into runs of size; the last may be shorter.
func cut(keys []int, size int) [][]int {
	var tiles [][]int
	for ; len(keys) > size; keys = keys[size:] {
		tiles = append(tiles, keys[:size])
	}
	if len(keys) == 0 {
		return tiles
	}
	return append(tiles, keys)
}
