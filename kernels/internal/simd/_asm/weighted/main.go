// Command weighted generates the sums of values that lie unpacked, of any
// element type, by the weights of a few rows: the outputs of decode.
package main

import (
	"fmt"

	"github.com/mmcloughlin/avo/attr"
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	. "github.com/attnbench/attnbench/kernels/internal/simd/_asm/gen"
)

// widths are the vectors of columns that a number of rows takes at a time:
// sums enough to hide the latency of multiply-adds, and where there are many
// rows, few loads for each.
var widths = map[ISA]map[int][]int{
	AVX512: {1: {8, 4, 1}, 2: {8, 4, 1}, 4: {4, 1}, 8: {2, 1}},
	AVX2:   {1: {4, 1}, 2: {4, 1}, 4: {2, 1}},
}

func main() {
	ConstraintExpr("!purego")
	for _, isa := range []ISA{AVX512, AVX2} {
		for _, t := range AllStored {
			for _, rows := range []int{1, 2, 4, 8} {
				if widths[isa][rows] != nil {
					weighted(isa, t, rows)
				}
			}
		}
	}
	Generate()
}

// blockKeys is how many keys all columns are taken of before the next ones.
//
// Note: rows are so read nearly in order, which on an EPYC of family 25 is
// quicker from the second-level cache than columns of many rows.
const blockKeys = 32

// A block is some rows of C and some keys.
type block struct {
	isa    ISA
	t      Stored
	rows   int
	c, p   Rows
	v, ldv reg.Register
	base   Mem // v at the first key
	keys   Mem // how many
	cols   Mem // left
	next   Cursor
}

// weighted generates C += P·V for a fixed number of rows.
func weighted(isa ISA, t Stored, rows int) {
	TEXT(fmt.Sprintf("weighted%d%s%s", rows, t.Name, isa.Name), attr.NOSPLIT, "func("+
		"c *float32, ldc int, p *float32, ldp int, v "+PiecesArg+", pieces, ldv, cols int)")
	b := block{isa: isa, t: t, rows: rows, base: AllocLocal(8), keys: AllocLocal(8), cols: AllocLocal(8)}
	b.next = NewCursor(t, "v", "cols", "ldv")
	b.c = NewRows(Arg("c"), ArgBytes("ldc"), rows)
	b.p = NewRows(Arg("p"), ArgBytes("ldp"), rows)
	b.v, b.ldv = GP64(), t.ArgElements("ldv")
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
// with their sums in registers.
func (b block) columns() {
	isa, n := b.isa, Arg("cols")
	MOVQ(n, b.cols)
	for _, vecs := range widths[isa][b.rows] {
		pass, end := fmt.Sprintf("pass%d", vecs), fmt.Sprintf("end%d", vecs)
		Label(pass)
		CMPQ(b.cols, U32(vecs*isa.Width))
		JLT(LabelRef(end))
		b.product(pass, vecs, nil)
		b.c.Advance(U32(vecs * isa.Bytes()))
		ADDQ(U32(vecs*b.t.Bytes(isa)), b.base)
		MOVQ(b.base, b.v)
		SUBQ(U32(vecs*isa.Width), b.cols)
		JMP(LabelRef(pass))
		Label(end)
	}
	if b.t == Float32 || isa == AVX512 {
		part := GP64()
		MOVQ(b.cols, part)
		TESTQ(part, part)
		JZ(LabelRef("whole"))
		isa.SetMask(part)
		b.product("part", 1, isa.Mask())
		Label("whole")
	}
}

// advance goes from the last columns of a block to the first of the next.
func (b block) advance() {
	whole, by, keys := Arg("cols"), GP64(), GP64()
	ANDQ(I8(-b.isa.Width), whole)
	MOVQ(whole, by)
	SHLQ(U8(Float32.Log), by)
	b.c.Each(func(p reg.Register) { SUBQ(by, p) })
	MOVQ(b.keys, keys)
	MOVQ(keys, by)
	SHLQ(U8(2), by)
	b.p.Advance(by)
	MOVQ(keys, by)
	IMULQ(b.ldv, by)
	SHLQ(U8(b.t.Log), whole)
	SUBQ(whole, by)
	ADDQ(by, b.base)
	MOVQ(b.base, b.v)
}

// product computes the block at some vectors of columns, the last only where
// mask says. It leaves P as it was.
func (b block) product(name string, vecs int, mask Op) {
	isa := b.isa
	for i := range b.rows {
		for j := range vecs {
			isa.Load(b.c.At(i, j*isa.Bytes()), sum(isa, vecs, i, j), mask)
		}
	}
	left := GP64()
	MOVQ(b.keys, left)
	for n := b.unroll(vecs); n > 0; n = min(n-1, 1) {
		loop, end := fmt.Sprintf("%sBy%d", name, n), fmt.Sprintf("%sEnd%d", name, n)
		Label(loop)
		SUBQ(U32(n), left)
		JLT(LabelRef(end))
		for key := range n {
			b.next.Fetch(fmt.Sprintf("%sFetch%d", loop, key), vecs*b.t.Bytes(isa), key)
			b.step(4*key, vecs, mask)
		}
		b.p.Advance(U32(4 * n))
		JMP(LabelRef(loop))
		Label(end)
		if n > 1 {
			ADDQ(U32(n), left)
		}
	}
	back := GP64()
	MOVQ(b.keys, back)
	SHLQ(U8(2), back)
	b.p.Each(func(p reg.Register) { SUBQ(back, p) })
	for i := range b.rows {
		for j := range vecs {
			isa.Store(sum(isa, vecs, i, j), b.c.At(i, j*isa.Bytes()), mask)
		}
	}
}

// unroll is how many keys a loop takes.
//
// Note: an EPYC of family 25 prefetches for each load by the distance from one address to
// the next: where the loop of eight rows takes four keys, four and more beyond the end of a page,
// for each few columns. In scattered pages float32 took 3% longer, bfloat16 by pairs, which are
// read as fast as they come, 3%.
func (b block) unroll(vecs int) int {
	if b.rows < 8 {
		return 4
	}
	return max(1, Line/(vecs*b.t.Bytes(b.isa)))
}

func sum(isa ISA, vecs, i, j int) reg.Register { return isa.V(i*vecs + j) }

// step adds the products of one key, disp bytes into the rows of P.
//
// Note: on an EPYC of family 25 a broadcast into 512 bits takes a pipe that
// multiplies, and one that is part of a multiply-add takes none; but it is a load for
// each. Every second of eight rows goes so: then neither the pipes nor, on processors
// that multiply twice as fast, the loads are what limits.
func (b block) step(disp, vecs int, mask Op) {
	isa := b.isa
	value := func(j int) reg.Register { return isa.V(b.rows*vecs + j) }
	weight := value(vecs)
	for j := range vecs {
		b.t.Load(isa, Mem{Base: b.v, Disp: j * b.t.Bytes(isa)}, value(j), mask)
	}
	ADDQ(b.ldv, b.v)
	for i := range b.rows {
		if b.rows == 8 && i%2 == 0 {
			for j := range vecs {
				VFMADD231PS_BCST(b.p.At(i, disp), value(j), sum(isa, vecs, i, j))
			}
			continue
		}
		VBROADCASTSS(b.p.At(i, disp), weight)
		for j := range vecs {
			VFMADD231PS(value(j), weight, sum(isa, vecs, i, j))
		}
	}
}
