// Command dots generates the products of a few rows with keys that lie
// unpacked: what decode does.
package main

import (
	"fmt"

	"github.com/mmcloughlin/avo/attr"
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	. "github.com/attnbench/attnbench/kernels/internal/simd/_asm/gen"
)

func main() {
	ConstraintExpr("!purego")
	for _, rows := range []int{1, 2, 4} {
		dots(AVX512, rows)
	}
	for _, rows := range []int{1, 2} {
		dots(AVX2, rows)
	}
	Generate()
}

const unroll = 4

// A block is some rows of Q by a vector of sums.
type block struct {
	isa        ISA
	rows, keys int
	q          []reg.Register
	k, ldk     reg.Register
	end        reg.Register
	fetch      reg.Register // what the key's row is the twin of
	at, whole  reg.Register // bytes into the depth; those of whole vectors
}

// dots generates S = Q·Kᵀ for a fixed number of rows. A key's sums are vectors;
// transposing additions fold those of a block into one vector. Keys that fill
// no block are folded one by one, in the same order.
func dots(isa ISA, rows int) {
	TEXT(fmt.Sprintf("dots%d%s", rows, isa.Name), attr.NOSPLIT,
		"func(s *float32, lds int, q *float32, ldq int, k *float32, ldk, keys, depth int, next uintptr)")
	b := block{isa: isa, rows: rows, keys: isa.Width / rows, at: GP64(), end: GP64(), fetch: Arg("next")}
	s := NewRows(Arg("s"), ArgBytes("lds"), rows)
	q, ldq := Arg("q"), ArgBytes("ldq")
	for i := range rows {
		b.q = append(b.q, GP64())
		MOVQ(q, b.q[i])
		ADDQ(ldq, q)
	}
	b.k, b.ldk = Arg("k"), ArgBytes("ldk")
	part := Arg("depth")
	ANDQ(U8(isa.Width-1), part)
	JZ(LabelRef("setup"))
	isa.SetMask(part)
	Label("setup")
	b.whole = Arg("depth")
	ANDQ(I8(-isa.Width), b.whole)
	SHLQ(U8(2), b.whole)
	keys := Arg("keys")

	Label("block")
	SUBQ(U32(b.keys), keys)
	JLT(LabelRef("rest"))
	for j := range b.keys {
		b.products(fmt.Sprintf("key%d", j), j)
	}
	b.fold()
	for i := range rows {
		b.store(i, s.At(i, 0))
	}
	s.Advance(U32(4 * b.keys))
	JMP(LabelRef("block"))

	Label("rest")
	ADDQ(U32(b.keys), keys)
	JZ(LabelRef("done"))
	Label("key")
	b.products("one", 0)
	for i := range rows {
		b.foldOne(b.sum(i, 0))
		VMOVSS(X(b.sum(i, 0)), s.At(i, 0))
	}
	s.Advance(U32(4))
	DECQ(keys)
	JNZ(LabelRef("key"))
	Label("done")
	End()
}

// sum holds row i times the block's key j.
func (b block) sum(i, j int) reg.Register { return b.isa.V(i*b.keys + j) }

// temp is a register that holds no sum nor mask.
func (b block) temp(i int) reg.Register { return b.isa.V(b.isa.Width + i) }

// products sums over the depth for the block's key j and goes on to the next.
func (b block) products(name string, j int) {
	for i := range b.rows {
		b.isa.Zero(b.sum(i, j))
	}
	XORQ(b.at, b.at)
	for _, n := range []int{unroll, 1} {
		loop, end := LabelRef(fmt.Sprintf("%sBy%d", name, n)), LabelRef(fmt.Sprintf("%sEnd%d", name, n))
		Label(string(loop))
		LEAQ(Mem{Base: b.at, Disp: n * b.isa.Bytes()}, b.end)
		CMPQ(b.end, b.whole)
		JGT(end)
		for i := range n {
			b.step(j, i*b.isa.Bytes(), nil)
		}
		MOVQ(b.end, b.at)
		JMP(loop)
		Label(string(end))
	}
	TESTQ(U32(b.isa.Width-1), Stack("depth"))
	JZ(LabelRef(name + "Next"))
	b.step(j, 0, b.isa.Mask())
	Label(name + "Next")
	ADDQ(b.ldk, b.k)
	ADDQ(b.ldk, b.fetch)
}

// step adds the products of one vector of the depth.
func (b block) step(j, disp int, mask Op) {
	x, y := b.temp(0), b.temp(1)
	b.isa.Load(Mem{Base: b.k, Index: b.at, Scale: 1, Disp: disp}, x, mask)
	PREFETCHT0(Mem{Base: b.fetch, Index: b.at, Scale: 1, Disp: disp})
	for i, q := range b.q {
		from := Mem{Base: q, Index: b.at, Scale: 1, Disp: disp}
		if mask == nil {
			VFMADD231PS(from, x, b.sum(i, j))
			continue
		}
		b.isa.Load(from, y, mask)
		VFMADD231PS(x, y, b.sum(i, j))
	}
}

// fold turns the sums into one vector of totals in the order of the registers.
// Level by level each register holds twice as many sums of half as many terms:
// in a lane of four floats, 0 and 2 are added to 1 and 3, and then the lanes.
func (b block) fold() {
	isa, t := b.isa, b.temp
	for i := 0; i < isa.Width; i += 2 {
		VUNPCKLPS(isa.V(i+1), isa.V(i), t(0))
		VUNPCKHPS(isa.V(i+1), isa.V(i), t(1))
		VADDPS(t(1), t(0), isa.V(i))
	}
	for i := 0; i < isa.Width; i += 4 {
		VUNPCKLPD(isa.V(i+2), isa.V(i), t(0))
		VUNPCKHPD(isa.V(i+2), isa.V(i), t(1))
		VADDPS(t(1), t(0), isa.V(i))
	}
	if isa == AVX2 {
		VPERM2F128(U8(0x20), isa.V(4), isa.V(0), t(0))
		VPERM2F128(U8(0x31), isa.V(4), isa.V(0), t(1))
		VADDPS(t(1), t(0), isa.V(0))
		return
	}
	for _, i := range []int{0, 8} {
		b.addLanes(isa.V(i), isa.V(i+4))
	}
	b.addLanes(isa.V(0), isa.V(8))
}

// addLanes adds neighbouring lanes of x and of y into x.
func (b block) addLanes(x, y reg.Register) {
	VSHUFF32X4(U8(0x88), y, x, b.temp(0))
	VSHUFF32X4(U8(0xdd), y, x, b.temp(1))
	VADDPS(b.temp(1), b.temp(0), x)
}

// foldOne folds one register in fold's order.
func (b block) foldOne(x reg.Register) {
	y := b.temp(0)
	VPERMILPS(U8(0x4e), x, y)
	VADDPS(y, x, x)
	VPERMILPS(U8(0xb1), x, y)
	VADDPS(y, x, x)
	if b.isa == AVX2 {
		VEXTRACTF128(U8(1), x, X(y))
		VADDPS(X(y), X(x), X(x))
		return
	}
	VSHUFF32X4(U8(0xb1), x, x, y)
	VADDPS(y, x, x)
	VSHUFF32X4(U8(0x4e), x, x, y)
	VADDPS(y, x, x)
}

// store writes row i of the folded block.
func (b block) store(i int, at Mem) {
	x := b.isa.V(0)
	switch {
	case b.rows == 1:
		VMOVUPS(x, at)
	case b.isa == AVX2:
		VEXTRACTF128(U8(i), x, at)
	case b.rows == 2:
		VEXTRACTF64X4(U8(i), x, at)
	default:
		VEXTRACTF32X4(U8(i), x, at)
	}
}
