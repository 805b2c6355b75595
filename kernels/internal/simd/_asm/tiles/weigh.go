package main

import (
	"github.com/mmcloughlin/avo/attr"
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	. "github.com/attnbench/attnbench/kernels/internal/simd/_asm/gen"
)

// group is how many keys become a vector of P.
const group = 32

// The registers of weigh: a sum for each half of a group, the exponential's five,
// what is subtracted and what scales, and six to work with.
var (
	halfSums         = [2]reg.Register{isa.V(0), isa.V(1)}
	held             = 2
	shiftAll         = isa.V(7)
	scaleAll         = isa.V(8)
	weights, x1, x2  = [2]reg.Register{isa.V(9), isa.V(10)}, isa.V(11), isa.V(12)
	halfMasks        = [2]reg.Register{reg.K1, reg.K2}
	wordMask, stored = reg.K3, reg.K4
)

// weigh generates the softmax of any number of rows: P takes the first half of S's
// room. Both halves of a group have a sum of their own, unrounded.
func weigh() {
	TEXT("weighTilesAMX", attr.NOSPLIT, "func("+
		"s *float32, lds, rows, keys int, shift, sum *float32, scale float32)")
	exp := isa.NewExp2().Hold(held)
	VBROADCASTSS(Stack("scale"), scaleAll)
	setGroup(Arg("keys"))
	row, lds, rows, shift, sum := Arg("s"), ArgBytes("lds"), Arg("rows"), Arg("shift"), Arg("sum")
	s, p, keys := GP64(), GP64(), GP64()
	Label("row")
	VBROADCASTSS(Mem{Base: shift}, shiftAll)
	for _, v := range halfSums {
		isa.Zero(v)
	}
	MOVQ(row, s)
	MOVQ(row, p)
	MOVQ(Stack("keys"), keys)
	Label("group")
	SUBQ(U32(group), keys)
	JLT(LabelRef("tail"))
	for half, w := range weights {
		VMOVUPS(Mem{Base: s, Disp: half * isa.Bytes()}, x1)
		weight(exp, w)
		VADDPS(w, halfSums[half], halfSums[half])
	}
	VCVTNE2PS2BF16(weights[0], weights[1], x1)
	VMOVUPS(x1, Mem{Base: p})
	ADDQ(U32(4*group), s)
	ADDQ(U32(2*group), p)
	JMP(LabelRef("group"))

	Label("tail")
	ADDQ(U32(group), keys)
	JZ(LabelRef("total"))
	for half, w := range weights {
		VMOVUPS_Z(Mem{Base: s, Disp: half * isa.Bytes()}, halfMasks[half], x1)
		weight(exp, w)
		VADDPS(w, halfSums[half], halfMasks[half], halfSums[half])
	}
	VCVTNE2PS2BF16_Z(weights[0], weights[1], wordMask, x1)
	VMOVUPS(x1, stored, Mem{Base: p})

	Label("total")
	VADDPS(halfSums[1], halfSums[0], x1)
	isa.Reduce(x1, x2, func(from, into reg.Register) { VADDPS(from, into, into) })
	VADDSS(Mem{Base: sum}, X(x1), X(x1))
	VMOVSS(X(x1), Mem{Base: sum})
	ADDQ(U32(4), sum)
	ADDQ(U32(4), shift)
	ADDQ(lds, row)
	DECQ(rows)
	JNZ(LabelRef("row"))
	End()
}

// weight makes w the weights of the scores in x1.
func weight(exp Exp2, w reg.Register) {
	VFMSUB132PS(scaleAll, shiftAll, x1)
	for _, op := range exp.Ops(x1, w, x2) {
		op()
	}
}

// setGroup covers what the last group of so many keys has: its halves, its
// weights, and the floats that their pairs fill.
func setGroup(keys reg.Register) {
	ANDQ(U32(group-1), keys)
	bits := func() reg.GPVirtual {
		r := GP64()
		MOVQ(U32(64), reg.RCX)
		SUBQ(keys, reg.RCX)
		MOVQ(I32(-1), r)
		SHRQ(reg.CL, r)
		return r
	}
	r := bits()
	KMOVD(r.As32(), wordMask)
	KMOVW(r.As32(), halfMasks[0])
	SHRQ(U8(16), r)
	KMOVW(r.As32(), halfMasks[1])
	INCQ(keys)
	SHRQ(U8(1), keys)
	r = bits()
	KMOVW(r.As32(), stored)
}
