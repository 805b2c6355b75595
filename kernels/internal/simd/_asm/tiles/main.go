// Command tiles generates the products of pairs of bfloat16 by AMX, and their
// limit.
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
	tileRows = 16     // of A and C, and pairs of rows of B
	rowBytes = 64     // of a tile
	ldb      = 256    // bytes between the rows of a panel
	ldt      = 2 * 64 // and between those of the tiles of C, in memory
	tiles    = 2      // of C side by side
	maxRows  = 2 * tileRows
)

func main() {
	ConstraintExpr("!purego")
	for high := 1; high <= 2; high++ {
		mul(high, false)
		mul(high, true)
	}
	weigh()
	multiply()
	Generate()
}

// A block is one or two tiles of rows of C, two tiles of columns at a time:
//
//	C00 C01   A0     B0 B1
//	C10 C11   A1
type block struct {
	name string
	high int // tiles of rows

	sums, max, tail Mem // C's tiles, the maxima so far, A's last columns
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

// mul generates a product of rows that fill so many tiles, or their last one in
// part, with every panel. What is computed goes through memory: there it is
// added to C times beta, or, with maxima, what is not seen becomes −Inf and the
// largest of each row is kept.
func mul(high int, maxima bool) {
	k := block{name: fmt.Sprintf("mul%dTilesAMX", high), high: high}
	last := "beta *float32"
	if maxima {
		k.name, last = fmt.Sprintf("mulMax%dTilesAMX", high), "rowMax *float32, seen *int32"
	}
	// It is no leaf by its frame, whose prologue may grow the stack.
	TEXT(k.name, 0, "func(shape *byte, c *float32, ldc int, a *uint16, lda int, b *uint32, panel, depth, rows, cols int, "+last+")")
	frame := isa.Frame((maxRows*ldt + 2*maxRows*rowBytes) / rowBytes)
	k.sums, k.max, k.tail = frame, frame.Offset(maxRows*ldt), frame.Offset(maxRows*(ldt+rowBytes))
	k.at = AllocLocal(8)
	LDTILECFG(Mem{Base: Arg("shape")})
	k.lda = ArgHalves("lda")
	k.a[0] = Arg("a")
	k.copyTail()
	if high > 1 {
		k.a[1] = GP64()
		MOVQ(k.lda, k.a[1])
		SHLQ(U8(4), k.a[1])
		ADDQ(k.a[0], k.a[1])
	}
	if maxima {
		k.clearMax()
	}
	k.b = Arg("b")
	MOVQ(U32(0), k.at)

	Label("piece")
	if !maxima {
		k.fetch()
	}
	k.product()
	if maxima {
		k.keep()
	} else {
		k.add()
	}
	at := GP64()
	MOVQ(k.at, at)
	ADDQ(U32(tiles*isa.Width), at)
	MOVQ(at, k.at)
	CMPQ(at, Stack("cols"))
	JGE(LabelRef("end"))
	ADDQ(U32(tiles*rowBytes), k.b)
	TESTQ(U32(tiles*isa.Width), at)
	JNZ(LabelRef("piece"))
	panel := Arg("panel")
	SHLQ(U8(2), panel)
	LEAQ(Mem{Base: k.b, Index: panel, Scale: 1, Disp: -ldb}, k.b)
	JMP(LabelRef("piece"))

	Label("end")
	if maxima {
		k.reduceMax()
	}
	TILERELEASE()
	End()
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

// fetch asks for what the piece is added to.
func (k *block) fetch() {
	k.rows("fetch", func(_, c Mem) {
		PREFETCHT0(c)
		PREFETCHT0(c.Offset(rowBytes))
	})
}

// product leaves the piece's tiles of C in memory.
func (k *block) product() {
	for i := range k.high {
		for j := range tiles {
			TILEZERO(tileC(i, j))
		}
	}
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
	JZ(LabelRef("whole"))
	for i := range k.high {
		LEAQ(k.tail.Offset(i*tileRows*rowBytes), a[i])
	}
	MOVQ(U32(rowBytes), steps)
	k.step(a, steps, b, strideB)
	Label("whole")
	to, stride := GP64(), GP64()
	LEAQ(k.sums, to)
	MOVQ(U32(ldt), stride)
	for i := range k.high {
		for j := range tiles {
			TILESTORED(tileC(i, j), Mem{Base: to, Index: stride, Scale: 1, Disp: i*tileRows*ldt + j*rowBytes})
		}
	}
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

// setColumns covers the piece's columns by columnMasks and returns how many there
// are from its first one on.
func (k *block) setColumns() (left reg.Register) {
	left = Arg("cols")
	SUBQ(k.at, left)
	n, bits := GP64(), GP64()
	MOVQ(U32(tiles*isa.Width), n)
	CMPQ(left, n)
	CMOVQLT(left, n)
	MOVQ(U32(64), reg.RCX)
	SUBQ(n, reg.RCX)
	MOVQ(I32(-1), bits)
	SHRQ(reg.CL, bits)
	KMOVW(bits.As32(), columnMasks[0])
	SHRQ(U8(16), bits)
	KMOVW(bits.As32(), columnMasks[1])
	return left
}

// rows walks through the piece's rows of C, as they were computed and as they
// lie: body gets their addresses.
func (k *block) rows(name string, body func(sums, c Mem)) {
	from, to, ldc, n := GP64(), Arg("c"), ArgBytes("ldc"), Arg("rows")
	at := GP64()
	MOVQ(k.at, at)
	LEAQ(Mem{Base: to, Index: at, Scale: 4}, to)
	LEAQ(k.sums, from)
	Label(name)
	body(Mem{Base: from}, Mem{Base: to})
	ADDQ(U32(ldt), from)
	ADDQ(ldc, to)
	DECQ(n)
	JNZ(LabelRef(name))
}

// add stores C·beta plus the piece, or the piece.
func (k *block) add() {
	k.setColumns()
	beta := Arg("beta")
	TESTQ(beta, beta)
	JZ(LabelRef("set"))
	k.rows("scaled", func(sums, c Mem) {
		VBROADCASTSS(Mem{Base: beta}, isa.V(2))
		for j, mask := range columnMasks {
			off := j * isa.Bytes()
			isa.Load(c.Offset(off), isa.V(j), mask)
			VFMADD213PS(sums.Offset(off), isa.V(2), isa.V(j))
			isa.Store(isa.V(j), c.Offset(off), mask)
		}
		ADDQ(U32(4), beta)
	})
	JMP(LabelRef("added"))
	Label("set")
	k.rows("plain", func(sums, c Mem) {
		for j, mask := range columnMasks {
			off := j * isa.Bytes()
			VMOVUPS(sums.Offset(off), isa.V(j))
			isa.Store(isa.V(j), c.Offset(off), mask)
		}
	})
	Label("added")
}

// Where a Seen holds what, as simd has it.
const (
	seenHi           = 4 * SeenRows
	seenFrom, seenTo = 8 * SeenRows, 8*SeenRows + 4 // by all rows
)

// keep stores the piece, −Inf where it is not seen, and takes it into the
// maxima. A NaN in VMAXPS's first source gives the second, here the maximum
// so far: NaN is passed over.
func (k *block) keep() {
	max := GP64()
	LEAQ(k.max, max)
	kept := func(c Mem) {
		VMOVUPS(Mem{Base: max}, isa.V(2))
		for j := range tiles {
			VMAXPS(isa.V(2), isa.V(j), isa.V(2))
		}
		VMOVUPS(isa.V(2), Mem{Base: max})
		ADDQ(U32(rowBytes), max)
	}
	left, seen, at := k.setColumns(), Arg("seen"), GP64()
	MOVQ(k.at, at)
	CMPQ(left, U32(tiles*isa.Width))
	JLT(LabelRef("cut"))
	CMPL(at.As32(), Mem{Base: seen, Disp: seenFrom})
	JLT(LabelRef("cut"))
	ADDQ(U32(tiles*isa.Width), at)
	CMPL(at.As32(), Mem{Base: seen, Disp: seenTo})
	JGT(LabelRef("cut"))
	k.rows("wholeRow", func(sums, c Mem) {
		for j := range tiles {
			VMOVUPS(sums.Offset(j*isa.Bytes()), isa.V(j))
			VMOVUPS(isa.V(j), c.Offset(j*isa.Bytes()))
		}
		kept(c)
	})
	JMP(LabelRef("kept"))

	Label("cut")
	const atMost, greater = U8(2), U8(6)
	none, column := isa.V(3), func(j int) reg.Register { return isa.V(4 + j) }
	VBROADCASTSS(NegInf(), none)
	for j := range tiles {
		VPBROADCASTD(k.at, column(j))
		VPADDD(Numbers().Offset(j*isa.Bytes()), column(j), column(j))
	}
	k.rows("cutRow", func(sums, c Mem) {
		VPBROADCASTD(Mem{Base: seen}, isa.V(6))
		VPBROADCASTD(Mem{Base: seen, Disp: seenHi}, isa.V(7))
		for j, mask := range columnMasks {
			VPCMPD(atMost, column(j), isa.V(6), mask, reg.K2)
			VPCMPD(greater, column(j), isa.V(7), reg.K2, reg.K2)
			VMOVAPS(none, isa.V(j))
			VMOVUPS(sums.Offset(j*isa.Bytes()), reg.K2, isa.V(j))
			VMOVUPS(isa.V(j), mask, c.Offset(j*isa.Bytes()))
		}
		kept(c)
		ADDQ(U32(4), seen)
	})
	Label("kept")
}

// clearMax starts the maxima at −Inf.
func (k *block) clearMax() {
	VBROADCASTSS(NegInf(), isa.V(0))
	for i := range k.high * tileRows {
		VMOVUPS(isa.V(0), k.max.Offset(i*rowBytes))
	}
}

// reduceMax folds each row's vector of maxima into its number in rowMax.
func (k *block) reduceMax() {
	rowMax, n, max := Arg("rowMax"), Arg("rows"), GP64()
	LEAQ(k.max, max)
	Label("fold")
	VMOVUPS(Mem{Base: max}, isa.V(0))
	isa.Reduce(isa.V(0), isa.V(1), func(from, into reg.Register) { VMAXPS(into, from, into) })
	VMOVSS(X(isa.V(0)), Mem{Base: rowMax})
	ADDQ(U32(rowBytes), max)
	ADDQ(U32(4), rowMax)
	DECQ(n)
	JNZ(LabelRef("fold"))
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
