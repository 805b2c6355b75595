package harness

import (
	"math/rand/v2"
	"slices"

	"github.com/attnbench/attnbench/kernels"
)

// DefaultPairs bounds the (query, key) pairs that a Reference evaluates; two
// million take a few tenths of a second.
const DefaultPairs = 1 << 21

// Sampling bounds the work of a Reference. Above the bound it holds a seeded
// choice of query rows for every batch element and head, which always has the
// first and the last row and those beside the edges of common tiles.
type Sampling struct {
	Pairs int64  // 0 means DefaultPairs; negative means every row
	Seed  uint64 // of the choice
}

// rowID names one query row.
type rowID struct{ batch, head, query int }

// pick returns the rows to evaluate, sorted.
func (s Sampling) pick(p kernels.Problem) []rowID {
	budget := s.Pairs
	if budget == 0 {
		budget = DefaultPairs
	}
	if budget < 0 || p.Pairs() <= budget {
		return everyRow(p)
	}
	var rows []rowID
	r := rand.New(rand.NewPCG(s.Seed, 0x5a3b1e))
	share := budget / int64(p.Batch*p.Heads)
	for b := range p.Batch {
		for h := range p.Heads {
			for _, i := range pickQueries(p, b, share, r) {
				rows = append(rows, rowID{b, h, i})
			}
		}
	}
	return rows
}

func everyRow(p kernels.Problem) []rowID {
	rows := make([]rowID, 0, p.Batch*p.Heads*p.QLen)
	for b := range p.Batch {
		for h := range p.Heads {
			for i := range p.QLen {
				rows = append(rows, rowID{b, h, i})
			}
		}
	}
	return rows
}

// pickQueries returns the edge rows, and random others until they see budget
// keys together.
func pickQueries(p kernels.Problem, batch int, budget int64, r *rand.Rand) []int {
	edges := edgeQueries(p.QLen)
	chosen := make(map[int]bool, len(edges))
	var visible []kernels.Interval
	for _, i := range append(edges, r.Perm(p.QLen)...) {
		if budget <= 0 && len(chosen) >= len(edges) {
			break
		}
		if chosen[i] {
			continue
		}
		chosen[i] = true
		visible = p.AppendVisible(visible[:0], batch, i)
		for _, v := range visible {
			budget -= int64(v.Len())
		}
	}
	list := make([]int, 0, len(chosen))
	for i := range chosen {
		list = append(list, i)
	}
	slices.Sort(list)
	return list
}

// edgeQueries returns the rows at which tiled code goes wrong first.
func edgeQueries(n int) []int {
	var list []int
	for _, i := range []int{0, 1, 15, 16, 47, 48, 63, 64, 127, 128, n / 2, n - 65, n - 64, n - 49, n - 17, n - 2, n - 1} {
		if i >= 0 && i < n && !slices.Contains(list, i) {
			list = append(list, i)
		}
	}
	return list
}
