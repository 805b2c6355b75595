package main

import (
	"github.com/mmcloughlin/avo/attr"
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	. "github.com/attnbench/attnbench/kernels/internal/simd/_asm/gen"
)

// A block is six rows of C by one panel of B, and the softmax that makes the
// rows of A.
type block struct {
	softmax
	c Rows
	b reg.Register
}

// The registers: 24 sums, one broadcast, four of B, three for exponentials.
func acc(i, j int) reg.Register { return isa.V(i*isa.Vecs + j) }
func broadcast() reg.Register   { return isa.V(24) }
func rowOfB(j int) reg.Register { return isa.V(25 + j) }

// attend generates the product of P and one panel of V that makes P from S on
// the way: the exponentials of a group of keys run among the products of the
// group before it.
func attend() {
	TEXT("attendPairsAVX512", attr.NOSPLIT, "func("+
		"c *float32, ldc int, s *float32, lds int, b *uint32, keys int, shift, beta, sum *float32, scale float32)")
	k := block{softmax: newSoftmax(MaxRows), b: Arg("b")}
	keys := Arg("keys")
	setMasks(keys)
	for i := range MaxRows {
		for _, op := range k.weights(i, 0, 0, isa.V(3*i), isa.V(3*i+1), isa.V(3*i+2)) {
			op()
		}
	}
	next := k.start()
	Label("group")
	CMPQ(keys, U32(group))
	JLE(LabelRef("rest"))
	SUBQ(U32(group), keys)
	setMasks(keys)
	k.fetch(next)
	k.woven()
	k.advance()
	JMP(LabelRef("group"))

	Label("rest")
	Comment("What is left are pairs of P.")
	INCQ(keys)
	SHRQ(U8(1), keys)
	Label("step")
	k.step(0, func() {})
	k.p.Advance(U32(4))
	DECQ(keys)
	JNZ(LabelRef("step"))

	k.c = NewRows(Arg("c"), ArgBytes("ldc"), MaxRows)
	for i := range MaxRows {
		for j := range isa.Vecs {
			VMOVUPS(acc(i, j), k.c.At(i, j*isa.Bytes()))
		}
	}
	sum := Arg("sum")
	for i := range MaxRows {
		k.total(i, sum, isa.V(2*i), isa.V(2*i+1))
	}
	End()
}

// start sets the sums to C times beta, or to zero, and returns where the rows
// of C begin that follow the block's.
func (k *block) start() (next reg.Register) {
	k.c = NewRows(Arg("c"), ArgBytes("ldc"), MaxRows)
	for n := range MaxRows * isa.Vecs {
		isa.Zero(isa.V(n))
	}
	beta := Arg("beta")
	TESTQ(beta, beta)
	JZ(LabelRef("started"))
	for i := range MaxRows {
		VBROADCASTSS(Mem{Base: beta, Disp: 4 * i}, broadcast())
		for j := range isa.Vecs {
			VMULPS(k.c.At(i, j*isa.Bytes()), broadcast(), acc(i, j))
		}
	}
	Label("started")
	next = GP64()
	LEAQ(k.c.At(MaxRows-1, 0), next)
	ADDQ(k.c.Stride(), next)
	return next
}

// fetch asks for a cache line of each of the rows of C that follow the block's,
// and goes on to the next line: they are the next call's.
func (k *block) fetch(next reg.Register) {
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

// woven emits the products of one group with the exponentials of the next
// spread evenly among them.
func (k *block) woven() {
	var ops []func()
	for i := range MaxRows {
		ops = append(ops, k.weights(i, 4*group, 2*group, isa.V(29), isa.V(30), isa.V(31))...)
	}
	const pairs = group / 2
	products, next := 0, 0
	for pair := range pairs {
		k.step(4*pair, func() {
			products++
			for next*pairs*MaxRows*isa.Vecs < products*len(ops) {
				ops[next]()
				next++
			}
		})
	}
}

// step emits the products of one pair of keys, disp bytes into the rows of P,
// and calls between after each.
func (k *block) step(disp int, between func()) {
	for j := range isa.Vecs {
		VMOVUPS(Mem{Base: k.b, Disp: j * isa.Bytes()}, rowOfB(j))
	}
	ADDQ(U32(isa.Vecs*isa.Bytes()), k.b)
	for i := range MaxRows {
		VBROADCASTSS(k.p.At(i, disp), broadcast())
		for j := range isa.Vecs {
			VDPBF16PS(rowOfB(j), broadcast(), acc(i, j))
			between()
		}
	}
}
