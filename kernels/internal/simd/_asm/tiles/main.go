// Command tiles generates the products of pairs of bfloat16 by AMX, their limit,
// and the softmax between them.
package main

import (
	"fmt"

	"github.com/mmcloughlin/avo/attr"
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	. "github.com/attnbench/attnbench/kernels/internal/simd/_asm/gen"
)

var isa = AVX512

const (
	tileRows  = 16 // of A and C, and pairs of rows of B
	rowBytes  = 64 // of a tile
	pieceCols = 32 // columns of C that are computed together, two tiles of them
	tiles     = 2
	maxRows   = 2 * tileRows
	ldb       = 256              // bytes between the rows of a panel
	ldPart    = tiles * rowBytes // and of a piece in part
)

func main() {
	ConstraintExpr("!purego")
	for high := 1; high <= 2; high++ {
		mul(high)
		mulMax(high)
	}
	weigh()
	multiply()
	Generate()
}

// A block is one or two tiles of rows of C, a piece of two tiles of columns at a
// time:
//
//	C00 C01   A0     B0 B1
//	C10 C11   A1
//
// Tiles are stored where they belong. The last piece of a C whose columns do not
// fill it goes through memory of its own.
type block struct {
	high int // tiles of rows

	part, tail, max Mem // the last piece, A's last columns, the maxima so far
	a               [2]reg.Register
	lda             reg.Register
	full            reg.Register // steps of 32 columns of A
	b               reg.Register // of the piece
	at              Mem          // the piece's first column
}

func tileC(i, j int) Tile { return TMM(2*i + j) }
func tileA(i int) Tile    { return TMM(4 + i) }
func tileB(j int) Tile    { return TMM(6 + j) }

// The columns of a piece that there are.
var columnMasks = [tiles]reg.Register{reg.K4, reg.K5}

// begin generates the head of a product of rows that fill so many tiles, or
// their last one in part, with every panel.
func begin(name string, high int, last string) *block {
	k := &block{high: high}
	// Without NOSPLIT: the prologue grows the stack for so large a frame.
	TEXT(fmt.Sprintf("%s%dTilesAMX", name, high), 0,
		"func(shape *byte, c *float32, ldc int, a *uint16, lda int, b *uint32, panel, depth, rows, cols int, "+last+")")
	frame := isa.Frame((maxRows*ldPart + 2*maxRows*rowBytes) / rowBytes)
	k.part, k.tail, k.max = frame, frame.Offset(maxRows*ldPart), frame.Offset(maxRows*(ldPart+rowBytes))
	k.at = AllocLocal(8)
	LDTILECFG(Mem{Base: Arg("shape")})
	k.lda = ArgHalves("lda")
	k.a[0] = Arg("a")
	k.copyTail()
	if high > 1 {
		k.a[1] = below(k.a[0], k.lda)
	}
	k.b = Arg("b")
	return k
}

// below is the address of what is a tile's rows below another.
func below(at, stride reg.Register) reg.GPVirtual {
	r := GP64()
	MOVQ(stride, r)
	SHLQ(U8(4), r)
	ADDQ(at, r)
	return r
}

// copyTail fills up the columns of A that make no step with zeros.
func (k *block) copyTail() {
	k.full = Arg("depth")
	left := GP64()
	MOVQ(k.full, left)
	SHRQ(U8(4), k.full)
	ANDQ(U32(15), left)
	JZ(LabelRef("copied"))
	isa.SetMask(left)
	from, to, rows := GP64(), GP64(), Arg("rows")
	MOVQ(k.full, from)
	SHLQ(U8(6), from)
	ADDQ(k.a[0], from)
	LEAQ(k.tail, to)
	Label("copy")
	VMOVDQU32_Z(Mem{Base: from}, isa.Mask(), isa.V(0))
	VMOVDQU32(isa.V(0), Mem{Base: to})
	ADDQ(k.lda, from)
	ADDQ(U32(rowBytes), to)
	DECQ(rows)
	JNZ(LabelRef("copy"))
	Label("copied")
}

// mul generates C = A·B, or C += A·B.
func mul(high int) {
	k := begin("mul", high, "add bool")
	MOVQ(U32(0), k.at)
	Label("piece")
	k.fetch()
	add := GP32()
	MOVBLZX(Stack("add"), add)
	TESTL(add, add)
	JZ(LabelRef("zero"))
	CMPQ(k.left(), U32(pieceCols))
	JGE(LabelRef("whole"))
	k.setColumns()
	k.rows("copyIn", func(part, c Mem) {
		for j, mask := range columnMasks {
			isa.Load(c.Offset(j*isa.Bytes()), isa.V(j), mask)
			VMOVUPS(isa.V(j), part.Offset(j*isa.Bytes()))
		}
	})
	Label("whole")
	k.place("load", func(m Mem, t Tile) { TILELOADD(m, t) })
	JMP(LabelRef("start"))
	Label("zero")
	k.clearTiles()
	Label("start")
	k.product()
	k.place("store", func(m Mem, t Tile) { TILESTORED(t, m) })
	k.nextPiece()
	ADDQ(U32(pieceCols), k.at)
	at := GP64()
	MOVQ(k.at, at)
	CMPQ(at, Stack("cols"))
	JLT(LabelRef("piece"))

	SUBQ(U32(pieceCols), k.at)
	CMPQ(k.left(), U32(pieceCols))
	JGE(LabelRef("done"))
	k.setColumns()
	k.rows("copyOut", func(part, c Mem) {
		for j, mask := range columnMasks {
			VMOVUPS(part.Offset(j*isa.Bytes()), isa.V(j))
			isa.Store(isa.V(j), c.Offset(j*isa.Bytes()), mask)
		}
	})
	Label("done")
	TILERELEASE()
	End()
}

// left is how many columns there are from the piece's first one on.
func (k *block) left() reg.Register {
	left := Arg("cols")
	SUBQ(k.at, left)
	return left
}

// nextPiece moves B on by the piece: its second one ends a panel.
func (k *block) nextPiece() {
	at := GP64()
	ADDQ(U32(tiles*rowBytes), k.b)
	MOVQ(k.at, at)
	TESTQ(U32(pieceCols), at)
	JZ(LabelRef("panel"))
	panel := Arg("panel")
	SHLQ(U8(2), panel)
	LEAQ(Mem{Base: k.b, Index: panel, Scale: 1, Disp: -ldb}, k.b)
	Label("panel")
}

// place calls do for the tiles of the piece with their places.
func (k *block) place(name string, do func(m Mem, t Tile)) {
	to, stride, at := GP64(), GP64(), GP64()
	LEAQ(k.part, to)
	MOVQ(U32(ldPart), stride)
	CMPQ(k.left(), U32(pieceCols))
	JLT(LabelRef(name + "Part"))
	MOVQ(Stack("c"), to)
	MOVQ(k.at, at)
	LEAQ(Mem{Base: to, Index: at, Scale: 4}, to)
	MOVQ(Stack("ldc"), stride)
	SHLQ(U8(2), stride)
	Label(name + "Part")
	for i := range k.high {
		for j := range tiles {
			do(Mem{Base: to, Index: stride, Scale: 1, Disp: j * rowBytes}, tileC(i, j))
		}
		if i+1 < k.high {
			to = below(to, stride)
		}
	}
}

func (k *block) clearTiles() {
	for i := range k.high {
		for j := range tiles {
			TILEZERO(tileC(i, j))
		}
	}
}

// fetch asks for what the next piece of C holds, or the first one of the rows that
// follow.
func (k *block) fetch() {
	p, ldc, rows, n := Arg("c"), ArgBytes("ldc"), Arg("rows"), GP64()
	MOVQ(k.at, n)
	ADDQ(U32(pieceCols), n)
	CMPQ(n, Stack("cols"))
	JLT(LabelRef("same"))
	MOVQ(rows, n)
	IMULQ(ldc, n)
	ADDQ(n, p)
	XORQ(n, n)
	Label("same")
	LEAQ(Mem{Base: p, Index: n, Scale: 4}, p)
	Label("fetch")
	for j := range tiles {
		PREFETCHT0(Mem{Base: p, Disp: j * rowBytes})
	}
	ADDQ(ldc, p)
	DECQ(rows)
	JNZ(LabelRef("fetch"))
}

// product adds to the tiles of C.
func (k *block) product() {
	b, strideB, steps := GP64(), GP64(), GP64()
	MOVQ(k.b, b)
	MOVQ(U32(ldb), strideB)
	MOVQ(k.full, steps)
	var a [2]reg.Register
	for i := range k.high {
		a[i] = GP64()
		MOVQ(k.a[i], a[i])
	}
	TESTQ(steps, steps)
	JZ(LabelRef("last"))
	Label("step")
	k.step(a, k.lda, b, strideB)
	for i := range k.high {
		ADDQ(U32(rowBytes), a[i])
	}
	ADDQ(U32(tileRows*ldb), b)
	DECQ(steps)
	JNZ(LabelRef("step"))

	Label("last")
	depth := Arg("depth")
	TESTQ(U32(tileRows-1), depth)
	JZ(LabelRef("multiplied"))
	for i := range k.high {
		LEAQ(k.tail.Offset(i*tileRows*rowBytes), a[i])
	}
	MOVQ(U32(rowBytes), steps)
	k.step(a, steps, b, strideB)
	Label("multiplied")
}

// step adds the products of 32 columns of A.
func (k *block) step(a [2]reg.Register, strideA, b, strideB reg.Register) {
	for j := range tiles {
		TILELOADD(Mem{Base: b, Index: strideB, Scale: 1, Disp: j * rowBytes}, tileB(j))
	}
	for i := range k.high {
		TILELOADD(Mem{Base: a[i], Index: strideA, Scale: 1}, tileA(i))
		for j := range tiles {
			TDPBF16PS(tileB(j), tileA(i), tileC(i, j))
		}
	}
}

// setColumns covers the piece's columns by columnMasks.
func (k *block) setColumns() {
	left, n, bits := k.left(), GP64(), GP64()
	MOVQ(U32(pieceCols), n)
	CMPQ(left, n)
	CMOVQLT(left, n)
	MOVQ(U32(64), reg.RCX)
	SUBQ(n, reg.RCX)
	MOVQ(I32(-1), bits)
	SHRQ(reg.CL, bits)
	KMOVW(bits.As32(), columnMasks[0])
	SHRQ(U8(16), bits)
	KMOVW(bits.As32(), columnMasks[1])
}

// rows walks through the rows of the last piece, and of where it belongs.
func (k *block) rows(name string, body func(part, c Mem)) {
	from, to, ldc, n, at := GP64(), Arg("c"), ArgBytes("ldc"), Arg("rows"), GP64()
	MOVQ(k.at, at)
	LEAQ(Mem{Base: to, Index: at, Scale: 4}, to)
	LEAQ(k.part, from)
	Label(name)
	body(Mem{Base: from}, Mem{Base: to})
	ADDQ(U32(ldPart), from)
	ADDQ(ldc, to)
	DECQ(n)
	JNZ(LabelRef(name))
}

// sums is how many independent sums keep a unit of latency 52 busy that takes an
// instruction every 16 cycles, with a margin.
const sums = 6

// multiply generates rounds of 6 products of tiles.
func multiply() {
	TEXT("fmaTilesAMX", attr.NOSPLIT, "func(shape *byte, n int)")
	LDTILECFG(Mem{Base: Arg("shape")})
	n := Arg("n")
	TESTQ(n, n)
	JZ(LabelRef("done"))
	Label("round")
	for i := range sums {
		TDPBF16PS(TMM(sums+1), TMM(sums), TMM(i))
	}
	DECQ(n)
	JNZ(LabelRef("round"))
	Label("done")
	TILERELEASE()
	End()
}
