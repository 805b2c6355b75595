// Command octet generates the products of eight rows with keys that lie
// unpacked, of any element type: the scores of decode where heads share keys.
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
		octet(t, false)
	}
	octet(BFloat16, true)
	Generate()
}

var isa = AVX512

const (
	vector = 64 // bytes
	cell   = 8  // bytes of a key that go through a row's lanes together
	unroll = 4
)

// A block is eight rows of Q by some keys. Eight bytes of a key, two floats or two pairs of
// bfloat16, in all lanes, meet as many of each row. Sums come out two to a row.
//
// Note: sixteen bytes, which would meet those of four rows, need half as many loads, but on an
// EPYC of family 25 a broadcast of them takes a pipe that multiplies, and one of eight
// takes none. And there would be twice as many sums to fold.
type block struct {
	pairs bool // multiplies pairs of bfloat16 as they lie
	t     Stored
	k     Keys         // the keys as they are multiplied: where they lie, or widened
	from  reg.Register // the keys as they lie, where they are widened
	fetch Cursor
	cells Mem // whole ones of a key
	wide  Mem // bytes of a widened key
}

func octet(t Stored, pairs bool) {
	name, q, wide := t.Name, "float32", ", wide *float32"
	if pairs {
		name, q, wide = "Pairs", "uint32", ""
	}
	TEXT("octet"+name+"AVX512", attr.NOSPLIT, "func("+
		"s *float32, lds int, q *"+q+", k "+PiecesArg+", pieces, ldk, depth, rows int"+wide+")")
	b := block{t: t, pairs: pairs, cells: AllocLocal(8)}
	keys := AllocLocal(8)
	b.depth()
	b.fetch = NewCursor(t, "k", "depth", "ldk")
	if b.widens() {
		b.from = GP64()
		stride := GP64()
		MOVQ(b.wide, stride)
		b.k = NewKeys(stride)
		b.k.Move(Stack("wide"))
	} else {
		b.k = NewKeys(t.ArgElements("ldk"))
	}
	s := Arg("s")
	Label("piece")
	b.fetch.Piece("done", keys, func(at Op) {
		if b.widens() {
			MOVQ(at, b.from)
		} else {
			b.k.Move(at)
		}
	})
	for _, n := range []int{16, 4, 1} {
		next, end := fmt.Sprintf("keys%d", n), fmt.Sprintf("end%d", n)
		Label(next)
		SUBQ(U32(n), keys)
		JLT(LabelRef(end))
		if b.widens() {
			b.widen(n)
		}
		b.products(n)
		StoreOctet(s, ArgBytes("lds"), n, acc, temp)
		ADDQ(U32(4*n), s)
		JMP(LabelRef(next))
		Label(end)
		ADDQ(U32(n), keys)
	}
	JMP(LabelRef("piece"))
	Label("done")
	End()
}

func (b block) widens() bool { return b.t != Float32 && !b.pairs }

// depth works out how many cells there are, and the mask of the last elements: of the
// cell that is a part, or of the vector that is widened. Widened keys end in zeros.
func (b *block) depth() {
	n, last := Arg("depth"), Arg("depth")
	switch {
	case b.pairs:
		ANDQ(U8(3), last)
		SetHalvesMask(last, reg.K1)
		SHRQ(U8(2), n)
	case b.widens():
		b.wide = AllocLocal(8)
		wide := Arg("depth")
		ADDQ(U8(15), wide)
		SHRQ(U8(4), wide)
		SHLQ(U8(6), wide)
		MOVQ(wide, b.wide)
		ANDQ(U8(15), last)
		INCQ(n)
		SHRQ(U8(1), n)
		TESTQ(last, last)
		JZ(LabelRef("whole"))
		isa.SetMask(last)
		Label("whole")
	default:
		SHRQ(U8(1), n)
	}
	MOVQ(n, b.cells)
}

func acc(key int) reg.Register { return isa.V(key) }
func temp(i int) reg.Register  { return isa.V(16 + i) }

// widen converts the next keys.
func (b block) widen(n int) {
	for key := range n {
		at, left, to := GP64(), GP64(), GP64()
		name := fmt.Sprintf("widen%dof%d", key, n)
		MOVQ(b.from, at)
		MOVQ(Stack("depth"), left)
		LEAQ(b.k.At(key, 0), to)
		Label(name)
		SUBQ(U32(16), left)
		JLT(LabelRef(name + "Part"))
		b.t.Load(isa, Mem{Base: at}, temp(0), nil)
		VMOVUPS(temp(0), Mem{Base: to})
		ADDQ(U32(b.t.Bytes(isa)), at)
		ADDQ(U32(vector), to)
		JMP(LabelRef(name))
		Label(name + "Part")
		ADDQ(U32(16), left)
		JZ(LabelRef(name + "End"))
		b.t.Load(isa, Mem{Base: at}, temp(0), isa.Mask())
		VMOVUPS(temp(0), Mem{Base: to})
		Label(name + "End")
		by := b.t.ArgElements("ldk")
		ADDQ(by, b.from)
	}
}

// products sums over the depth and goes on to the next keys.
func (b block) products(n int) {
	for key := range n {
		isa.Zero(acc(key))
	}
	q, left := Arg("q"), GP64()
	MOVQ(b.cells, left)
	bytes := n * cell // that are fetched for a cell of each key
	if b.widens() {
		bytes = n * cell * b.t.Size / Float32.Size
	}
	for _, by := range []int{unroll, 1} {
		loop, end := fmt.Sprintf("cells%dof%d", by, n), fmt.Sprintf("cellsEnd%dof%d", by, n)
		Label(loop)
		SUBQ(U32(by), left)
		JLT(LabelRef(end))
		for i := range by {
			b.fetch.Fetch(fmt.Sprintf("%sFetch%d", loop, i), bytes, i)
			b.step(q, n, i, false)
		}
		ADDQ(U32(by*vector), q)
		b.k.Advance(U32(by * cell))
		JMP(LabelRef(loop))
		Label(end)
		if by > 1 {
			ADDQ(U32(by), left)
		}
	}
	if !b.widens() {
		next := fmt.Sprintf("next%d", n)
		b.testPart()
		JZ(LabelRef(next))
		b.step(q, n, 0, true)
		Label(next)
	}
	by, back := GP64(), GP64()
	MOVQ(b.cells, back)
	SHLQ(U8(3), back)
	XORQ(by, by)
	if !b.widens() {
		IMUL3Q(U32(n), b.k.Stride(), by)
	}
	SUBQ(back, by)
	b.k.Advance(by)
}

// testPart tests whether keys end in a part of a cell.
func (b block) testPart() {
	if b.pairs {
		KTESTB(reg.K1, reg.K1)
		return
	}
	TESTQ(U32(1), Stack("depth"))
}

// step adds the products of the i-th cell from where the pointers are; what lies beyond a
// key's end is not read.
func (b block) step(q reg.Register, n, i int, part bool) {
	rows := temp(i % 2)
	VMOVUPS(Mem{Base: q, Disp: i * vector}, rows)
	for key := range n {
		at, x := b.k.At(key, cell*i), temp(2+key%14)
		switch {
		case part && b.pairs:
			VMOVDQU16_Z(at, reg.K1, x)
			VPBROADCASTQ(X(x), x)
		case part:
			VMOVSS(at, X(x))
			VPBROADCASTQ(X(x), x)
		default:
			VPBROADCASTQ(at, x)
		}
		if b.pairs {
			VDPBF16PS(rows, x, acc(key))
		} else {
			VFMADD231PS(rows, x, acc(key))
		}
	}
}
