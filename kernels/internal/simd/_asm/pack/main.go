// Command pack generates the copies of a matrix into panels.
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
		pack(isa)
		packTransposed(isa)
	}
	fetch()
	packTransposedPairs()
	packPairs()
	Generate()
}

// pack copies one panel from rows.
func pack(isa ISA) {
	TEXT("pack"+isa.Name, attr.NOSPLIT, "func(dst, src *float32, lds, depth, cols int)")
	dst, src, lds, depth, cols := Arg("dst"), Arg("src"), ArgBytes("lds"), Arg("depth"), Arg("cols")
	zero := isa.V(4)
	isa.Zero(zero)
	for vecs := 1; vecs <= isa.Vecs; vecs++ {
		if vecs > 1 {
			Label(fmt.Sprintf("vecs%d", vecs))
		}
		if vecs < isa.Vecs {
			CMPQ(cols, U32(vecs*isa.Width))
			JGT(LabelRef(fmt.Sprintf("vecs%d", vecs+1)))
		}
		if vecs > 1 {
			SUBQ(U32((vecs-1)*isa.Width), cols)
		}
		isa.SetMask(cols)
		row := fmt.Sprintf("row%d", vecs)
		Label(row)
		DECQ(depth)
		JLT(LabelRef("done"))
		for j := range isa.Vecs {
			at := Mem{Base: dst, Disp: j * isa.Bytes()}
			if j >= vecs {
				VMOVUPS(zero, at)
				continue
			}
			var mask Op
			if j == vecs-1 {
				mask = isa.Mask()
			}
			isa.Load(Mem{Base: src, Disp: j * isa.Bytes()}, isa.V(j), mask)
			VMOVUPS(isa.V(j), at)
		}
		ADDQ(lds, src)
		ADDQ(U32(isa.Vecs*isa.Bytes()), dst)
		JMP(LabelRef(row))
	}
	Label("done")
	End()
}

// packTransposed writes up to a vector of source rows as columns of a panel:
// squares of a vector's width are transposed in registers.
func packTransposed(isa ISA) {
	TEXT("packTransposed"+isa.Name, attr.NOSPLIT, "func(dst, src *float32, lds, rows, depth int, alpha float32)")
	dst, src, lds := Arg("dst"), Arg("src"), ArgBytes("lds")
	rows, depth := Arg("rows"), Arg("depth")
	Label("square")
	SUBQ(U32(isa.Width), depth)
	JLT(LabelRef("tail"))
	loadSquare(isa, "full", src, lds, rows, floats(isa, nil))
	for i, v := range scaled(isa, transposed(isa)) {
		VMOVUPS(v, Mem{Base: dst, Disp: i * isa.Vecs * isa.Bytes()})
	}
	ADDQ(U32(isa.Bytes()), src)
	ADDQ(U32(isa.Width*isa.Vecs*isa.Bytes()), dst)
	JMP(LabelRef("square"))

	Label("tail")
	ADDQ(U32(isa.Width), depth)
	JZ(LabelRef("done"))
	isa.SetMask(depth)
	loadSquare(isa, "tail", src, lds, rows, floats(isa, isa.Mask()))
	for i, v := range scaled(isa, transposed(isa)) {
		VMOVUPS(v, Mem{Base: dst, Disp: i * isa.Vecs * isa.Bytes()})
		DECQ(depth)
		JZ(LabelRef("done"))
	}
	Label("done")
	End()
}

// fetch asks for rows, cache line by cache line, for the second-level cache.
func fetch() {
	TEXT("fetchRows", attr.NOSPLIT, "func(at *byte, stride, rows, bytes int)")
	at, stride, rows, bytes := Arg("at"), Arg("stride"), Arg("rows"), Arg("bytes")
	Label("row")
	DECQ(rows)
	JLT(LabelRef("done"))
	p, n := GP64(), GP64()
	MOVQ(at, p)
	MOVQ(bytes, n)
	Label("line")
	PREFETCHT1(Mem{Base: p})
	ADDQ(U32(64), p)
	SUBQ(U32(64), n)
	JGT(LabelRef("line"))
	ADDQ(stride, at)
	JMP(LabelRef("row"))
	Label("done")
	End()
}

// floats loads a vector, of which only those under mask where there is one.
func floats(isa ISA, mask Op) func(at Mem, v reg.Register) {
	return func(at Mem, v reg.Register) { isa.Load(at, v, mask) }
}

// loadSquare loads a vector of each row, zeros for rows that there are not, and
// asks for those of the rows that the next call packs.
func loadSquare(isa ISA, name string, src, lds, rows reg.Register, load func(at Mem, v reg.Register)) {
	p, next := GP64(), GP64()
	MOVQ(src, p)
	MOVQ(lds, next)
	IMUL3Q(U32(isa.Width), next, next)
	ADDQ(src, next)
	for i := range isa.Width {
		isa.Zero(isa.V(i))
	}
	for i := range isa.Width {
		load(Mem{Base: p}, isa.V(i))
		PREFETCHT0(Mem{Base: next})
		if i+1 < isa.Width {
			CMPQ(rows, U32(i+1))
			JLE(LabelRef(name + "Loaded"))
			ADDQ(lds, p)
			ADDQ(lds, next)
		}
	}
	Label(name + "Loaded")
}

// scaled multiplies the rows of a transposed square.
func scaled(isa ISA, rows []reg.Register) []reg.Register {
	alpha := isa.V(0) // the square has left it
	if isa == AVX512 {
		alpha = isa.V(isa.Width)
	}
	VBROADCASTSS(Stack("alpha"), alpha)
	for _, v := range rows {
		VMULPS(alpha, v, v)
	}
	return rows
}

// transposed turns the square in the first registers and returns its rows.
func transposed(isa ISA) []reg.Register {
	w := isa.Width
	in := func(i int) reg.Register { return isa.V(i) }
	tmp := func(i int) reg.Register { return isa.V(w + i) }
	// Pairs of rows, then fours: afterwards lane l of in(4g+c) holds column
	// 4l+c of rows 4g to 4g+3.
	for i := 0; i < w; i += 2 {
		VUNPCKLPS(in(i+1), in(i), tmp(i))
		VUNPCKHPS(in(i+1), in(i), tmp(i+1))
	}
	for g := 0; g < w; g += 4 {
		VUNPCKLPD(tmp(g+2), tmp(g), in(g))
		VUNPCKHPD(tmp(g+2), tmp(g), in(g+1))
		VUNPCKLPD(tmp(g+3), tmp(g+1), in(g+2))
		VUNPCKHPD(tmp(g+3), tmp(g+1), in(g+3))
	}
	out := make([]reg.Register, w)
	for c := range 4 {
		if isa == AVX2 {
			VPERM2F128(U8(0x20), in(4+c), in(c), tmp(c))
			VPERM2F128(U8(0x31), in(4+c), in(c), tmp(4+c))
			out[c], out[4+c] = tmp(c), tmp(4+c)
			continue
		}
		// Lanes 0 and 2, and lanes 1 and 3, of each pair of groups; then of
		// all four.
		VSHUFF32X4(U8(0x88), in(4+c), in(c), tmp(c))
		VSHUFF32X4(U8(0xdd), in(4+c), in(c), tmp(4+c))
		VSHUFF32X4(U8(0x88), in(12+c), in(8+c), tmp(8+c))
		VSHUFF32X4(U8(0xdd), in(12+c), in(8+c), tmp(12+c))
		VSHUFF32X4(U8(0x88), tmp(8+c), tmp(c), in(c))
		VSHUFF32X4(U8(0x88), tmp(12+c), tmp(4+c), in(4+c))
		VSHUFF32X4(U8(0xdd), tmp(8+c), tmp(c), in(8+c))
		VSHUFF32X4(U8(0xdd), tmp(12+c), tmp(4+c), in(12+c))
		for l := range 4 {
			out[4*l+c] = in(4*l + c)
		}
	}
	return out
}
