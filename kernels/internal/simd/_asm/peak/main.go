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

// ahead is how many bytes before their use lines are fetched into the second-level
// cache: from so near, the hardware's prefetchers follow.
//
// Note: on an EPYC of family 25 loads alone read 64 MiB again and again at 0.75 times
// this rate, and with one line a KiB fetched 8 KiB ahead, into the first-level cache,
// at 0.6 times. On one of family 26 the second gains a fifth over loads alone where pages
// are small, and a fetch of every line neither gains nor loses.
const ahead = 2048

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
	for i := range unroll * isa.Bytes() / Line {
		PREFETCHT1(Mem{Base: x, Disp: ahead + i*Line})
	}
	for i := range unroll {
		VORPS(Mem{Base: x, Disp: i * isa.Bytes()}, isa.V(i%8), isa.V(i%8))
	}
	ADDQ(U32(unroll*isa.Bytes()), x)
	JMP(LabelRef("round"))
	Label("done")
	End()
}
