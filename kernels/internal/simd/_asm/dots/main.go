// Command dots generates the products of a few rows with keys that lie
// unpacked, of any element type: the scores of decode.
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
	for _, t := range AllStored {
		for _, rows := range []int{1, 2} {
			dots(AVX512, t, rows)
		}
		for _, rows := range []int{1, 2, 4} {
			dots(AVX2, t, rows)
		}
	}
	Generate()
}

const unroll = 4

// A block is some rows of Q by as many keys as there is a vector of sums.
//
// Note: four rows take several keys at once, so that a vector of Q that is
// loaded feeds several multiply-adds. Fewer rows wait for memory in any case, and
// like it in order; but bytes take longer to widen than to read.
type block struct {
	isa     ISA
	t       Stored
	rows    int
	keys    int // of a block
	abreast int // keys that go through the depth together
	q, k    Rows
	fetch   Cursor
	masked  bool
}

// dots generates S = Q·Kᵀ for a fixed number of rows. A key's sums are vectors;
// transposing additions fold those of a block into one vector. Keys that fill
// no block are folded one by one, in the same order.
func dots(isa ISA, t Stored, rows int) {
	TEXT(fmt.Sprintf("dots%d%s%s", rows, t.Name, isa.Name), attr.NOSPLIT, "func("+
		"s *float32, lds int, q *float32, ldq int, k "+PiecesArg+", pieces, ldk, depth int)")
	b := block{isa: isa, t: t, rows: rows, keys: isa.Width / rows, abreast: 1, masked: t == Float32 || isa == AVX512}
	if rows >= 4 || t == Int8 {
		b.abreast = min(4, b.keys)
	}
	vecs := b.setDepth()
	b.q = NewRows(Arg("q"), ArgBytes("ldq"), rows)
	b.k = RowsToMove(t.ArgElements("ldk"), b.abreast)
	b.fetch = NewCursor(t, "k", "depth", "ldk")
	back := b.steps(vecs)
	s := NewRows(Arg("s"), ArgBytes("lds"), rows)
	keys := AllocLocal(8)

	Label("piece")
	b.fetch.Piece("done", keys, b.k.Move)
	Label("block")
	SUBQ(U32(b.keys), keys)
	JLT(LabelRef("rest"))
	for j := 0; j < b.keys; j += b.abreast {
		b.products(fmt.Sprintf("key%d", j), j, b.abreast, vecs, back)
	}
	b.fold()
	for i := range rows {
		b.store(i, s.At(i, 0))
	}
	s.Advance(U32(4 * b.keys))
	JMP(LabelRef("block"))

	Label("rest")
	ADDQ(U32(b.keys), keys)
	JZ(LabelRef("piece"))
	Label("key")
	b.products("one", 0, 1, vecs, back)
	for i := range rows {
		b.foldOne(b.sum(i, 0))
		VMOVSS(X(b.sum(i, 0)), s.At(i, 0))
	}
	s.Advance(U32(4))
	DECQ(keys)
	JNZ(LabelRef("key"))
	JMP(LabelRef("piece"))
	Label("done")
	End()
}

// setDepth sets the mask of the last, partial vector, and returns where the
// number of whole ones is kept.
func (b block) setDepth() (vecs Mem) {
	vecs = AllocLocal(8)
	if b.masked {
		part := Arg("depth")
		ANDQ(U8(b.isa.Width-1), part)
		JZ(LabelRef("setup"))
		b.isa.SetMask(part)
		Label("setup")
	}
	n := Arg("depth")
	SHRQ(U8(log2(b.isa.Width)), n)
	MOVQ(n, vecs)
	return vecs
}

func log2(n int) int {
	k := 0
	for ; n > 1; n /= 2 {
		k++
	}
	return k
}

// A steps says by how many bytes pointers move from the end of one key's whole
// vectors to the start of the next.
type steps struct{ q, k Mem }

func (b block) steps(vecs Mem) steps {
	st := steps{q: AllocLocal(8), k: AllocLocal(8)}
	n := GP64()
	MOVQ(vecs, n)
	SHLQ(U8(log2(b.isa.Bytes())), n)
	MOVQ(n, st.q)
	MOVQ(vecs, n)
	SHLQ(U8(log2(b.t.Bytes(b.isa))), n)
	by := GP64()
	MOVQ(b.k.Stride(), by)
	SUBQ(n, by)
	MOVQ(by, st.k)
	return st
}

// sum holds row i times the block's key j.
func (b block) sum(i, j int) reg.Register { return b.isa.V(i*b.keys + j) }

// temp is a register that holds no sum nor mask.
func (b block) temp(i int) reg.Register { return b.isa.V(b.isa.Width + i) }

// products sums over the depth for n keys of the block from j on and goes on
// to the next.
func (b block) products(name string, j, n int, vecs Mem, back steps) {
	for i := range b.rows {
		for key := range n {
			b.isa.Zero(b.sum(i, j+key))
		}
	}
	left := GP64()
	MOVQ(vecs, left)
	for _, by := range []int{unroll, 1} {
		loop, end := fmt.Sprintf("%sBy%d", name, by), fmt.Sprintf("%sEnd%d", name, by)
		Label(loop)
		SUBQ(U32(by), left)
		JLT(LabelRef(end))
		for i := range by {
			b.fetch.Fetch(fmt.Sprintf("%sFetch%d", loop, i), n*b.t.Bytes(b.isa), i)
			b.step(j, n, i, nil)
		}
		b.q.Advance(U32(by * b.isa.Bytes()))
		b.k.Advance(U32(by * b.t.Bytes(b.isa)))
		JMP(LabelRef(loop))
		Label(end)
		if by > 1 {
			ADDQ(U32(by), left)
		}
	}
	if b.masked {
		TESTQ(U32(b.isa.Width-1), Stack("depth"))
		JZ(LabelRef(name + "Next"))
		b.step(j, n, 0, b.isa.Mask())
		Label(name + "Next")
	}
	b.q.Each(func(p reg.Register) { SUBQ(back.q, p) })
	for key := range n {
		if key == 0 {
			b.k.Advance(back.k)
			continue
		}
		b.k.Advance(b.k.Stride())
	}
}

// step adds the products of the i-th vector of the depth from where the
// pointers are.
func (b block) step(j, n, i int, mask Op) {
	at := i * b.t.Bytes(b.isa)
	for key := range n {
		b.t.Load(b.isa, b.k.At(key, at), b.temp(key), mask)
	}
	y := b.temp(n)
	for row := range b.rows {
		from := b.q.At(row, i*b.isa.Bytes())
		if n == 1 && mask == nil {
			VFMADD231PS(from, b.temp(0), b.sum(row, j))
			continue
		}
		b.isa.Load(from, y, mask)
		for key := range n {
			VFMADD231PS(b.temp(key), y, b.sum(row, j+key))
		}
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
	x, y := b.isa.V(0), X(b.temp(0))
	switch b.keys {
	case b.isa.Width:
		VMOVUPS(x, at)
	case 8:
		VEXTRACTF64X4(U8(i), x, at)
	case 4:
		VEXTRACTF128(U8(i), x, at)
	case 2:
		if i%2 == 1 {
			VMOVHPS(y, at) // of the lane that row i-1 extracted
			return
		}
		VEXTRACTF128(U8(i/2), x, y)
		VMOVLPS(y, at)
	}
}
