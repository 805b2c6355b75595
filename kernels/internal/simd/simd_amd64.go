//go:build !purego

package simd

import "golang.org/x/sys/cpu"

// assembly returns the variants in assembly. Each needs the union of the
// Requires lines of its functions; CMOV every amd64 has.
func assembly() []*Funcs { return []*Funcs{&avx2, &avx512} }

var avx2 = Funcs{
	Name: "avx2", Width: 8, Rows: 6, Cols: 16,
	available:      cpu.X86.HasAVX && cpu.X86.HasAVX2 && cpu.X86.HasFMA && hasF16C(),
	muls:           mulsAVX2,
	mulMaxes:       mulMaxesAVX2,
	rowMax:         rowMaxOf(rowMaxAVX2),
	expSum:         expSumOf(expSumAVX2),
	pack:           packOf(packAVX2),
	fetch:          fetchRows,
	packTransposed: packTransposedOf(packTransposedAVX2, 8, 16),
	scale:          scaleOf(scaleAVX2),
	rescale:        rescaleOf(rescaleAVX2, 8),
	softcap:        softcapOf(softcapAVX2),
	bias:           biasOf(biasAVX2),
	dots:           dotsOf(dotsAVX2, 8),
	weighted:       weightedOf(weightedAVX2, 8),
	fma:            fmaAVX2,
	read:           readOf(readAVX2),
	widen:          widenOf(widenF16AVX2, widenBF16AVX2, 8),
	narrow:         narrowOf(narrowF16AVX2, narrowBF16AVX2, 8),
	dequantise:     dequantiseOf(dequantiseAVX2, 8),
}

var avx512 = Funcs{
	Name: "avx512", Width: 16, Rows: 6, Cols: 64,
	available:      cpu.X86.HasAVX && cpu.X86.HasAVX512F && cpu.X86.HasAVX512DQ,
	muls:           mulsAVX512,
	mulMaxes:       mulMaxesAVX512,
	rowMax:         rowMaxOf(rowMaxAVX512),
	expSum:         expSumOf(expSumAVX512),
	pack:           packOf(packAVX512),
	fetch:          fetchRows,
	packTransposed: packTransposedOf(packTransposedAVX512, 16, 64),
	scale:          scaleOf(scaleAVX512),
	rescale:        rescaleOf(rescaleAVX512, 16),
	softcap:        softcapOf(softcapAVX512),
	bias:           biasOf(biasAVX512),
	dots:           dotsOf(dotsAVX512, 16),
	octets:         dotsOctets,
	weighted:       weightedOf(weightedAVX512, 16),
	fma:            fmaAVX512,
	read:           readOf(readAVX512),
	widen:          widenOf(widenF16AVX512, widenBF16AVX512, 16),
	narrow:         narrowOf(narrowF16AVX512, narrowBF16AVX512, 16),
	dequantise:     dequantiseOf(dequantiseAVX512, 16),
	attend:         attendAVX512,
}
