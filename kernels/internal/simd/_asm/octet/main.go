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
		octet(t)
	}
	Generate()
}

const (
	isaBytes = 64
	quad     = 4 // depths that go through a row's lanes together
	rows     = 8
	unroll   = 2
)

// A block is eight rows of Q by some keys. Four floats of a key, in all lanes,
// meet as many of four rows of Q: one load feeds two multiply-adds, and a
// vector of Q as many as there are keys. Sums come out four to a row and are
// folded for four keys at a time.
type block struct {
	t     Stored
	k     Rows         // the keys as floats: where they lie, or widened
	from  reg.Register // the keys as they lie, where they are widened
	s     Rows
	fetch Cursor
	quads Mem
	wide  Mem // bytes of a widened key
}

func octet(t Stored) {
	TEXT("octet"+t.Name+"AVX512", attr.NOSPLIT, "func("+
		"s *float32, lds int, q *float32, k "+StoredArg+", ldk, keys, depth, rows int, wide *float32, next uintptr, beyond int)")
	b := block{t: t, quads: AllocLocal(8)}
	b.depth()
	b.fetch = NewCursor(t, "depth", "ldk")
	if t == Float32 {
		b.k = NewRows(Arg("k"), t.ArgElements("ldk"), 8)
	} else {
		b.from = Arg("k")
		stride := GP64()
		MOVQ(b.wide, stride)
		b.k = NewRows(Arg("wide"), stride, 8)
	}
	b.s = NewRows(Arg("s"), ArgBytes("lds"), rows)
	keys := Stack("keys")
	for _, n := range []int{8, 4, 1} {
		next, end := fmt.Sprintf("keys%d", n), fmt.Sprintf("end%d", n)
		Label(next)
		SUBQ(U32(n), keys)
		JLT(LabelRef(end))
		if t != Float32 {
			b.widen(n)
		}
		b.products(n)
		StoreFolded(b.s, n, rows/RowsAVector, acc, temp(0), temp(1))
		b.s.Advance(U32(4 * n))
		JMP(LabelRef(next))
		Label(end)
		ADDQ(U32(n), keys)
	}
	End()
}

// depth works out how many quads there are, and the mask of the last where it is
// a part; widened keys end in zeros.
func (b *block) depth() {
	n, last := Arg("depth"), Arg("depth")
	if b.t != Float32 {
		b.wide = AllocLocal(8)
		ADDQ(U8(quad-1), n)
		wide := Arg("depth")
		ADDQ(U8(15), wide)
		SHRQ(U8(4), wide)
		SHLQ(U8(6), wide)
		MOVQ(wide, b.wide)
		ANDQ(U8(15), last)
	} else {
		ANDQ(U8(quad-1), last)
	}
	SHRQ(U8(2), n)
	MOVQ(n, b.quads)
	TESTQ(last, last)
	JZ(LabelRef("whole"))
	AVX512.SetMask(last)
	Label("whole")
}

func acc(key, half int) reg.Register { return AVX512.V(2*key + half) }
func temp(i int) reg.Register        { return AVX512.V(16 + i) }

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
		b.t.Load(AVX512, Mem{Base: at}, temp(0), nil)
		VMOVUPS(temp(0), Mem{Base: to})
		ADDQ(U32(b.t.Bytes(AVX512)), at)
		ADDQ(U32(isaBytes), to)
		JMP(LabelRef(name))
		Label(name + "Part")
		ADDQ(U32(16), left)
		JZ(LabelRef(name + "End"))
		b.t.Load(AVX512, Mem{Base: at}, temp(0), AVX512.Mask())
		VMOVUPS(temp(0), Mem{Base: to})
		Label(name + "End")
		by := b.t.ArgElements("ldk")
		ADDQ(by, b.from)
	}
}

// products sums over the depth and goes on to the next keys.
func (b block) products(n int) {
	for key := range n {
		AVX512.Zero(acc(key, 0))
		AVX512.Zero(acc(key, 1))
	}
	q, left := Arg("q"), GP64()
	MOVQ(b.quads, left)
	for _, by := range []int{unroll, 1} {
		loop, end := fmt.Sprintf("quads%dof%d", by, n), fmt.Sprintf("quadsEnd%dof%d", by, n)
		Label(loop)
		SUBQ(U32(by), left)
		JLT(LabelRef(end))
		for i := range by {
			b.fetch.Fetch(fmt.Sprintf("%sFetch%d", loop, i), n*quad*b.t.Size, i)
			b.step(q, n, i, false)
		}
		ADDQ(U32(by*2*isaBytes), q)
		b.k.Advance(U32(by * 4 * quad))
		JMP(LabelRef(loop))
		Label(end)
		if by > 1 {
			ADDQ(U32(by), left)
		}
	}
	back := GP64()
	if b.t == Float32 {
		next := fmt.Sprintf("next%d", n)
		TESTQ(U32(quad-1), Stack("depth"))
		JZ(LabelRef(next))
		b.step(q, n, 0, true)
		Label(next)
		MOVQ(b.quads, back)
		SHLQ(U8(4), back)
		b.k.Each(func(p reg.Register) { SUBQ(back, p) })
		MOVQ(b.k.Stride(), back)
		switch n {
		case 8, 4:
			SHLQ(U8(map[int]int{8: 3, 4: 2}[n]), back)
		}
		b.k.Advance(back)
		return
	}
	MOVQ(b.quads, back)
	SHLQ(U8(4), back)
	b.k.Each(func(p reg.Register) { SUBQ(back, p) })
}

// step adds the products of the i-th quad from where the pointers are.
func (b block) step(q reg.Register, n, i int, part bool) {
	VMOVUPS(Mem{Base: q, Disp: 2 * i * isaBytes}, temp(0))
	VMOVUPS(Mem{Base: q, Disp: (2*i + 1) * isaBytes}, temp(1))
	for key := range n {
		at, x := b.k.At(key, 4*quad*i), temp(2+key)
		if part {
			VMOVUPS_Z(at, AVX512.Mask(), x)
			VSHUFF32X4(U8(0), x, x, x)
		} else {
			VBROADCASTF32X4(at, x)
		}
		VFMADD231PS(x, temp(0), acc(key, 0))
		VFMADD231PS(x, temp(1), acc(key, 1))
	}
}
