package gen

import (
	"math"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// Exp2 emits 2^x by vectors, for x ≤ 0 or NaN.
type Exp2 interface {
	// Hold loads the constants into registers, from first on, and returns the
	// form that uses them there.
	Hold(first int) Exp2
	// Ops returns the instructions that leave 2^x in y, one a step, so that
	// they can be woven into others. x and z are lost.
	Ops(x, y, z reg.Register) []func()
}

// NewExp2 returns an instruction set's exponential, whose constants are placed
// once in a file.
func (s ISA) NewExp2() Exp2 {
	if placed[s] == nil {
		if s == AVX512 {
			placed[s] = newExp2AVX512()
		} else {
			placed[s] = newExp2AVX2()
		}
	}
	return placed[s]
}

var placed = map[ISA]Exp2{}

// exp2AVX512 splits x = t + r at the multiple t of 1/32 below it. VSCALEFPS
// multiplies by the whole part of x, which is t's, a permutation looks up t's
// fraction, and
//
//	2^r = c·((r + a)² + b),  0 ≤ r ≤ 1/32, within 6e-8
//
// is minimax; the table has the factor c, chosen so that its entries round well
// and c·(a² + b) to 1. It takes two instructions of the multiply pipes, and no
// clamp: VREDUCEPS gives 0 for −Inf and VSCALEFPS gives 0 for it and rounds a
// denormal once.
//
// Note: where all vector instructions share two pipes with the multiply-adds
// that they are woven into, their number is what counts. To round x down, and
// not to the nearest multiple, saves the one that would compute t.
type exp2AVX512 struct{ magic, low, high, a, b Op }

func newExp2AVX512() Exp2 {
	const c = 0x1.f155d4p-3
	var table [32]float32
	for i := range table {
		table[i] = float32(math.Exp2(float64(i)/32) * c)
	}
	t := ConstFloats("exp2Table", table[:])
	k := ConstFloats("exp2AVX512", []float32{1.5 * (1 << 18), 0x1.6d5706p+0, 0x1.0a683ep+1})
	return exp2AVX512{magic: k, low: t, high: t.Offset(64), a: k.Offset(4), b: k.Offset(8)}
}

func (e exp2AVX512) Hold(first int) Exp2 {
	v := func(i int) reg.Register { return AVX512.V(first + i) }
	VBROADCASTSS(e.magic, v(0))
	VBROADCASTSS(e.a, v(1))
	VBROADCASTSS(e.b, v(2))
	VMOVUPS(e.low, v(3))
	VMOVUPS(e.high, v(4))
	return exp2AVX512{magic: v(0), a: v(1), b: v(2), low: v(3), high: v(4)}
}

func (e exp2AVX512) Ops(x, y, z reg.Register) []func() {
	const down = U8(5<<4 | 1) // to multiples of 2^-5
	magic, ops := e.magic, []func(){}
	if _, ok := magic.(reg.Register); !ok { // only registers can be added so
		magic, ops = z, append(ops, func() { VBROADCASTSS(e.magic, z) })
	}
	return append(ops,
		func() { VADDPS_RD_SAE(magic, x, y) }, // y counts x's 32nds
		func() { VMOVUPS(e.low, z) },
		func() { VPERMI2PS(e.high, z, y) },                          // y = c·2^(fraction of t)
		func() { VREDUCEPS(down, x, z) },                            // z = r
		func() { either(e.a, VADDPS, VADDPS_BCST, z, z) },           //
		func() { either(e.b, VFMADD213PS, VFMADD213PS_BCST, z, z) }, // z = (r + a)² + b
		func() { VMULPS(z, y, y) },                                  //
		func() { VSCALEFPS(x, y, y) },                               // times 2^(whole part of t)
	)
}

// either emits the form for a register or for a float in memory.
func either[F1, F2 func(...Op) | func(Op, Op)](from Op, inReg F1, inMem F2, rest ...Op) {
	ops := append([]Op{from}, rest...)
	f := any(inMem)
	if _, ok := from.(reg.Register); ok {
		f = any(inReg)
	}
	switch f := f.(type) {
	case func(...Op):
		f(ops...)
	case func(Op, Op):
		f(ops[0], ops[1])
	}
}

// exp2AVX2 splits x = t + r at the multiple t of 1/8 nearest to it, which the
// low bits of x + magic count. They look up 2^(t's fraction), whose exponent the
// bits above, those of t's whole part, are added to. A cubic gives 2^r within 2.7e-8 for
// |r| ≤ 1/16, and the product of both the result. x is raised to −127 first,
// where the bits come to zero; between that and −126 they are those of a denormal that is
// too small. NaN comes through the cubic.
type exp2AVX2 struct{ consts []Op }

// The constants: magic, the least x, and the cubic from its top; a table follows.
var exp2AVX2Consts = []float32{1.5 * (1 << 20), -127, 0x1.c6a004p-5, 0x1.ec0c32p-3, 0x1.62e432p-1, 1}

func newExp2AVX2() Exp2 {
	m := ConstFloats("exp2AVX2", exp2AVX2Consts)
	var e exp2AVX2
	for i := range exp2AVX2Consts {
		e.consts = append(e.consts, m.Offset(4*i))
	}
	var table [8]uint32
	for i := range table {
		table[i] = math.Float32bits(float32(math.Exp2(float64(i)/8))) - uint32(i)<<20 // which the count's low bits add
	}
	e.consts = append(e.consts, ConstInts("exp2AVX2Table", table[:]))
	return e
}

func (e exp2AVX2) Hold(first int) Exp2 {
	var h exp2AVX2
	for i, c := range e.consts {
		v := AVX2.V(first + i)
		if i < len(exp2AVX2Consts) {
			VBROADCASTSS(c, v)
		} else {
			VMOVUPS(c, v)
		}
		h.consts = append(h.consts, v)
	}
	return h
}

func (e exp2AVX2) Ops(x, y, z reg.Register) []func() {
	magic, least, cubic, table := e.consts[0], e.consts[1], e.consts[2:6], e.consts[6]
	ops := []func(){
		func() { VMAXPS(x, least, x) }, // NaN stays: it is the second source
		func() { VADDPS(magic, x, z) }, // z counts x's eighths
		func() { VSUBPS(magic, z, y) }, // y = t
		func() { VSUBPS(y, x, y) },     // y = r
		func() { VPERMPS(table, z, x) },
		func() { VPSLLD(U8(20), z, z) },
		func() { VPADDD(x, z, z) }, // z = 2^t
		func() { VMOVAPS(cubic[0], x) },
	}
	for _, c := range cubic[1:] {
		ops = append(ops, func() { VFMADD213PS(c, y, x) })
	}
	return append(ops, func() { VMULPS(z, x, y) })
}
