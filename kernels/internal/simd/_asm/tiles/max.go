package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	. "github.com/attnbench/attnbench/kernels/internal/simd/_asm/gen"
)

// mulMax generates C = A·B, −Inf where it is not seen, and the largest of each
// row.
//
// Note: a piece is looked at while the next one is computed. Right after a
// tile was stored its rows are not to be had: waiting for each piece took twice
// the time.
func mulMax(high int) {
	k := begin("mulMax", high, "rowMax *float32, seen *int32")
	VBROADCASTSS(NegInf(), isa.V(0))
	for i := range high * tileRows {
		VMOVUPS(isa.V(0), k.max.Offset(i*rowBytes))
	}
	MOVQ(I32(-pieceCols), k.at)
	Label("piece")
	at := GP64()
	MOVQ(k.at, at)
	ADDQ(U32(pieceCols), at)
	CMPQ(at, Stack("cols"))
	JGE(LabelRef("computed"))
	k.clearTiles()
	k.product()
	Label("computed")
	CMPQ(k.at, U32(0))
	JLT(LabelRef("kept"))
	k.keep()
	Label("kept")
	ADDQ(U32(pieceCols), k.at)
	at = GP64()
	MOVQ(k.at, at)
	CMPQ(at, Stack("cols"))
	JGE(LabelRef("end"))
	k.place("store", func(m Mem, t Tile) { TILESTORED(t, m) })
	k.nextPiece()
	JMP(LabelRef("piece"))

	Label("end")
	k.reduceMax()
	TILERELEASE()
	End()
}

// Where a Seen holds what, as simd has it.
const (
	seenHi           = 4 * SeenRows
	seenFrom, seenTo = 8 * SeenRows, 8*SeenRows + 4 // by all rows
)

// keep overwrites with −Inf what is not seen of the piece and takes it into the
// maxima. A NaN in VMAXPS's first source gives the second, here the maximum so
// far: NaN is passed over.
func (k *block) keep() {
	max := GP64()
	LEAQ(k.max, max)
	kept := func() {
		VMOVUPS(Mem{Base: max}, isa.V(2))
		for j := range tiles {
			VMAXPS(isa.V(2), isa.V(j), isa.V(2))
		}
		VMOVUPS(isa.V(2), Mem{Base: max})
		ADDQ(U32(rowBytes), max)
	}
	seen, at := Arg("seen"), GP64()
	CMPQ(k.left(), U32(pieceCols))
	JLT(LabelRef("part"))
	MOVQ(k.at, at)
	CMPL(at.As32(), Mem{Base: seen, Disp: seenFrom})
	JLT(LabelRef("cut"))
	ADDQ(U32(pieceCols), at)
	CMPL(at.As32(), Mem{Base: seen, Disp: seenTo})
	JGT(LabelRef("cut"))
	k.rows("wholeRow", func(_, c Mem) {
		for j := range tiles {
			VMOVUPS(c.Offset(j*isa.Bytes()), isa.V(j))
		}
		kept()
	})
	JMP(LabelRef("kept"))

	Label("part")
	k.setColumns()
	k.rows("copyOut", func(part, c Mem) {
		for j, mask := range columnMasks {
			VMOVUPS(part.Offset(j*isa.Bytes()), isa.V(j))
			isa.Store(isa.V(j), c.Offset(j*isa.Bytes()), mask)
		}
	})
	Label("cut")
	k.setColumns()
	const atMost, greater = U8(2), U8(6)
	none, column := isa.V(3), func(j int) reg.Register { return isa.V(4 + j) }
	VBROADCASTSS(NegInf(), none)
	for j := range tiles {
		VPBROADCASTD(k.at, column(j))
		VPADDD(Numbers().Offset(j*isa.Bytes()), column(j), column(j))
	}
	k.rows("cutRow", func(_, c Mem) {
		VPBROADCASTD(Mem{Base: seen}, isa.V(6))
		VPBROADCASTD(Mem{Base: seen, Disp: seenHi}, isa.V(7))
		for j, mask := range columnMasks {
			VPCMPD(atMost, column(j), isa.V(6), mask, reg.K2)
			VPCMPD(greater, column(j), isa.V(7), reg.K2, reg.K2)
			VMOVAPS(none, isa.V(j))
			VMOVUPS(c.Offset(j*isa.Bytes()), reg.K2, isa.V(j))
			VMOVUPS(isa.V(j), mask, c.Offset(j*isa.Bytes()))
		}
		kept()
		ADDQ(U32(4), seen)
	})
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
