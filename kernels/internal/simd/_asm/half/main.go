// Command half generates the conversions between floats and their halves, and
// from bytes with a scale.
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
		convert(isa, "widenF16", 2, 4, func(from, to Mem, v, _ reg.Register) {
			VCVTPH2PS(from, v)
			VMOVUPS(v, to)
		})
		convert(isa, "widenBF16", 2, 4, func(from, to Mem, v, _ reg.Register) {
			VPMOVZXWD(from, v)
			VPSLLD(U8(16), v, v)
			VMOVUPS(v, to)
		})
		convert(isa, "narrowF16", 4, 2, func(from, to Mem, v, _ reg.Register) {
			VMOVUPS(from, v)
			VCVTPS2PH(U8(0), v, to) // to nearest, ties to even
		})
		convert(isa, "narrowBF16", 4, 2, func(from, to Mem, v, w reg.Register) {
			VMOVUPS(from, v)
			narrowBF16(isa, v, w)
			store16(isa, v, to)
		})
		convert(isa, "dequantise", 1, 4, func(from, to Mem, v, _ reg.Register) {
			Int8.Load(isa, from, v, nil)
			VMULPS(factor(isa), v, v)
			VMOVUPS(v, to)
		})
	}
	Generate()
}

const unroll = 4

// ahead is how many bytes before their use numbers are fetched.
const ahead = 4096

// convert generates a loop over n numbers, a multiple of the vector's width,
// of so many bytes before and after.
func convert(isa ISA, name string, from, to int, body func(from, to Mem, v, w reg.Register)) {
	args := "(dst *float32, src *uint16, n int)"
	switch {
	case to == 2:
		args = "(dst *uint16, src *float32, n int)"
	case from == 1:
		args = "(dst *float32, src *int8, n int, scale float32)"
	}
	TEXT(name+isa.Name, attr.NOSPLIT, "func"+args)
	dst, src, n := Arg("dst"), Arg("src"), Arg("n")
	loadConstants(isa, name)
	for _, vecs := range []int{unroll, 1} {
		loop, end := "one", "done"
		if vecs > 1 {
			loop, end = "many", "rest"
		}
		Label(loop)
		SUBQ(U32(vecs*isa.Width), n)
		JLT(LabelRef(end))
		for line := 0; vecs > 1 && line < vecs*isa.Width*from; line += 64 {
			PREFETCHT0(Mem{Base: src, Disp: line + ahead})
		}
		for i := range vecs {
			body(Mem{Base: src, Disp: i * isa.Width * from}, Mem{Base: dst, Disp: i * isa.Width * to}, isa.V(2*i), isa.V(2*i+1))
		}
		ADDQ(U32(vecs*isa.Width*from), src)
		ADDQ(U32(vecs*isa.Width*to), dst)
		JMP(LabelRef(loop))
		Label(end)
		if vecs > 1 {
			ADDQ(U32(vecs*isa.Width), n)
		}
	}
	End()
}

// The constants of narrowBF16.
func one(isa ISA) reg.Register   { return isa.V(12) }
func half(isa ISA) reg.Register  { return isa.V(13) }
func quiet(isa ISA) reg.Register { return isa.V(14) }

// factor is the scale of dequantise.
func factor(isa ISA) reg.Register { return isa.V(12) }

func loadConstants(isa ISA, name string) {
	switch name {
	default:
		return
	case "dequantise":
		VBROADCASTSS(Stack("scale"), factor(isa))
		return
	case "narrowBF16":
	}
	if narrowData == nil {
		m := ConstInts("narrowConsts", []uint32{1, 0x7fff, 0x400000})
		narrowData = &m
	}
	for i, v := range []reg.Register{one(isa), half(isa), quiet(isa)} {
		VPBROADCASTD(narrowData.Offset(4*i), v)
	}
}

var narrowData *Mem

// narrowBF16 rounds to the nearest upper half, ties to even, in the upper half
// of each float; a NaN is made quiet, so that its payload can't vanish.
func narrowBF16(isa ISA, v, w reg.Register) {
	x := isa.V(15)
	VPSRLD(U8(16), v, w)
	if isa == AVX512 {
		VCMPPS(U8(3), v, v, reg.K2) // unordered
		VPANDD(one(isa), w, w)
		VPADDD(half(isa), w, w)
		VPADDD(v, w, w)
		VPORD(quiet(isa), v, v)
		VPBLENDMD(v, w, reg.K2, v)
		return
	}
	VCMPPS(U8(3), v, v, x)
	VPAND(one(isa), w, w)
	VPADDD(half(isa), w, w)
	VPADDD(v, w, w)
	VPOR(quiet(isa), v, v)
	VBLENDVPS(x, v, w, v)
}

// store16 stores the upper halves of a vector of 32-bit numbers.
func store16(isa ISA, v reg.Register, to Mem) {
	VPSRLD(U8(16), v, v)
	if isa == AVX512 {
		VPMOVDW(v, to)
		return
	}
	high := reg.X15
	VEXTRACTI128(U8(1), v, high)
	VPACKUSDW(high, X(v), X(v))
	VMOVDQU(X(v), to)
}
