package simd

import (
	"unsafe"

	"github.com/attnbench/attnbench/kernels"
)

// Pieces are the rows of one matrix in their order, which lie in several places: keys
// or values in the pages of a cache.
type Pieces struct {
	dtype          kernels.DType
	ld, cols, rows int
	list           []piece
	part           [1]piece // of one of them
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

// Reset empties p, for rows of so many columns, ld elements apart where they lie one after
// another.
func (p *Pieces) Reset(t kernels.DType, ld, cols int) {
	if ld < 0 || cols < 0 {
		panic(errShape)
	}
	*p = Pieces{dtype: t, ld: ld, cols: cols, list: p.list[:0]}
}

// Add adds the first rows of x. As many rows of ahead are fetched while they are read.
func (p *Pieces) Add(x Stored, rows int, ahead Ahead) {
	if rows < 0 || x.DType != p.dtype || x.LD != p.ld && rows > 1 {
		panic(errShape)
	}
	if !x.spans(rows, p.cols) {
		panic(errShort)
	}
	if rows > 0 && p.cols > 0 {
		p.list = append(p.list, piece{x.at(), rows, ahead.of(x)})
	}
	p.rows += rows
}

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
