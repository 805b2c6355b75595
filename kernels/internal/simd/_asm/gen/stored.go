package gen

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// A Stored is an element type of keys and values, widened to floats as they
// are loaded.
type Stored struct {
	Name string // part of function names
	Size int    // bytes
	Log  uint8  // of the size, in base 2
}

// The element types.
var (
	Float32  = Stored{"F32", 4, 2}
	Float16  = Stored{"F16", 2, 1}
	BFloat16 = Stored{"BF16", 2, 1}
	Int8     = Stored{"I8", 1, 0} // whole numbers, whatever their scales

	AllStored = []Stored{Float32, Float16, BFloat16, Int8}
)

// Bytes is the size of a vector's worth of elements.
func (t Stored) Bytes(isa ISA) int { return t.Size * isa.Width }

// Load widens a vector's worth of elements, of which only those under mask
// where there is one. AVX2 has no mask for halves and bytes.
func (t Stored) Load(isa ISA, at Mem, v reg.Register, mask Op) {
	if mask != nil && t != Float32 && isa == AVX2 {
		panic("AVX2 loads no part of a vector of halves or bytes")
	}
	switch {
	case t == Float32:
		isa.Load(at, v, mask)
	case t == Float16 && mask == nil:
		VCVTPH2PS(at, v)
	case t == Float16:
		VCVTPH2PS_Z(at, mask, v)
	case t == Int8 && mask == nil:
		VPMOVSXBD(at, v)
		VCVTDQ2PS(v, v)
	case t == Int8:
		VPMOVSXBD_Z(at, mask, v)
		VCVTDQ2PS(v, v)
	case mask == nil:
		VPMOVZXWD(at, v)
		VPSLLD(U8(16), v, v)
	default:
		VPMOVZXWD_Z(at, mask, v)
		VPSLLD(U8(16), v, v)
	}
}

// ArgElements loads an argument that counts elements as bytes.
func (t Stored) ArgElements(name string) reg.Register {
	r := Arg(name)
	if t.Log > 0 {
		SHLQ(U8(t.Log), r)
	}
	return r
}

// PiecesArg is the type of a list of simd's pieces.
const PiecesArg = "*byte"

// Line is the size of a cache line in bytes.
const Line = 64

// A Cursor walks through the pieces of a matrix and, meanwhile, through the rows of what is
// fetched for each into the second-level cache, as far apart as its own.
type Cursor struct {
	at, left reg.Register // left of the row, in bytes
	row, gap Mem          // bytes of a row, and from its end to the next
	beyond   Mem          // bytes from a row to one that is read long after it
	list     string       // the argument
}

// NewCursor loads the arguments, of which cols counts the elements of a row
// and ld those from one to the next. The pieces are as many as pieces says.
func NewCursor(t Stored, list, cols, ld string) Cursor {
	c := Cursor{
		at: GP64(), left: GP64(), row: AllocLocal(8), gap: AllocLocal(8), beyond: AllocLocal(8), list: list,
	}
	row, gap := t.ArgElements(cols), t.ArgElements(ld)
	MOVQ(row, c.row)
	SUBQ(row, gap)
	MOVQ(gap, c.gap)
	return c
}

// Piece goes on to the next piece, and to the label if there is none. move gets where the
// piece begins.
func (c Cursor) Piece(none string, keys Mem, move func(at Op)) {
	DECQ(Stack("pieces"))
	JLT(LabelRef(none))
	p, x := GP64(), GP64()
	field := func(i int) Mem { return Mem{Base: p, Disp: 8 * i} }
	MOVQ(Stack(c.list), p)
	MOVQ(field(1), x)
	MOVQ(x, keys)
	MOVQ(field(2), c.at)
	MOVQ(c.row, c.left)
	MOVQ(field(3), x)
	MOVQ(x, c.beyond)
	move(field(0))
	ADDQ(U8(32), p)
	MOVQ(p, Stack(c.list))
}

// Fetch asks for the next bytes; less than a line is asked for at every so
// many steps. The first row of a page has one far ahead translated.
//
// Note: a plain loop over memory gained a tenth by those translations, on an
// EPYC of family 26. On one of family 25, eight rows of float32 in small pages
// take 1.3 times as long without them, or with fetches into the second-level cache
// in their place.
func (c Cursor) Fetch(name string, bytes, step int) {
	const page = 4096
	if bytes < Line {
		if step%(Line/bytes) != 0 {
			return
		}
		bytes = Line
	}
	for i := 0; i < bytes; i += Line {
		PREFETCHT1(Mem{Base: c.at, Disp: i})
	}
	ADDQ(U32(bytes), c.at)
	SUBQ(U32(bytes), c.left)
	JGT(LabelRef(name))
	ADDQ(c.left, c.at) // back to where the row ends
	ADDQ(c.gap, c.at)
	MOVQ(c.row, c.left)
	x := GP64()
	MOVQ(c.at, x)
	ANDQ(U32(page-1), x)
	CMPQ(x, c.row)
	JGE(LabelRef(name))
	MOVQ(c.beyond, x)
	PREFETCHT0(Mem{Base: c.at, Index: x, Scale: 1})
	Label(name)
}
