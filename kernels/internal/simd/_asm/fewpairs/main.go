// Command fewpairs generates the products of few rows, on pairs of bfloat16,
// with keys and values that lie unpacked: decode where heads share keys.
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
	dots()
	weighted(1)
	weighted(2)
	Generate()
}

var isa = AVX512

const (
	vector = 64 // bytes
	eight  = 8  // columns of a lane
)

// A scores is a quad of rows of Q by some keys. Eight numbers of a key, in
// all lanes, meet as many of the four rows. Sums come out four to a
// row and are folded for four keys at a time. Eight rows are in ../octet.
type scores struct {
	k, s  Rows
	whole Mem // columns in whole eights, in bytes
	fetch Cursor
}

func dots() {
	TEXT("dotsPairs4AVX512", attr.NOSPLIT, "func("+
		"s *float32, lds int, q *uint32, k "+PiecesArg+", pieces, ldk, depth, rows int)")
	b := scores{whole: AllocLocal(8)}
	n, part := Arg("depth"), GP64()
	MOVQ(n, part)
	ANDQ(U8(eight-1), part)
	SetHalvesMask(part, reg.K1)
	SUBQ(part, n)
	ADDQ(n, n)
	MOVQ(n, b.whole)
	b.fetch = NewCursor(BFloat16, "k", "depth", "ldk")
	b.k = RowsToMove(ArgHalves("ldk"), 8)
	b.s = NewRows(Arg("s"), ArgBytes("lds"), RowsAVector)
	keys := AllocLocal(8)
	Label("piece")
	b.fetch.Piece("done", keys, b.k.Move)
	for _, n := range []int{8, 4, 1} {
		next, end := fmt.Sprintf("keys%d", n), fmt.Sprintf("end%d", n)
		Label(next)
		SUBQ(U32(n), keys)
		JLT(LabelRef(end))
		b.products(n)
		StoreFolded(b.s, n, acc, temp(0), temp(1))
		b.s.Advance(U32(4 * n))
		JMP(LabelRef(next))
		Label(end)
		ADDQ(U32(n), keys)
	}
	JMP(LabelRef("piece"))
	Label("done")
	End()
}

func acc(key int) reg.Register { return isa.V(key) }
func temp(i int) reg.Register  { return isa.V(16 + i) }

// products sums over the depth and goes on to the next keys.
func (b scores) products(n int) {
	for key := range n {
		isa.Zero(acc(key))
	}
	q, left := Arg("q"), GP64()
	MOVQ(b.whole, left)
	for _, by := range []int{4, 1} {
		loop, end := fmt.Sprintf("eights%dof%d", by, n), fmt.Sprintf("eightsEnd%dof%d", by, n)
		bytes := 2 * eight * by
		Label(loop)
		SUBQ(U32(bytes), left)
		JLT(LabelRef(end))
		for i := range by {
			for line := 0; line < n*2*eight; line += Line {
				b.fetch.Fetch(fmt.Sprintf("%sFetch%dLine%d", loop, i, line), min(Line, n*2*eight), i)
			}
			b.step(q, n, i, false)
		}
		ADDQ(U32(by*vector), q)
		b.k.Advance(U32(bytes))
		JMP(LabelRef(loop))
		Label(end)
		ADDQ(U32(bytes), left)
	}
	next := fmt.Sprintf("next%d", n)
	KTESTB(reg.K1, reg.K1)
	JZ(LabelRef(next))
	b.step(q, n, 0, true)
	Label(next)
	back := GP64()
	MOVQ(b.k.Stride(), back)
	if log := map[int]uint8{8: 3, 4: 2}[n]; log > 0 {
		SHLQ(U8(log), back)
	}
	SUBQ(b.whole, back)
	b.k.Advance(back)
}

// step adds the products of the i-th eight columns from where the pointers are;
// what lies beyond a row's end is not read.
func (b scores) step(q reg.Register, n, i int, part bool) {
	rows := temp(0)
	VMOVUPS(Mem{Base: q, Disp: i * vector}, rows)
	for key := range n {
		at, x := b.k.At(key, 2*eight*i), temp(1+key)
		if part {
			VMOVDQU16_Z(at, reg.K1, x)
			VSHUFF32X4(U8(0), x, x, x)
		} else {
			VBROADCASTF32X4(at, x)
		}
		VDPBF16PS(rows, x, acc(key))
	}
}

// A sums is some rows of C by one or two vectors of columns of V, for each of
// which two vectors of sums: the lower halves of its lanes, and the upper ones.
type sums struct {
	rows   int
	c, p   Rows
	v, ldv reg.Register
	base   Mem // v at the first key
	keys   Mem // how many
	cols   Mem // left
	next   Cursor
}

// blockKeys is how many keys all columns are taken of before the next ones.
const blockKeys = 64

// weighted generates C += P·V for a fixed number of rows.
func weighted(quads int) {
	b := sums{rows: RowsAVector * quads}
	TEXT(fmt.Sprintf("weightedPairs%dAVX512", b.rows), attr.NOSPLIT, "func("+
		"c *float32, ldc int, p *uint16, ldp int, v "+PiecesArg+", pieces, ldv, cols int)")
	b.base, b.keys, b.cols = AllocLocal(8), AllocLocal(8), AllocLocal(8)
	b.next = NewCursor(BFloat16, "v", "cols", "ldv")
	b.c = NewRows(Arg("c"), ArgBytes("ldc"), b.rows)
	b.p = NewRows(Arg("p"), ArgHalves("ldp"), b.rows)
	b.v, b.ldv = GP64(), ArgHalves("ldv")
	left, n := AllocLocal(8), GP64()
	Label("piece")
	b.next.Piece("done", left, func(at Op) {
		MOVQ(at, b.v)
		MOVQ(b.v, b.base)
	})
	Label("block")
	MOVQ(U32(blockKeys), n)
	CMPQ(n, left)
	CMOVQGT(left, n)
	MOVQ(n, b.keys)
	SUBQ(n, left)
	b.columns()
	b.advance()
	CMPQ(left, U8(0))
	JNE(LabelRef("block"))
	JMP(LabelRef("piece"))
	Label("done")
	End()
}

// columns lets some columns at a time run over the keys of the block, in order,
// two at a time, with their sums in registers.
func (b sums) columns() {
	n := Arg("cols")
	MOVQ(n, b.cols)
	for vecs := 2 * RowsAVector / b.rows; vecs > 0; vecs-- {
		pass, end := fmt.Sprintf("pass%d", vecs), fmt.Sprintf("end%d", vecs)
		Label(pass)
		CMPQ(b.cols, U32(vecs*HalvesAVector))
		JLT(LabelRef(end))
		b.product(pass, vecs, false)
		b.c.Advance(U32(2 * vecs * vector))
		ADDQ(U32(vecs*vector), b.base)
		MOVQ(b.base, b.v)
		SUBQ(U32(vecs*HalvesAVector), b.cols)
		JMP(LabelRef(pass))
		Label(end)
	}
	part := GP64()
	MOVQ(b.cols, part)
	TESTQ(part, part)
	JZ(LabelRef("whole"))
	SetHalvesMask(part, reg.K1)
	b.product("part", 1, true)
	Label("whole")
}

// advance goes from the last columns of a block to the first of the next.
func (b sums) advance() {
	whole, by, keys := Arg("cols"), GP64(), GP64()
	ANDQ(I8(-HalvesAVector), whole)
	MOVQ(whole, by)
	SHLQ(U8(2), by)
	b.c.Each(func(p reg.Register) { SUBQ(by, p) })
	MOVQ(b.keys, keys)
	LEAQ(Mem{Base: keys, Index: keys, Scale: 1}, by)
	b.p.Advance(by)
	MOVQ(keys, by)
	IMULQ(b.ldv, by)
	ADDQ(whole, whole)
	SUBQ(whole, by)
	ADDQ(by, b.base)
	MOVQ(b.base, b.v)
}

func (b sums) acc(vecs, i, j int) reg.Register { return isa.V(2*vecs*i + j) }

// product computes the block at some vectors of V, or at a part of one. It
// leaves P as it was.
func (b sums) product(name string, vecs int, part bool) {
	each := func(do func(at Mem, sum reg.Register)) {
		for i := range b.rows {
			for j := range 2 * vecs {
				do(b.c.At(i, j*vector), b.acc(vecs, i, j))
			}
		}
	}
	each(func(at Mem, sum reg.Register) { VMOVUPS(at, sum) })
	left := GP64()
	MOVQ(b.keys, left)
	loop, end := name+"Loop", name+"End"
	Label(loop) // of a pair: see ../weighted
	SUBQ(U32(2), left)
	JLT(LabelRef(end))
	for line := range 2 * vecs {
		b.next.Fetch(fmt.Sprintf("%sFetch%d", loop, line), Line, 0)
	}
	b.step(vecs, part, true)
	b.p.Advance(U32(4))
	JMP(LabelRef(loop))
	Label(end)
	ADDQ(U32(2), left)
	last := name + "Last"
	TESTQ(left, left)
	JZ(LabelRef(last))
	b.step(vecs, part, false)
	Label(last)
	back := GP64() // pairs gone through, of four bytes
	MOVQ(b.keys, back)
	SHRQ(U8(1), back)
	SHLQ(U8(2), back)
	b.p.Each(func(p reg.Register) { SUBQ(back, p) })
	each(func(at Mem, sum reg.Register) { VMOVUPS(sum, at) })
}

// step adds the products of two keys, or of the last one.
func (b sums) step(vecs int, part, two bool) {
	load := func(at Mem, v reg.Register) {
		if part {
			VMOVDQU16_Z(at, reg.K1, v)
		} else {
			VMOVDQU32(at, v)
		}
	}
	first := b.rows * 2 * vecs
	value := func(j int) reg.Register { return isa.V(first + j) }
	second, weight := isa.V(first+2*vecs), isa.V(first+2*vecs+1)
	for j := range vecs {
		low, high := value(2*j), value(2*j+1)
		load(Mem{Base: b.v, Disp: j * vector}, low)
		if two {
			load(Mem{Base: b.v, Disp: j * vector, Index: b.ldv, Scale: 1}, second)
		} else {
			isa.Zero(second)
		}
		VPUNPCKHWD(second, low, high)
		VPUNPCKLWD(second, low, low)
	}
	if two {
		LEAQ(Mem{Base: b.v, Index: b.ldv, Scale: 2}, b.v)
	}
	for i := range b.rows {
		if b.rows == 8 && i%2 == 0 { // as in ../weighted
			for j := range 2 * vecs {
				VDPBF16PS_BCST(b.p.At(i, 0), value(j), b.acc(vecs, i, j))
			}
			continue
		}
		VBROADCASTSS(b.p.At(i, 0), weight)
		for j := range 2 * vecs {
			VDPBF16PS(value(j), weight, b.acc(vecs, i, j))
		}
	}
}
