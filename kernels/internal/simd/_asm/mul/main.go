// Command mul generates the register-blocked products.
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
	for _, isa := range []ISA{AVX512, AVX2} {
		for rows := 1; rows <= MaxRows; rows++ {
			mul(isa, rows, false)
		}
		for rows := 1; rows <= MaxRows; rows++ {
			mul(isa, rows, true)
		}
	}
	for rows := 1; rows <= MaxRows; rows++ {
		mulPairs(rows, false)
		mulPairs(rows, true)
	}
	Generate()
}

// A block is the state of one product: rows of C at the columns of one panel.
type block struct {
	isa  ISA
	rows int
	c, a Rows
	b    reg.Register // the panel
	ldb  reg.Register
	max  Mem // maxima so far, a vector a row, where they are asked for

	// Where maxima are asked for: the address from which the next rows of A are
	// fetched, the panel's first column, and which columns rows see, or nil.
	next, at, seen Mem

	// multiply adds a vector's products with a broadcast one to its sums.
	multiply func(x, y, sums reg.Register)
}

// mul generates the product of some rows with every panel. Its sums start from
// C times beta, or from zero; with maxima, from zero, what is not seen becomes
// −Inf, and the largest of each row is kept.
func mul(isa ISA, rows int, maxima bool) {
	name, last := fmt.Sprintf("mul%d%s", rows, isa.Name), "beta *float32"
	if maxima {
		name, last = fmt.Sprintf("mulMax%d%s", rows, isa.Name), "rowMax *float32, seen *int32"
	}
	TEXT(name, attr.NOSPLIT, fmt.Sprintf(
		"func(c *float32, ldc int, a *float32, lda int, b *float32, ldb, panel, depth, cols int, %s)", last))
	k := block{isa: isa, rows: rows, multiply: func(x, y, sums reg.Register) { VFMADD231PS(x, y, sums) }}
	k.emit(maxima, func() reg.Register { return ArgBytes("lda") })
}

// mulPairs is mul for pairs of bfloat16 of A and B, lda being a number of
// bfloat16, the rest of pairs: a broadcast pair stands for a float.
func mulPairs(rows int, maxima bool) {
	name, last := fmt.Sprintf("mulPairs%dAVX512", rows), "beta *float32"
	if maxima {
		name, last = fmt.Sprintf("mulMaxPairs%dAVX512", rows), "rowMax *float32, seen *int32"
	}
	TEXT(name, attr.NOSPLIT, fmt.Sprintf(
		"func(c *float32, ldc int, a *uint16, lda int, b *uint32, ldb, panel, depth, cols int, %s)", last))
	k := block{isa: AVX512, rows: rows, multiply: func(x, y, sums reg.Register) { VDPBF16PS(x, y, sums) }}
	k.emit(maxima, func() reg.Register { return ArgHalves("lda") })
}

// emit emits the function's body; lda loads the bytes between rows of A.
func (k block) emit(maxima bool, lda func() reg.Register) {
	isa, rows := k.isa, k.rows
	if maxima {
		k.max = isa.Frame(rows)
		k.clearMax()
		k.next, k.at, k.seen = AllocLocal(8), AllocLocal(8), Stack("seen")
		MOVQ(U32(0), k.at)
	}
	k.c = NewRows(Arg("c"), ArgBytes("ldc"), rows)
	k.a = NewRows(Arg("a"), lda(), rows)
	k.b, k.ldb = Arg("b"), ArgBytes("ldb")
	cols := Arg("cols")
	if maxima {
		p := GP64()
		LEAQ(k.a.At(rows-1, 0), p)
		ADDQ(k.a.Stride(), p)
		MOVQ(p, k.next)
	}

	width := isa.Vecs * isa.Width
	Label("panel")
	CMPQ(cols, U32(width))
	JLT(LabelRef("tail"))
	k.product("full", isa.Vecs, nil, maxima)
	panel := ArgBytes("panel")
	ADDQ(panel, k.b)
	k.c.Advance(U32(4 * width))
	SUBQ(U32(width), cols)
	if maxima {
		ADDQ(U32(width), k.at)
	}
	JMP(LabelRef("panel"))

	Label("tail")
	TESTQ(cols, cols)
	JZ(LabelRef("done"))
	for vecs := 1; vecs <= isa.Vecs; vecs++ {
		if vecs > 1 {
			Label(fmt.Sprintf("tail%d", vecs))
		}
		if vecs < isa.Vecs {
			CMPQ(cols, U32(vecs*isa.Width))
			JGT(LabelRef(fmt.Sprintf("tail%d", vecs+1)))
		}
		if vecs > 1 {
			SUBQ(U32((vecs-1)*isa.Width), cols)
		}
		isa.SetMask(cols)
		k.product(fmt.Sprintf("tail%d", vecs), vecs, isa.Mask(), maxima)
		JMP(LabelRef("done"))
	}
	Label("done")
	if maxima {
		k.reduceMax()
	}
	End()
}

// product computes the block at the columns of one panel, of which vecs
// vectors count, the last only where mask says.
func (k block) product(name string, vecs int, mask Op, maxima bool) {
	isa := k.isa
	acc := func(i, j int) reg.Register { return isa.V(i*vecs + j) }
	at := func(i, j int) Mem { return k.c.At(i, j*isa.Bytes()) }
	part := func(j int) Op {
		if j == vecs-1 {
			return mask
		}
		return nil
	}
	for n := range k.rows * vecs {
		isa.Zero(isa.V(n))
	}
	if maxima {
		k.fetchNext()
	}
	x := isa.V(MaxRows * isa.Vecs)
	if !maxima {
		beta := Arg("beta")
		TESTQ(beta, beta)
		JZ(LabelRef(name + "Start"))
		for i := range k.rows {
			VBROADCASTSS(Mem{Base: beta, Disp: 4 * i}, x)
			for j := range vecs {
				isa.Load(at(i, j), acc(i, j), part(j))
				VMULPS(x, acc(i, j), acc(i, j))
			}
		}
		Label(name + "Start")
	}

	steps, b, a := Arg("depth"), GP64(), k.a.Copy()
	MOVQ(k.b, b)
	TESTQ(steps, steps)
	JZ(LabelRef(name + "Store"))
	row := func(j int) reg.Register { return isa.V(MaxRows*isa.Vecs + 1 + j) }
	step := func(n int) {
		for j := range vecs {
			isa.Load(Mem{Base: b, Disp: j * isa.Bytes()}, row(j), part(j))
		}
		for i := range k.rows {
			VBROADCASTSS(a.At(i, 4*n), x)
			for j := range vecs {
				k.multiply(row(j), x, acc(i, j))
			}
		}
		ADDQ(k.ldb, b)
	}
	if k.rows == MaxRows && vecs == isa.Vecs { // the block that matters
		const unroll = 4
		rest := GP64()
		MOVQ(steps, rest)
		ANDQ(U32(unroll-1), rest)
		SHRQ(U8(2), steps)
		JZ(LabelRef(name + "Rest"))
		Label(name + "Steps")
		for n := range unroll {
			step(n)
		}
		a.Advance(U32(4 * unroll))
		DECQ(steps)
		JNZ(LabelRef(name + "Steps"))
		Label(name + "Rest")
		steps = rest
		TESTQ(steps, steps)
		JZ(LabelRef(name + "Store"))
	}
	Label(name + "Step")
	step(0)
	a.Advance(U32(4))
	DECQ(steps)
	JNZ(LabelRef(name + "Step"))

	Label(name + "Store")
	if maxima {
		k.hide(name, acc, vecs)
	}
	for i := range k.rows {
		for j := range vecs {
			isa.Store(acc(i, j), at(i, j), part(j))
		}
	}
	if maxima {
		k.keepMax(acc, vecs, part)
	}
}

// fetchNext asks for a cache line of each of as many rows of A that follow the
// block's, the next line at each panel: they are the next call's, and would be
// waited for.
func (k block) fetchNext() {
	p := GP64()
	MOVQ(k.next, p)
	for i := range k.rows {
		PREFETCHT0(Mem{Base: p})
		if i+1 < k.rows {
			ADDQ(k.a.Stride(), p)
		}
	}
	ADDQ(U32(64), k.next)
}

// Where a Seen holds what, as simd has it.
const (
	seenLo, seenHi   = 0, 4 * SeenRows
	seenFrom, seenTo = 8 * SeenRows, 8*SeenRows + 4 // by all rows
)

// hide overwrites with −Inf what rows do not see of the panel, of which it may
// be that they see all.
func (k block) hide(name string, acc func(i, j int) reg.Register, vecs int) {
	isa, seen, at, end := k.isa, GP64(), GP64(), GP64()
	MOVQ(k.seen, seen)
	TESTQ(seen, seen)
	JZ(LabelRef(name + "Seen"))
	MOVQ(k.at, at)
	LEAQ(Mem{Base: at, Disp: vecs * isa.Width}, end)
	CMPL(at.As32(), Mem{Base: seen, Disp: seenFrom})
	JLT(LabelRef(name + "Cut"))
	CMPL(end.As32(), Mem{Base: seen, Disp: seenTo})
	JLE(LabelRef(name + "Seen"))
	Label(name + "Cut")
	column, limit, none := isa.V(MaxRows*isa.Vecs), isa.V(MaxRows*isa.Vecs+1), isa.V(MaxRows*isa.Vecs+2)
	VBROADCASTSS(NegInf(), none)
	for j := range vecs {
		VPBROADCASTD(k.at, column)
		VPADDD(Numbers().Offset(j*isa.Bytes()), column, column)
		for i := range k.rows {
			lo, hi := Mem{Base: seen, Disp: seenLo + 4*i}, Mem{Base: seen, Disp: seenHi + 4*i}
			isa.BlendWhereGreater(lo, column, limit, none, acc(i, j), acc(i, j))
			isa.BlendWhereGreater(hi, column, limit, acc(i, j), none, acc(i, j))
		}
	}
	Label(name + "Seen")
}

// clearMax starts the maxima at −Inf.
func (k block) clearMax() {
	x := k.isa.V(0)
	VBROADCASTSS(NegInf(), x)
	for i := range k.rows {
		VMOVUPS(x, k.max.Offset(i*k.isa.Bytes()))
	}
}

// keepMax takes the block into the maxima. A NaN in VMAXPS's first source
// gives the second, here the maximum so far: NaN is passed over.
func (k block) keepMax(acc func(i, j int) reg.Register, vecs int, part func(j int) Op) {
	isa := k.isa
	x, y := isa.V(MaxRows*isa.Vecs), isa.V(MaxRows*isa.Vecs+1)
	if part(vecs-1) != nil {
		VBROADCASTSS(NegInf(), y)
	}
	for i := range k.rows {
		at := k.max.Offset(i * isa.Bytes())
		VMOVUPS(at, x)
		for j := range vecs {
			if m := part(j); m != nil {
				isa.Blend(m, acc(i, j), y, acc(i, j))
			}
			VMAXPS(x, acc(i, j), x)
		}
		VMOVUPS(x, at)
	}
}

// reduceMax folds each row's vector of maxima into its number in rowMax.
func (k block) reduceMax() {
	rowMax := Arg("rowMax")
	for i := range k.rows {
		x, y := k.isa.V(2*i), k.isa.V(2*i+1)
		VMOVUPS(k.max.Offset(i*k.isa.Bytes()), x)
		k.isa.Reduce(x, y, func(from, into reg.Register) { VMAXPS(into, from, into) })
		VMOVSS(X(x), Mem{Base: rowMax, Disp: 4 * i})
	}
}
