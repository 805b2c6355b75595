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
	ahead ahead
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
		b.ahead = newAhead(b)
	} else {
		b.k = NewKeys(t.ArgElements("ldk"))
	}
	s := Arg("s")
	Label("piece")
	b.fetch.Piece("done", keys, func(at Op) {
		if !b.widens() {
			b.k.Move(at)
			return
		}
		CMPQ(b.ahead.ready, U8(0))
		JNE(LabelRef("begun"))
		MOVQ(at, b.from)
		Label("begun")
	})
	for _, n := range []int{16, 4, 1} {
		next, end := fmt.Sprintf("keys%d", n), fmt.Sprintf("end%d", n)
		Label(next)
		SUBQ(U32(n), keys)
		JLT(LabelRef(end))
		multiplied := fmt.Sprintf("multiplied%d", n)
		if n == 16 && b.widens() {
			b.widenAhead(keys, multiplied)
		}
		if b.widens() {
			b.widen(n, fmt.Sprintf("widen%d", n))
		}
		b.products(n)
		Label(multiplied)
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
func (b block) widen(n int, label string) {
	for key := range n {
		at, left, to := GP64(), GP64(), GP64()
		name := fmt.Sprintf("%sKey%d", label, key)
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

// An ahead is what sixteen keys need to be widened for while those before them are
// multiplied: otherwise the processor, which looks ahead less far than that, does one after
// the other. A cell of sixteen keys goes with two vectors, so it takes rows of an even number of
// vectors, all whole.
type ahead struct {
	twos       Mem // of vectors of a key; 0 where they are not so
	gap        Mem // bytes from a key's end to the next
	left       Mem // twos of the key that is widened
	ready      Mem // whether the next keys are widened, which may be those of the next piece
	this, next Mem // where these keys are widened to, and the next
}

const aheadKeys = 16

func newAhead(b block) ahead {
	a := ahead{AllocLocal(8), AllocLocal(8), AllocLocal(8), AllocLocal(8), AllocLocal(8), AllocLocal(8)}
	n, x := Arg("depth"), GP64()
	XORQ(x, x)
	MOVQ(x, a.ready)
	MOVQ(n, x)
	SHRQ(U8(5), x)
	TESTQ(U32(31), n)
	JZ(LabelRef("even"))
	XORQ(x, x)
	Label("even")
	MOVQ(x, a.twos)
	gap := b.t.ArgElements("ldk")
	if b.t.Log > 0 {
		SHLQ(U8(b.t.Log), n)
	}
	SUBQ(n, gap)
	MOVQ(gap, a.gap)
	MOVQ(Stack("wide"), x)
	MOVQ(x, a.this)
	room := GP64()
	MOVQ(b.wide, room)
	SHLQ(U8(4), room)
	ADDQ(room, x)
	MOVQ(x, a.next)
	return a
}

// widenAhead multiplies sixteen keys and widens those that follow, or these again if none
// do, and goes to the label; keys are left of the piece. It does nothing where rows have another
// number of vectors.
func (b block) widenAhead(keys Mem, multiplied string) {
	a := b.ahead
	CMPQ(a.twos, U8(0))
	JEQ(LabelRef("behind"))
	CMPQ(a.ready, U8(0))
	JNE(LabelRef("ready"))
	b.widen(aheadKeys, "first")
	MOVQ(U32(1), a.ready)
	Label("ready")
	p := GP64()
	MOVQ(keys, p)
	CMPQ(p, U8(aheadKeys))
	JGE(LabelRef("follow"))
	TESTQ(p, p)
	JNE(LabelRef("last"))
	CMPQ(Stack("pieces"), U8(0))
	JLE(LabelRef("last"))
	MOVQ(Stack("k"), p)
	CMPQ(Mem{Base: p, Disp: 8}, U8(aheadKeys))
	JLT(LabelRef("last"))
	MOVQ(Mem{Base: p}, b.from)
	JMP(LabelRef("follow"))
	Label("last")
	MOVQ(U32(0), a.ready)
	back := b.t.ArgElements("ldk")
	SHLQ(U8(4), back)
	SUBQ(back, b.from)
	Label("follow")
	b.productsAhead()
	x := GP64()
	MOVQ(a.next, x)
	b.k.Move(x)
	y := GP64()
	MOVQ(a.this, y)
	MOVQ(y, a.next)
	MOVQ(x, a.this)
	JMP(LabelRef(multiplied))
	Label("behind")
}

// productsAhead sums over the depth, as products does, and widens as many keys meanwhile.
func (b block) productsAhead() {
	a := b.ahead
	for key := range aheadKeys {
		isa.Zero(acc(key))
	}
	q, left, to, x := Arg("q"), GP64(), GP64(), GP64()
	MOVQ(b.cells, left)
	MOVQ(a.next, to)
	MOVQ(a.twos, x)
	MOVQ(x, a.left)
	Label("ahead")
	for i := range unroll {
		b.fetch.Fetch(fmt.Sprintf("aheadFetch%d", i), aheadKeys*cell*b.t.Size/Float32.Size, i)
		for j := range 2 {
			b.t.Load(isa, Mem{Base: b.from, Disp: j * b.t.Bytes(isa)}, temp(14+j), nil)
			VMOVUPS(temp(14+j), Mem{Base: to, Disp: (2*i + j) * vector})
		}
		ADDQ(U32(2*b.t.Bytes(isa)), b.from)
		same := fmt.Sprintf("aheadSame%d", i)
		DECQ(a.left)
		JNZ(LabelRef(same))
		ADDQ(a.gap, b.from)
		MOVQ(a.twos, x)
		MOVQ(x, a.left)
		Label(same)
		b.step(q, aheadKeys, i, false)
	}
	ADDQ(U32(2*unroll*vector), to)
	ADDQ(U32(unroll*vector), q)
	b.k.Advance(U32(unroll * cell))
	SUBQ(U32(unroll), left)
	JNZ(LabelRef("ahead"))
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
		at, x := b.k.At(key, cell*i), temp(2+key%12)
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
