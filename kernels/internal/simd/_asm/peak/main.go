// Command peak generates the loops that measure the machine's limits.
package main

import (
	"github.com/mmcloughlin/avo/attr"
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"

	. "github.com/attnbench/attnbench/kernels/internal/simd/_asm/gen"
)

func main() {
	ConstraintExpr("!purego")
	for _, isa := range []ISA{AVX512, AVX2} {
		multiply(isa)
		read(isa)
	}
	Generate()
}

// sums is how many independent sums keep two pipes of latency four busy, with
// a margin; both instruction sets have the registers.
const sums = 12

// multiply runs rounds of 24 multiply-adds.
func multiply(isa ISA) {
	TEXT("fma"+isa.Name, attr.NOSPLIT, "func(n int)")
	n := Arg("n")
	for i := range sums + 2 {
		isa.Zero(isa.V(i))
	}
	TESTQ(n, n)
	JZ(LabelRef("done"))
	Label("round")
	for i := range 2 * sums {
		VFMADD231PS(isa.V(sums), isa.V(sums+1), isa.V(i%sums))
	}
	DECQ(n)
	JNZ(LabelRef("round"))
	Label("done")
	End()
}

// unroll is how many vectors one round reads.
const unroll = 16

// ahead is how many bytes before their use a round touches those to come. One
// line is enough: it has their page translated and the hardware's prefetchers
// follow. Note: it is worth a fifth of the bandwidth on an EPYC of family 26
// with pages of 4 KiB; a prefetch of every line is worth nothing.
const ahead = 8192

// read loads all that fills whole rounds; the sum of bits is dropped.
func read(isa ISA) {
	TEXT("read"+isa.Name, attr.NOSPLIT, "func(x *float32, n int)")
	x, n := Arg("x"), Arg("n")
	for i := range 8 {
		isa.Zero(isa.V(i))
	}
	Label("round")
	SUBQ(U32(unroll*isa.Width), n)
	JLT(LabelRef("done"))
	PREFETCHT0(Mem{Base: x, Disp: ahead})
	for i := range unroll {
		VORPS(Mem{Base: x, Disp: i * isa.Bytes()}, isa.V(i%8), isa.V(i%8))
	}
	ADDQ(U32(unroll*isa.Bytes()), x)
	JMP(LabelRef("round"))
	Label("done")
	End()
}
