// Command attend generates the product P·V that makes P from S on the way:
// while the multiply-adds of sixteen keys run, so do the exponentials of the
// next sixteen, mostly in pipes that multiply-adds leave free.
package main

import (
	"github.com/mmcloughlin/avo/attr"
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	. "github.com/attnbench/attnbench/kernels/internal/simd/_asm/gen"
)

// group is how many keys are woven: a vector of them.
const group = 16

// isa is the only one with registers enough.
var isa = AVX512

func main() {
	ConstraintExpr("!purego")
	TEXT("attendAVX512", attr.NOSPLIT, "func("+
		"c *float32, ldc int, s *float32, lds int, b *float32, ldb, depth int, shift, beta, sum *float32)")
	k := block{exp: isa.NewExp2(), sums: isa.Frame(MaxRows)}
	k.c = NewRows(Arg("c"), ArgBytes("ldc"), MaxRows)
	k.s = NewRows(Arg("s"), ArgBytes("lds"), MaxRows)
	k.b, k.ldb, k.shift = Arg("b"), ArgBytes("ldb"), Arg("shift")
	keys := Arg("depth")

	k.clearSums()
	setMask(keys)
	for i := range MaxRows {
		for _, op := range k.exponential(i, 0, isa.Mask(), isa.V(3*i), isa.V(3*i+1), isa.V(3*i+2)) {
			op()
		}
	}
	k.start()
	next := Load(Param("c"), GP64())
	for range MaxRows {
		ADDQ(k.c.Stride(), next)
	}
	Label("group")
	CMPQ(keys, U32(group))
	JLE(LabelRef("step"))
	SUBQ(U32(group), keys)
	k.fetch(next)
	CMPQ(keys, U32(group))
	JLT(LabelRef("last"))
	k.woven(nil)
	k.s.Advance(U32(4 * group))
	JMP(LabelRef("group"))
	Label("last")
	setMask(keys)
	k.woven(isa.Mask())
	k.s.Advance(U32(4 * group))

	Label("step")
	k.step(0, func() {})
	k.s.Advance(U32(4))
	DECQ(keys)
	JNZ(LabelRef("step"))

	k.c = NewRows(Arg("c"), ArgBytes("ldc"), MaxRows)
	for i := range MaxRows {
		for j := range isa.Vecs {
			VMOVUPS(acc(i, j), k.c.At(i, j*isa.Bytes()))
		}
	}
	k.total()
	End()
	Generate()
}

// The registers: 24 sums, one broadcast, four of B, three for exponentials.
func acc(i, j int) reg.Register { return isa.V(i*isa.Vecs + j) }
func broadcast() reg.Register   { return isa.V(24) }
func rowOfB(j int) reg.Register { return isa.V(25 + j) }

// A block is six rows of C by one panel.
type block struct {
	exp    Exp2
	c, s   Rows
	b, ldb reg.Register
	shift  reg.Register
	sums   Mem // of the exponentials, a vector a row
}

// fetch asks for a cache line of each of the rows of C that follow the block's,
// and goes on to the next line: they are the next call's.
func (k block) fetch(next reg.Register) {
	row := GP64()
	MOVQ(next, row)
	for i := range MaxRows {
		PREFETCHT0(Mem{Base: row})
		if i+1 < MaxRows {
			ADDQ(k.c.Stride(), row)
		}
	}
	ADDQ(U32(64), next)
}

func (k block) clearSums() {
	isa.Zero(isa.V(0))
	for i := range MaxRows {
		VMOVUPS(isa.V(0), k.sums.Offset(i*isa.Bytes()))
	}
}

// start sets the sums to C times beta, or to zero.
func (k block) start() {
	for n := range MaxRows * isa.Vecs {
		isa.Zero(isa.V(n))
	}
	beta := Arg("beta")
	TESTQ(beta, beta)
	JZ(LabelRef("group"))
	for i := range MaxRows {
		VBROADCASTSS(Mem{Base: beta, Disp: 4 * i}, broadcast())
		for j := range isa.Vecs {
			VMULPS(k.c.At(i, j*isa.Bytes()), broadcast(), acc(i, j))
		}
	}
}

// exponential replaces a vector of row i of S, disp bytes ahead, by that of P
// and adds it to the row's sum; where there is a mask, only what it covers.
func (k block) exponential(i, disp int, mask Op, x, y, z reg.Register) []func() {
	at, sum := k.s.At(i, disp), k.sums.Offset(i*isa.Bytes())
	ops := []func(){
		func() { isa.Load(at, x, mask) },
		func() { VSUBPS_BCST(Mem{Base: k.shift, Disp: 4 * i}, x, x) },
	}
	ops = append(ops, k.exp.Ops(x, y, z)...)
	return append(ops,
		func() { isa.Store(y, at, mask) },
		func() { VMOVUPS(sum, x) },
		func() { isa.AddUnder(mask, y, x) },
		func() { VMOVUPS(x, sum) },
	)
}

// woven emits the products of one group with the exponentials of the next, under
// a mask or not, spread evenly among them.
//
// Note: a masked load takes a vector pipe too, which only the last group pays.
func (k block) woven(mask Op) {
	var ops []func()
	for i := range MaxRows {
		ops = append(ops, k.exponential(i, 4*group, mask, isa.V(29), isa.V(30), isa.V(31))...)
	}
	products, next := 0, 0
	for key := range group {
		k.step(4*key, func() {
			products++
			for next*group*MaxRows*isa.Vecs < products*len(ops) {
				ops[next]()
				next++
			}
		})
	}
}

// step emits the products of one key, disp bytes into the rows of P, and calls
// between after each.
func (k block) step(disp int, between func()) {
	for j := range isa.Vecs {
		VMOVUPS(Mem{Base: k.b, Disp: j * isa.Bytes()}, rowOfB(j))
	}
	ADDQ(k.ldb, k.b)
	for i := range MaxRows {
		VBROADCASTSS(k.s.At(i, disp), broadcast())
		for j := range isa.Vecs {
			VFMADD231PS(rowOfB(j), broadcast(), acc(i, j))
			between()
		}
	}
}

// total adds each row's sum to its number in sum.
func (k block) total() {
	sum := Arg("sum")
	for i := range MaxRows {
		x, y := isa.V(2*i), isa.V(2*i+1)
		VMOVUPS(k.sums.Offset(i*isa.Bytes()), x)
		isa.Reduce(x, y, func(from, into reg.Register) { VADDPS(from, into, into) })
		at := Mem{Base: sum, Disp: 4 * i}
		VADDSS(at, X(x), X(x))
		VMOVSS(X(x), at)
	}
}

// setMask covers the next min(n, 16) floats, n > 0.
func setMask(n reg.Register) {
	bits, short := GP64(), GP64()
	MOVQ(U32(64), short)
	SUBQ(n, short)
	MOVQ(U32(64-group), reg.RCX)
	CMPQ(short, reg.RCX)
	CMOVQGT(short, reg.RCX)
	MOVQ(I32(-1), bits)
	SHRQ(reg.CL, bits)
	KMOVW(bits.As32(), reg.K1)
}
