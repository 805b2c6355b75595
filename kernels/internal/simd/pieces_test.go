package simd

import (
	"slices"
	"testing"

	"github.com/attnbench/attnbench/kernels"
)

// piecesOf is one piece.
func piecesOf(x Stored, rows, cols int, ahead Ahead) *Pieces {
	p := NewPieces(1)
	p.Reset(x.DType, x.LD, cols)
	p.Add(x, rows, ahead)
	return &p
}

// cutPieces copies x into pieces of unit, 2·unit, … rows, each with nothing behind it, of
// which all but the last fetch the next.
func cutPieces(x Stored, rows, cols, unit int) *Pieces {
	var parts []Stored
	var sizes []int
	for first := 0; first < rows; {
		n := min(unit*(len(sizes)+1), rows-first)
		part, end := from(x, first), 0
		if cols > 0 {
			end = (n-1)*x.LD + cols
		}
		switch x.DType {
		case kernels.Float32:
			part.Float32 = slices.Clip(slices.Clone(part.Float32[:end]))
		case kernels.Int8:
			part.Int8 = slices.Clip(slices.Clone(part.Int8[:end]))
		default:
			part.Half = slices.Clip(slices.Clone(part.Half[:end]))
		}
		parts, sizes = append(parts, part), append(sizes, n)
		first += n
	}
	p := NewPieces(0)
	p.Reset(x.DType, x.LD, cols)
	for i, part := range parts {
		var ahead Ahead
		if i+1 < len(parts) {
			ahead = Ahead{Next: parts[i+1].Place(), Beyond: -1}
		}
		p.Add(part, sizes[i], ahead)
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
	p.Reset(kernels.Float32, 4, 4)
	p.Add(Stored{Float32: make([]float32, 8), LD: 4}, 2, Ahead{})
	p.Add(Stored{Float32: make([]float32, 4)}, 1, Ahead{})
	mustPanic(t, func() { p.Add(Stored{Float32: make([]float32, 7), LD: 4}, 2, Ahead{}) })
	mustPanic(t, func() { p.Add(Stored{Float32: make([]float32, 9), LD: 5}, 2, Ahead{}) })
	mustPanic(t, func() { p.Add(Stored{Half: make([]uint16, 8), LD: 4, DType: kernels.Float16}, 2, Ahead{}) })
	mustPanic(t, func() { p.Add(Stored{LD: 4}, -1, Ahead{}) })
	mustPanic(t, func() { p.Reset(kernels.Float32, -1, 4) })
	mustPanic(t, func() { p.Reset(kernels.Float32, 4, -1) })
}
