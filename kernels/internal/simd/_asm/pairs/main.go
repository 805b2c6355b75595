// Command pairs generates what products of pairs of bfloat16 need beside the
// products themselves: the softmax, alone and woven into P·V, and their limit.
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

var isa = AVX512

func main() {
	ConstraintExpr("!purego")
	attend()
	weigh()
	multiply()
	Generate()
}

// A softmax makes rows of P of S, a group of keys at a time, in place: P takes
// half of S's room and stays behind it.
type softmax struct {
	exp   Exp2
	s, p  Rows
	shift reg.Register
	sums  Mem // of the exponentials, a vector a row
	low   Mem // the exponentials of a group's first half, until it is rounded
	scale Mem
}

// The masks of a group: its first and second sixteen floats of S, its halves,
// and the floats that their pairs fill.
var (
	halfMasks = [2]reg.Register{reg.K1, reg.K2}
	wordMask  = reg.K3
	pairMask  = reg.K4
)

// newSoftmax loads the arguments s, lds, shift and scale.
func newSoftmax(rows int) softmax {
	frame := isa.Frame(rows + 1)
	k := softmax{exp: isa.NewExp2(), sums: frame, low: frame.Offset(rows * isa.Bytes()), scale: AllocLocal(8)}
	VMOVSS(Stack("scale"), X(isa.V(0)))
	VMOVSS(X(isa.V(0)), k.scale)
	k.s = NewRows(Arg("s"), ArgBytes("lds"), rows)
	k.p = k.s.Copy()
	k.shift = Arg("shift")
	isa.Zero(isa.V(0))
	for i := range rows {
		VMOVUPS(isa.V(0), k.sums.Offset(i*isa.Bytes()))
	}
	return k
}

// setMasks covers the next min(n, group) keys, n > 0.
func setMasks(n reg.Register) {
	bits, count := GP64(), GP64()
	MOVQ(U32(group), count)
	CMPQ(n, count)
	CMOVQLT(n, count)
	MOVQ(U32(64), reg.RCX)
	SUBQ(count, reg.RCX)
	MOVQ(I32(-1), bits)
	SHRQ(reg.CL, bits)
	KMOVD(bits.As32(), wordMask)
	KMOVW(bits.As32(), halfMasks[0])
	SHRQ(U8(16), bits)
	KMOVW(bits.As32(), halfMasks[1])
	INCQ(count)
	SHRQ(U8(1), count)
	MOVQ(U32(64), reg.RCX)
	SUBQ(count, reg.RCX)
	MOVQ(I32(-1), bits)
	SHRQ(reg.CL, bits)
	KMOVW(bits.As32(), pairMask)
}

// weights returns the instructions that make the next group of row i of P,
// sBytes and pBytes ahead, and add it to the row's sum, unrounded.
func (k softmax) weights(i, sBytes, pBytes int, x, y, z reg.Register) []func() {
	var ops []func()
	for half, mask := range halfMasks {
		at, sum := k.s.At(i, sBytes+half*isa.Bytes()), k.sums.Offset(i*isa.Bytes())
		ops = append(ops,
			func() { isa.Load(at, x, mask) },
			func() { VBROADCASTSS(Mem{Base: k.shift, Disp: 4 * i}, y) },
			func() { VFMSUB132PS_BCST(k.scale, y, x) },
		)
		ops = append(ops, k.exp.Ops(x, y, z)...)
		if half == 0 {
			ops = append(ops, func() { VMOVUPS(y, k.low) })
		}
		ops = append(ops,
			func() { VMOVUPS(sum, x) },
			func() { isa.AddUnder(mask, y, x) },
			func() { VMOVUPS(x, sum) },
		)
	}
	return append(ops,
		func() { VCVTNE2PS2BF16_Z(k.low, y, wordMask, y) },
		func() { isa.Store(y, k.p.At(i, pBytes), pairMask) },
	)
}

// advance moves on to the next group.
func (k softmax) advance() {
	k.s.Advance(U32(4 * group))
	k.p.Advance(U32(2 * group))
}

// total adds the sum of row i to its number in sum.
func (k softmax) total(i int, sum, x, y reg.Register) {
	VMOVUPS(k.sums.Offset(i*isa.Bytes()), x)
	isa.Reduce(x, y, func(from, into reg.Register) { VADDPS(from, into, into) })
	at := Mem{Base: sum, Disp: 4 * i}
	VADDSS(at, X(x), X(x))
	VMOVSS(X(x), at)
}

// weigh generates the softmax alone, of any number of rows. It computes as
// [softmax.weights] does, with what that has in memory in registers.
func weigh() {
	TEXT("weighPairsAVX512", attr.NOSPLIT, "func("+
		"s *float32, lds, rows, keys int, shift, sum *float32, scale float32)")
	s, lds, rows := Arg("s"), ArgBytes("lds"), Arg("rows")
	shift, sum := Arg("shift"), Arg("sum")
	scale, m, total := isa.V(0), isa.V(1), isa.V(2)
	low, y, x, z := isa.V(3), isa.V(4), isa.V(5), isa.V(6)
	e := isa.NewExp2().Hold(7)
	VBROADCASTSS(Stack("scale"), scale)
	at, p, left := GP64(), GP64(), GP64()
	weights := func(masks [2]Op, words, pairs Op) {
		for half, power := range []reg.Register{low, y} {
			isa.Load(Mem{Base: at, Disp: half * isa.Bytes()}, x, masks[half])
			VFMSUB132PS(scale, m, x)
			for _, op := range e.Ops(x, power, z) {
				op()
			}
		}
		for half, power := range []reg.Register{low, y} {
			isa.AddUnder(masks[half], power, total)
		}
		if words == nil {
			VCVTNE2PS2BF16(low, y, y)
		} else {
			VCVTNE2PS2BF16_Z(low, y, words.(reg.Register), y)
		}
		isa.Store(y, Mem{Base: p}, pairs)
		ADDQ(U32(4*group), at)
		ADDQ(U32(2*group), p)
	}
	Label("row")
	MOVQ(s, at)
	MOVQ(s, p)
	Load(Param("keys"), left)
	VBROADCASTSS(Mem{Base: shift}, m)
	isa.Zero(total)
	Label("group")
	SUBQ(U32(group), left)
	JLT(LabelRef("part"))
	weights([2]Op{}, nil, nil)
	JMP(LabelRef("group"))
	Label("part")
	ADDQ(U32(group), left)
	JZ(LabelRef("total"))
	setMasks(left)
	weights([2]Op{halfMasks[0], halfMasks[1]}, wordMask, pairMask)
	Label("total")
	isa.Reduce(total, x, func(from, into reg.Register) { VADDPS(from, into, into) })
	VADDSS(Mem{Base: sum}, X(total), X(total))
	VMOVSS(X(total), Mem{Base: sum})
	ADDQ(U32(4), sum)
	ADDQ(U32(4), shift)
	ADDQ(lds, s)
	DECQ(rows)
	JNZ(LabelRef("row"))
	End()
}

// sums is how many independent sums keep two pipes of latency six busy, with a
// margin.
const sums = 24

// multiply generates rounds of 24 multiply-adds of pairs.
func multiply() {
	TEXT("fmaPairsAVX512", attr.NOSPLIT, "func(n int)")
	n := Arg("n")
	for i := range sums + 2 {
		isa.Zero(isa.V(i))
	}
	TESTQ(n, n)
	JZ(LabelRef("done"))
	Label("round")
	for i := range sums {
		VDPBF16PS(isa.V(sums), isa.V(sums+1), isa.V(i))
	}
	DECQ(n)
	JNZ(LabelRef("round"))
	Label("done")
	End()
}
