package cpu

import "github.com/attnbench/attnbench/kernels/internal/pool"

// A Buffer says how many floats a worker wants, and where to leave them.
type Buffer struct {
	to *[]float32
	n  int
}

// Room is a Buffer of n floats for to.
func Room(to *[]float32, n int) Buffer { return Buffer{to, n} }

// Carve allocates a worker's buffers in one piece, each at the start of a
// cache line. See [Plan.Floats].
func (p *Plan) Carve(buffers ...Buffer) error {
	const line = 16 // floats
	total := 0
	for _, b := range buffers {
		total += Ceil(b.n, line) * line
	}
	all, err := p.Floats(total)
	if err != nil {
		return err
	}
	for _, b := range buffers {
		*b.to, all = all[:b.n:b.n], all[Ceil(b.n, line)*line:]
	}
	return nil
}

// Workers resolves a requested number of threads.
func (p *Plan) Workers(threads int) int { return pool.Threads(threads) }
