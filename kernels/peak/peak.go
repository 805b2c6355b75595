// Package peak holds loops in assembly that come as close to the limits of a
// core as code can: what a kernel's rate is held against.
package peak

import (
	"github.com/attnbench/attnbench/kernels"
	"github.com/attnbench/attnbench/kernels/internal/simd"
)

// FMA returns a loop of independent multiply-adds of an instruction set that
// [kernels.SelectISA] approves, which stay in registers. It runs rounds of
// them and returns how many floating-point operations they were; they are of
// bfloat16 where the instruction set has those. It is nil for
// the generic variant, whose limit is the compiler's.
func FMA(isa string) func(rounds int) (flops int64) {
	if isa == kernels.Generic {
		return nil
	}
	if x := simd.PairsFor(isa); x != nil {
		return x.FMA
	}
	return simd.For(isa).FMA
}

// Read returns a loop that loads x and drops it, and returns how many bytes it
// loaded. It is nil for the generic variant.
func Read(isa string) func(x []float32) (bytes int64) {
	if isa == kernels.Generic {
		return nil
	}
	return simd.For(isa).Read
}
