// Package cpu holds what the plans of all CPU kernels share: operands, worker
// pool, workspace, the split of a problem into items, and the exact evaluation
// of a single row.
package cpu

import (
	"fmt"

	"github.com/attnbench/attnbench/kernels"
	"github.com/attnbench/attnbench/kernels/internal/pool"
	"github.com/attnbench/attnbench/kernels/internal/simd"
)

// A Plan is the common part of a CPU kernel's plan, to be embedded.
type Plan struct {
	kernels.Tensors // what the kernel computes on: the operands, or their float32 copies
	Problem         kernels.Problem
	TileQ           int // queries in a [Block]

	bound  kernels.Tensors // the operands
	staged kernels.Tensors // float32 copies of those that need one
	phase  func(worker, item int)

	widenQ, widenK, widenV, narrowO func(worker, item int) // phases of Stage

	name  string
	isa   string
	simd  *simd.Funcs
	pairs *simd.Pairs // of the instruction set asked for, if it has them
	body  func(worker, item int)
	items int
	then  func(worker, item int)
	after int
	pool  *pool.Pool
	bytes int64
}

// NewPlan validates p and resolves opts for the kernel of a name.
func NewPlan(name string, p kernels.Problem, opts kernels.Options, tileQ int) (Plan, error) {
	if err := p.Validate(); err != nil {
		return Plan{}, fmt.Errorf("%s: %w", name, err)
	}
	isa, err := kernels.SelectISA(opts.ISA)
	if err != nil {
		return Plan{}, fmt.Errorf("%s: %w", name, err)
	}
	if opts.Threads < 0 {
		return Plan{}, fmt.Errorf("%s: threads %d: must not be negative", name, opts.Threads)
	}
	f := simd.For(isa)
	return Plan{Problem: p, TileQ: tileQ, name: name, isa: f.Name, simd: f, pairs: simd.PairsFor(isa)}, nil
}

// Pairs returns the products of pairs of bfloat16 where the problem and the
// instruction set are made for them, and else nil. What is stored wider than K
// and V is not rounded for their sake.
func (p *Plan) Pairs() *simd.Pairs {
	if p.Problem.DType != kernels.BFloat16 || p.Problem.KVDType != kernels.BFloat16 {
		return nil
	}
	return p.pairs
}

// UsePairs says that the kernel multiplies with what Pairs returned.
func (p *Plan) UsePairs() { p.isa = p.pairs.Name }

// Start makes the workers; body computes one of so many items.
func (p *Plan) Start(threads, items int, body func(worker, item int)) {
	p.body, p.items = body, items
	p.pool = pool.New(threads, func(worker, item int) { p.phase(worker, item) })
}

// Then adds a second loop, which begins when the first has ended.
func (p *Plan) Then(items int, body func(worker, item int)) { p.then, p.after = body, items }

// Run computes every item in parallel.
func (p *Plan) Run() error {
	if p.O.Dim == 0 {
		return fmt.Errorf("%s: Run before Bind", p.name)
	}
	p.widen()
	p.parallel(p.body, p.items)
	if p.then != nil {
		p.parallel(p.then, p.after)
	}
	p.narrow()
	return nil
}

func (p *Plan) parallel(phase func(worker, item int), items int) {
	p.phase = phase
	p.pool.Run(items)
}

func (p *Plan) queryBlocks() int { return (p.Problem.QLen + p.TileQ - 1) / p.TileQ }

// Blocks returns how many blocks the problem has.
func (p *Plan) Blocks() int { return p.Problem.Batch * p.Problem.Heads * p.queryBlocks() }

// A Block is consecutive queries of one head: the items of most kernels.
type Block struct {
	Batch, Head, KVHead int
	Queries             kernels.Interval
}

// Block returns the block of an item in 0..Blocks()−1. Blocks with the last queries come first:
// under a causal mask they are the heaviest, and the light ones then fill the
// gaps at the end.
func (p *Plan) Block(item int) Block {
	outer := p.Problem.Batch * p.Problem.Heads
	block := p.queryBlocks() - 1 - item/outer
	batch, head := item%outer/p.Problem.Heads, item%p.Problem.Heads
	return Block{
		Batch: batch, Head: head, KVHead: head / p.Problem.Group(),
		Queries: kernels.Interval{Lo: block * p.TileQ, Hi: min((block+1)*p.TileQ, p.Problem.QLen)},
	}
}

// SetLSE stores the log-sum-exp of a row where it is wanted.
func (p *Plan) SetLSE(batch, head, query int, lse float32) {
	if p.LSE != nil {
		p.LSE[(batch*p.Problem.Heads+head)*p.Problem.QLen+query] = lse
	}
}

// Bind checks the operands and keeps them.
func (p *Plan) Bind(t kernels.Tensors) error {
	if err := t.Check(p.Problem); err != nil {
		return fmt.Errorf("%s: %w", p.name, err)
	}
	p.bound, p.Tensors = t, t
	p.useStaged()
	return nil
}

// Fetch does nothing: the output is in memory already.
func (p *Plan) Fetch() error { return nil }

// Workspace returns the bytes allocated through Floats and counted by Hold.
func (p *Plan) Workspace() int64 { return p.bytes }

// Hold counts bytes of workspace that the plan holds elsewhere.
func (p *Plan) Hold(bytes int64) { p.bytes += bytes }

// ISA names the instruction set of the plan.
func (p *Plan) ISA() string { return p.isa }

// UseGeneric says that the kernel is portable Go whatever was asked for.
func (p *Plan) UseGeneric() { p.isa, p.simd = kernels.Generic, simd.For(kernels.Generic) }

// Close ends the workers and lets go of the operands.
func (p *Plan) Close() error {
	if p.pool != nil {
		p.pool.Close()
	}
	p.Tensors, p.bound, p.staged = kernels.Tensors{}, kernels.Tensors{}, kernels.Tensors{}
	return nil
}

// WorkerRows returns one kernels.Rows for each of the threads and counts them
// in the workspace.
func (p *Plan) WorkerRows(threads int) []*kernels.Rows {
	rows := make([]*kernels.Rows, pool.Threads(threads))
	for i := range rows {
		rows[i] = kernels.NewRows(&p.Problem, p.TileQ)
		p.Hold(rows[i].Bytes())
	}
	return rows
}
