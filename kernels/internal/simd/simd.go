// Package simd holds the inner loops of the CPU kernels: products of register
// blocks, packing, the softmax between the products, and the row products of
// decode. Each has a generic Go twin, and variants for AVX2 and AVX-512 that
// _asm generates.
//
// A kernel picks a variant once, when it plans, and calls its methods:
//
//	f := simd.For(isa)
//	f.PackTransposed(kp, k, ldk, keys, headDim, scale)
//	f.MulMax(s, lds, q, ldq, f.Packed(kp, headDim), rows, headDim, keys, st.Max[:], nil)
//	f.Attend(o, ldo, s, lds, f.Packed(vp, keys), rows, keys, headDim, &st)
//
// One call does a whole row or a whole block of rows, over the full depth; the
// loops over tiles are the kernel's. Whatever the call, an element is computed
// in one fixed order that depends neither on its place in the block nor on the
// block's shape, so a kernel may cut rows and columns as it likes, bit for bit;
// [Funcs.Dots] says where that is not so.
// Different variants round differently.
//
// Matrices are row-major with rows ld floats apart. Arguments are checked for
// the memory that they span, and a violation panics. Nothing here allocates.
// Everything may run concurrently on operands that do not overlap.
package simd

import (
	"slices"

	"github.com/attnbench/attnbench/kernels"
)

// MaxRows is the height of the tallest block of any variant, and how many rows a
// [State] and a [Seen] have room for.
const MaxRows = 32

// blockRows is the height of the tallest block in registers.
const blockRows = 6

// Funcs are the primitives of one instruction set, and the shape of its blocks.
type Funcs struct {
	// Name is the variant's: "generic", "avx2" or "avx512".
	Name string
	// Width is how many floats a vector holds.
	Width int
	// Rows is the height of the tallest register block.
	Rows int
	// Cols is the width of a panel: of packed columns that lie together.
	Cols int

	available bool

	// The products of 1 to blockRows rows; nil where the generic twin is used.
	muls     [blockRows]mulFunc
	mulMaxes [blockRows]mulMaxFunc

	rowMax         func(s []float32, lds, rows, cols int, rowMax []float32)
	expSum         func(s []float32, lds, rows, cols int, shift, sum []float32)
	pack           func(dst, src []float32, lds, depth, cols int)
	packTransposed func(dst, src []float32, lds, cols, depth int, alpha float32)
	fetch          func(at *byte, stride, rows, bytes int)
	scale          func(dst []float32, ldd int, src []float32, lds, rows, cols int, alpha []float32) (finite bool)
	rescale        func(st *State, rows int) (fresh uint32)
	softcap        func(s []float32, lds, rows, cols int, in, out float32)
	bias           func(s []float32, lds, rows, cols int, slope []float32, first []int32)
	dots           func(s []float32, lds int, q []float32, ldq int, k *Pieces, rows, depth int)
	octets         func(s []float32, lds int, q []float32, k *Pieces, rows, depth int) // nil where there are none
	weighted       func(o []float32, ldo int, p []float32, ldp int, v *Pieces, rows, cols int)
	fma            func(rounds int)
	read           func(x []float32)
	widen          func(dst []float32, src []uint16, t kernels.DType)
	narrow         func(dst []uint16, src []float32, t kernels.DType)
	dequantise     func(dst []float32, src []int8, scale float32)

	// attend is a block of Rows rows by at least Cols columns, or nil where
	// nothing beats expSum followed by mul.
	attend attendFunc
}

var generic = Funcs{
	Name: kernels.Generic, Width: 1, Rows: genericRows, Cols: genericCols, available: true,
	rowMax:         rowMaxGeneric,
	expSum:         expSumGeneric,
	pack:           packGeneric,
	packTransposed: packTransposedGeneric,
	fetch:          func(*byte, int, int, int) {},
	scale:          scaleGeneric,
	rescale:        rescaleGeneric,
	softcap:        softcapGeneric,
	bias:           biasGeneric,
	dots:           dotsGeneric,
	weighted:       weightedGeneric,
	fma:            fmaGeneric,
	read:           readGeneric,
	widen:          widenGeneric,
	narrow:         narrowGeneric,
	dequantise:     dequantiseGeneric,
}

// variants runs from least to most preferred; kernels lists the same, and then
// pairs.
var variants = append([]*Funcs{&generic}, assembly()...)

func init() {
	for _, f := range variants[1:] {
		kernels.RegisterISA(kernels.ISA{Name: f.Name, Available: f.available})
	}
	for _, x := range pairs[1:] {
		kernels.RegisterISA(kernels.ISA{Name: x.Name, Available: x.available, Extends: x.Funcs.Name, ByName: x.byName})
	}
}

// For returns the primitives of an instruction set that [kernels.SelectISA]
// has approved, or of the one that it extends. It panics on any other.
func For(isa string) *Funcs {
	if x := PairsFor(isa); x != nil {
		return x.Funcs
	}
	i := slices.IndexFunc(variants, func(f *Funcs) bool { return f.Name == isa && f.available })
	if i < 0 {
		panic("simd: unknown or unavailable instruction set")
	}
	return variants[i]
}
