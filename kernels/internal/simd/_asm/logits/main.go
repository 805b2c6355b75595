// Command logits generates what turns raw scores into logits: the soft cap and
// the bias by distance.
package main

import (
	"math"

	"github.com/mmcloughlin/avo/attr"
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"

	. "github.com/attnbench/attnbench/kernels/internal/simd/_asm/gen"
)

func main() {
	ConstraintExpr("!purego")
	for _, isa := range []ISA{AVX512, AVX2} {
		softcap(isa)
		bias(isa)
	}
	Generate()
}

// odd holds the coefficients of tanh y = y + y³·(odd[4] + odd[3]·y² + …) for
// |y| < 0.625, those of tanhf in the Cephes library, from the top.
var odd = []float32{-5.70498872745e-3, 2.06390887954e-2, -5.37397155531e-2, 1.33314422036e-1, -3.33332819422e-1}

// softcap replaces x by out·tanh(x·in). Where |y| is small a polynomial keeps
// the relative error; elsewhere tanh |y| = (1-e)/(1+e) with e = exp(-2|y|).
func softcap(isa ISA) {
	TEXT("softcap"+isa.Name, attr.NOSPLIT, "func(s *float32, lds, rows, cols int, in, out float32)")
	t, p, z, x, y, in, out := isa.V(0), isa.V(1), isa.V(2), isa.V(3), isa.V(4), isa.V(5), isa.V(6)
	VBROADCASTSS(Stack("in"), in)
	VBROADCASTSS(Stack("out"), out)
	exp := isa.NewExp2().Hold(7)
	EachVector(isa, func() {}, func(at Mem, mask Op) {
		isa.Load(at, t, mask)
		VMULPS(in, t, t)
		VMULPS(t, t, z)
		VMOVUPS(Lanes("odd0", odd[0]), p)
		for i, c := range odd[1:] {
			VFMADD213PS(Lanes("odd"+string(rune('1'+i)), c), z, p)
		}
		VMULPS(z, p, p)
		VFMADD213PS(t, t, p) // p = y + y³·(…)

		VANDPS(LanesOfBits("magnitude", 1<<31-1), t, x)
		VMULPS(Lanes("minusTwoLog2E", -2*math.Log2E), x, x)
		for _, op := range exp.Ops(x, y, z) {
			op()
		}
		VMOVUPS(Lanes("one", 1), z)
		VSUBPS(y, z, z)
		VADDPS(Lanes("one", 1), y, x)
		VDIVPS(x, z, z)
		VANDPS(LanesOfBits("sign", 1<<31), t, x)
		VORPS(x, z, z) // z = ±(1-e)/(1+e)

		VANDPS(LanesOfBits("magnitude", 1<<31-1), t, x)
		isa.Blend(isa.Less(x, Lanes("small", 0.625), x), p, z, z)
		VMULPS(out, z, z)
		isa.Store(z, at, mask)
	}, func() {})
}

// bias subtracts slope[i]·|first[i]+j| from column j of row i.
func bias(isa ISA) {
	TEXT("bias"+isa.Name, attr.NOSPLIT, "func(s *float32, lds, rows, cols int, slope *float32, first *int32)")
	slopes, firsts := Arg("slope"), Arg("first")
	x, at, d, slope, step := isa.V(0), isa.V(1), isa.V(2), isa.V(3), isa.V(4)
	VMOVUPS(LanesOfBits("width"+isa.Name, uint32(isa.Width)), step)
	EachVector(isa, func() {
		VPBROADCASTD(Mem{Base: firsts}, at)
		VPADDD(counting(), at, at)
		VBROADCASTSS(Mem{Base: slopes}, slope)
		ADDQ(U32(4), slopes)
		ADDQ(U32(4), firsts)
	}, func(s Mem, mask Op) {
		isa.Load(s, x, mask)
		VPABSD(at, d)
		VCVTDQ2PS(d, d)
		VFNMADD231PS(d, slope, x)
		isa.Store(x, s, mask)
		VPADDD(step, at, at)
	}, func() {})
}

var countingData *Mem

// counting is 0, 1, 2, …
func counting() Mem {
	if countingData == nil {
		words := make([]uint32, 16)
		for i := range words {
			words[i] = uint32(i)
		}
		m := ConstInts("counting", words)
		countingData = &m
	}
	return *countingData
}
