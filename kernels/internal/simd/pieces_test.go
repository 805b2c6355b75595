package simd

import (
	"slices"
	"testing"

	"github.com/attnbench/attnbench/kernels"
)

// piecesOf is one piece.
func piecesOf(x Stored, rows, cols int, ahead Ahead) *Pieces {
	p := NewPieces(1)
	p.Reset(x, cols)
	p.Add(0, rows, ahead)
	return &p
}

// place is where x begins.
func (x Stored) place() Place { return piecesOf(x, 0, 0, Ahead{}).Place(0) }

// cutPieces copies x into pieces of unit, 2·unit, … rows, of which the last comes first in
// memory and all but it fetch the next.
func cutPieces(x Stored, rows, cols, unit int) *Pieces {
	var sizes []int
	for left := rows; left > 0; left -= sizes[len(sizes)-1] {
		sizes = append(sizes, min(unit*(len(sizes)+1), left))
	}
	size := func(n int) int { return max(0, (n-1)*x.LD+cols) }
	if cols == 0 {
		size = func(int) int { return 0 }
	}
	to, starts := Stored{DType: x.DType, LD: x.LD}, make([]int, len(sizes))
	for i, first := len(sizes)-1, rows; i >= 0; i-- {
		first -= sizes[i]
		y, n := from(x, first), size(sizes[i])
		starts[i] = to.len()
		switch x.DType {
		case kernels.Float32:
			to.Float32 = append(to.Float32, y.Float32[:n]...)
		case kernels.Int8:
			to.Int8 = append(to.Int8, y.Int8[:n]...)
		default:
			to.Half = append(to.Half, y.Half[:n]...)
		}
	}
	to.Float32, to.Half, to.Int8 = slices.Clip(to.Float32), slices.Clip(to.Half), slices.Clip(to.Int8)
	p := NewPieces(0)
	p.Reset(to, cols)
	for i, at := range starts {
		var ahead Ahead
		if i+1 < len(starts) {
			ahead = Ahead{Next: p.Place(starts[i+1]), Beyond: -1}
		}
		p.Add(at, sizes[i], ahead)
	}
	return &p
}

// from is x from a row on.
func from(x Stored, row int) Stored {
	switch at := row * x.LD; x.DType {
	case kernels.Float32:
		x.Float32 = x.Float32[min(at, len(x.Float32)):]
	case kernels.Int8:
		x.Int8 = x.Int8[min(at, len(x.Int8)):]
	default:
		x.Half = x.Half[min(at, len(x.Half)):]
	}
	return x
}

func TestPiecesPanics(t *testing.T) {
	p := NewPieces(0)
	p.Reset(Stored{Float32: make([]float32, 12), LD: 4}, 4)
	p.Add(8, 1, Ahead{})
	p.Add(0, 3, Ahead{})
	mustPanic(t, func() { p.Add(9, 1, Ahead{}) })
	mustPanic(t, func() { p.Add(4, 3, Ahead{}) })
	mustPanic(t, func() { p.Add(-4, 1, Ahead{}) })
	mustPanic(t, func() { p.Add(0, -1, Ahead{}) })
	mustPanic(t, func() { p.Reset(Stored{LD: -1}, 4) })
	mustPanic(t, func() { p.Reset(Stored{LD: 4}, -1) })
}
