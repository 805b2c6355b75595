package main

import (
	"github.com/mmcloughlin/avo/attr"
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	. "github.com/attnbench/attnbench/kernels/internal/simd/_asm/gen"
)

// packTransposedPairs writes up to a vector of source rows as columns of a
// panel of pairs: what is transposed is a square of sixteen pairs a row. An odd
// depth's last pair is filled up with zero.
func packTransposedPairs() {
	isa := AVX512
	TEXT("packTransposedPairsAVX512", attr.NOSPLIT, "func(dst *uint32, src *uint16, lds, rows, depth int)")
	dst, src, lds := Arg("dst"), Arg("src"), ArgHalves("lds")
	rows, depth := Arg("rows"), Arg("depth")
	out := func(i int) Mem { return Mem{Base: dst, Disp: i * isa.Vecs * isa.Bytes()} }
	Label("square")
	SUBQ(U32(HalvesAVector), depth)
	JLT(LabelRef("tail"))
	loadSquare(isa, "full", src, lds, rows, floats(isa, nil))
	for i, v := range transposed(isa) {
		VMOVUPS(v, out(i))
	}
	ADDQ(U32(isa.Bytes()), src)
	ADDQ(U32(isa.Width*isa.Vecs*isa.Bytes()), dst)
	JMP(LabelRef("square"))

	Label("tail")
	ADDQ(U32(HalvesAVector), depth)
	JZ(LabelRef("done"))
	SetHalvesMask(depth, reg.K1)
	loadSquare(isa, "tail", src, lds, rows, func(at Mem, v reg.Register) { VMOVDQU16_Z(at, reg.K1, v) })
	for i, v := range transposed(isa) {
		VMOVUPS(v, out(i))
		SUBQ(U32(2), depth)
		JLE(LabelRef("done"))
	}
	Label("done")
	End()
}

// packPairs copies one panel of pairs from rows: columns of two rows side by
// side, the last one with zeros where their number is odd. least, a number a
// lane, takes in what was packed: the least magnitude's bits, negated.
func packPairs() {
	isa := AVX512
	TEXT("packPairsAVX512", attr.NOSPLIT, "func(dst *uint32, src *uint16, lds, depth, cols int, least *uint16)")
	dst, src, lds, depth, cols := Arg("dst"), Arg("src"), ArgHalves("lds"), Arg("depth"), Arg("cols")
	least := Arg("least")
	magnitude, zero, low, high := isa.V(8), isa.V(9), isa.V(10), isa.V(11)
	most := isa.V(12)
	consts := ConstInts("packPairs", []uint32{0x7fff7fff})
	VPBROADCASTD(consts, magnitude)
	isa.Zero(zero)
	VMOVDQU32(Interleave("packPairsLow", 0), low)
	VMOVDQU32(Interleave("packPairsHigh", 16), high)
	VMOVDQU32(Mem{Base: least}, most)

	const vecs = 2 // of halves, a row of a panel
	Comment("K1 and K2 cover the columns of each vector.")
	CMPQ(cols, U32(HalvesAVector))
	JGT(LabelRef("wide"))
	SetHalvesMask(cols, reg.K1)
	KXORD(reg.K2, reg.K2, reg.K2)
	JMP(LabelRef("pair"))
	Label("wide")
	SUBQ(U32(HalvesAVector), cols)
	SetHalvesMask(cols, reg.K2)
	KXNORD(reg.K1, reg.K1, reg.K1)

	mask := []reg.Register{reg.K1, reg.K2}
	upper, lower := func(j int) reg.Register { return isa.V(j) }, func(j int) reg.Register { return isa.V(vecs + j) }
	load := func(row func(j int) reg.Register) {
		for j := range vecs {
			VMOVDQU16_Z(Mem{Base: src, Disp: j * isa.Bytes()}, mask[j], row(j))
			x := isa.V(4)
			VPANDD(magnitude, row(j), x)
			VPSUBW(x, zero, x)
			VPMAXUW(x, most, most)
		}
		ADDQ(lds, src)
	}
	Label("pair")
	SUBQ(U32(2), depth)
	JLT(LabelRef("odd"))
	load(upper)
	load(lower)
	store := func() {
		for j := range vecs {
			for half, idx := range []reg.Register{low, high} {
				x := isa.V(5 + half)
				VMOVDQU32(idx, x)
				VPERMI2W(lower(j), upper(j), x)
				VMOVDQU32(x, Mem{Base: dst, Disp: (2*j + half) * isa.Bytes()})
			}
		}
	}
	store()
	ADDQ(U32(isa.Vecs*isa.Bytes()), dst)
	JMP(LabelRef("pair"))

	Label("odd")
	ADDQ(U32(2), depth)
	JZ(LabelRef("done"))
	load(upper)
	for j := range vecs {
		isa.Zero(lower(j))
	}
	store()
	Label("done")
	VMOVDQU32(most, Mem{Base: least})
	End()
}
