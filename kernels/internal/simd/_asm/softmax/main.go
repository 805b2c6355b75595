// Command softmax generates the row maximum, the exponential with its sum, the
// scaling of rows, and the step of the online softmax from one maximum to the
// next.
package main

import (
	"github.com/mmcloughlin/avo/attr"
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	. "github.com/attnbench/attnbench/kernels/internal/simd/_asm/gen"
)

func main() {
	ConstraintExpr("!purego")
	for _, isa := range []ISA{AVX512, AVX2} {
		rowMax(isa)
		expSum(isa)
		scale(isa)
		rescale(isa)
	}
	Generate()
}

// rowMax passes over NaN: in VMAXPS's first source it gives the second, the
// maximum so far.
func rowMax(isa ISA) {
	TEXT("rowMax"+isa.Name, attr.NOSPLIT, "func(s *float32, lds, rows, cols int, rowMax *float32)")
	out := Arg("rowMax")
	best, x, none := isa.V(0), isa.V(1), isa.V(2)
	VBROADCASTSS(NegInf(), none)
	EachVector(isa, func() { VMOVAPS(none, best) },
		func(at Mem, mask Op) {
			isa.Load(at, x, mask)
			if mask != nil {
				isa.Blend(mask, x, none, x)
			}
			VMAXPS(best, x, best)
		},
		func() {
			isa.Reduce(best, x, func(from, into reg.Register) { VMAXPS(into, from, into) })
			VMOVSS(X(best), Mem{Base: out})
			ADDQ(U32(4), out)
		})
}

func expSum(isa ISA) {
	TEXT("expSum"+isa.Name, attr.NOSPLIT, "func(s *float32, lds, rows, cols int, shift, sum *float32)")
	shift, sum := Arg("shift"), Arg("sum")
	x, y, z, m, total := isa.V(0), isa.V(1), isa.V(2), isa.V(3), isa.V(4)
	e := isa.NewExp2().Hold(5)
	EachVector(isa, func() {
		VBROADCASTSS(Mem{Base: shift}, m)
		isa.Zero(total)
	}, func(at Mem, mask Op) {
		isa.Load(at, x, mask)
		VSUBPS(m, x, x)
		for _, op := range e.Ops(x, y, z) {
			op()
		}
		isa.Store(y, at, mask)
		isa.AddUnder(mask, y, total)
	}, func() {
		isa.Reduce(total, x, func(from, into reg.Register) { VADDPS(from, into, into) })
		at := Mem{Base: sum}
		VADDSS(at, X(total), X(total))
		VMOVSS(X(total), at)
		ADDQ(U32(4), shift)
		ADDQ(U32(4), sum)
	})
}

// scale multiplies rows. A float times zero is NaN unless it is finite, so the
// sum of those products tells whether all were.
func scale(isa ISA) {
	TEXT("scale"+isa.Name, attr.NOSPLIT, "func(dst *float32, ldd int, src *float32, lds, rows, cols int, alpha *float32) (finite bool)")
	dst, ldd, src, lds := Arg("dst"), ArgBytes("ldd"), Arg("src"), ArgBytes("lds")
	left, cols, alpha := Arg("rows"), Arg("cols"), Arg("alpha")
	a, x, zero, sum := isa.V(0), isa.V(1), isa.V(2), isa.V(3)
	isa.Zero(zero)
	isa.Zero(sum)
	Label("row")
	DECQ(left)
	JLT(LabelRef("done"))
	VBROADCASTSS(Mem{Base: alpha}, a)
	ADDQ(U32(4), alpha)
	n, at := GP64(), GP64()
	MOVQ(cols, n)
	XORQ(at, at)
	Label("vector")
	SUBQ(U32(isa.Width), n)
	JLT(LabelRef("tail"))
	VMULPS(Mem{Base: src, Index: at, Scale: 1}, a, x)
	VMOVUPS(x, Mem{Base: dst, Index: at, Scale: 1})
	VFMADD231PS(x, zero, sum)
	ADDQ(U32(isa.Bytes()), at)
	JMP(LabelRef("vector"))
	Label("tail")
	ADDQ(U32(isa.Width), n)
	JZ(LabelRef("next"))
	isa.SetMask(n)
	isa.Load(Mem{Base: src, Index: at, Scale: 1}, x, isa.Mask())
	VMULPS(x, a, x)
	isa.Store(x, Mem{Base: dst, Index: at, Scale: 1}, isa.Mask())
	VFMADD231PS(x, zero, sum)
	Label("next")
	ADDQ(ldd, dst)
	ADDQ(lds, src)
	JMP(LabelRef("row"))
	Label("done")
	isa.Reduce(sum, x, func(from, into reg.Register) { VADDPS(from, into, into) })
	finite, err := ReturnIndex(0).Resolve()
	if err != nil {
		panic(err)
	}
	VUCOMISS(X(sum), X(sum))
	SETPC(finite.Addr)
	End()
}

// rescale moves the state of rows, one a lane, to the maxima of
// both; bit i of fresh tells that row i had none.
func rescale(isa ISA) {
	TEXT("rescale"+isa.Name, attr.NOSPLIT, "func(rowMax, next, rowSum, shift, alpha *float32, rows int) (fresh uint32)")
	rows := Arg("rows")
	isa.SetMask(rows)
	mask := isa.Mask()
	old, m, x, y, z, none := isa.V(0), isa.V(1), isa.V(2), isa.V(3), isa.V(4), isa.V(5)
	at := func(name string) Mem { return Mem{Base: Arg(name)} }
	VBROADCASTSS(NegInf(), none)
	isa.Load(at("rowMax"), old, mask)
	isa.Load(at("next"), m, mask)
	VMAXPS(old, m, m)
	isa.Store(m, at("rowMax"), mask)
	isa.ZeroWhereEqual(none, m, x)
	VMOVUPS(x, at("shift"))
	VSUBPS(x, old, x)
	for _, op := range isa.NewExp2().Hold(6).Ops(x, y, z) {
		op()
	}
	VMOVUPS(y, at("alpha"))
	isa.Load(at("rowSum"), x, mask)
	VMULPS(y, x, x)
	isa.Store(x, at("rowSum"), mask)
	fresh := GP32()
	isa.EqualLanes(none, old, fresh)
	Store(fresh, ReturnIndex(0))
	End()
}
