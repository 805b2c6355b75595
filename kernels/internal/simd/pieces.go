package simd

import (
	"unsafe"

	"github.com/attnbench/attnbench/kernels"
)

// Pieces are the rows of one matrix in their order, which lie in several places of what
// holds them: keys or values in the pages of a cache.
type Pieces struct {
	dtype     kernels.DType
	ld, cols  int
	base      *byte
	len, rows int
	list      []piece
	part      [1]piece // of one of them
}

// A piece is rows that lie one after another, and what is fetched meanwhile. Assembly
// reads it.
type piece struct {
	at   *byte
	rows int
	Ahead
}

// NewPieces has room for so many pieces.
func NewPieces(most int) Pieces { return Pieces{list: make([]piece, 0, most)} }

// Bytes is the size of that room.
func (p *Pieces) Bytes() int64 { return int64(cap(p.list)) * int64(unsafe.Sizeof(piece{})) }

// Reset empties p, for pieces of x with rows of so many columns, which are x.LD elements
// apart where they lie one after another.
func (p *Pieces) Reset(x Stored, cols int) {
	if x.LD < 0 || cols < 0 {
		panic(errShape)
	}
	p.dtype, p.ld, p.cols, p.base, p.len = x.DType, x.LD, cols, x.at(), x.len()
	p.rows, p.list = 0, p.list[:0]
}

// Add adds rows from an element on. As many rows of ahead are fetched while they are read.
func (p *Pieces) Add(at, rows int, ahead Ahead) {
	if rows < 0 || at < 0 {
		panic(errShape)
	}
	p.rows += rows
	if rows == 0 || p.cols == 0 {
		return
	}
	if at+(rows-1)*p.ld+p.cols > p.len {
		panic(errShort)
	}
	x := piece{(*byte)(unsafe.Add(unsafe.Pointer(p.base), at*int(p.dtype.Size()))), rows, ahead}
	if ahead.Next == 0 {
		x.stay()
	}
	p.list = append(p.list, x)
}

// Place returns where an element is, or would be.
func (p *Pieces) Place(at int) Place {
	return Place(unsafe.Pointer(p.base)) + Place(at*int(p.dtype.Size()))
}

// stay lets nothing be fetched but the piece itself.
func (x *piece) stay() { x.Ahead = Ahead{Next: Place(unsafe.Pointer(x.at))} }

// stored returns a piece.
func (p *Pieces) stored(i int) Stored {
	x, n := p.list[i], 0
	if x.rows > 0 {
		n = (x.rows-1)*p.ld + p.cols
	}
	y := Stored{DType: p.dtype, LD: p.ld}
	switch p.dtype {
	case kernels.Float32:
		y.Float32 = unsafe.Slice((*float32)(unsafe.Pointer(x.at)), n)
	case kernels.Int8:
		y.Int8 = unsafe.Slice((*int8)(unsafe.Pointer(x.at)), n)
	default:
		y.Half = unsafe.Slice((*uint16)(unsafe.Pointer(x.at)), n)
	}
	return y
}

// each calls do for every piece with the number of its first row.
func (p *Pieces) each(do func(first int, x Stored, rows int)) {
	first := 0
	for i := range p.list {
		do(first, p.stored(i), p.list[i].rows)
		first += p.list[i].rows
	}
}
