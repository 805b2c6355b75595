package gen

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
)

// EachVector loops over the arguments s, lds, rows and cols: rows of s, each cut into vectors: body gets the address of
// one and the mask where it is partial, begin and end run around each row.
func EachVector(isa ISA, begin func(), body func(at Mem, mask Op), end func()) {
	s, lds, left, cols := Arg("s"), ArgBytes("lds"), Arg("rows"), Arg("cols")
	Label("row")
	DECQ(left)
	JLT(LabelRef("done"))
	begin()
	p, n := GP64(), GP64()
	MOVQ(s, p)
	MOVQ(cols, n)
	SUBQ(U32(isa.Width), n)
	JLT(LabelRef("tail"))
	Label("vector")
	body(Mem{Base: p}, nil)
	ADDQ(U32(isa.Bytes()), p)
	SUBQ(U32(isa.Width), n)
	JGE(LabelRef("vector"))
	Label("tail")
	ADDQ(U32(isa.Width), n)
	JZ(LabelRef("end"))
	isa.SetMask(n)
	body(Mem{Base: p}, isa.Mask())
	Label("end")
	end()
	ADDQ(lds, s)
	JMP(LabelRef("row"))
	Label("done")
	End()
}
