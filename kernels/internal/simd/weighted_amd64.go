//go:build !purego

package simd

import "github.com/attnbench/attnbench/kernels"

//go:generate go run -C _asm ./weighted -out ../weighted_amd64.s

// A weightedFunc adds weighted values for a fixed number of rows.
type weightedFunc func(c *float32, ldc int, p *float32, ldp int, v *piece, pieces, ldv, cols int)

// weightedOf cuts the rows into those that there are functions for.
func weightedOf(list []few[weightedFunc], width int) func([]float32, int, []float32, int, *Pieces, int, int) {
	return func(o []float32, ldo int, p []float32, ldp int, v *Pieces, rows, cols int) {
		if unmaskable(v, width, cols) {
			v.widenedPieces(func(first int, block *piece) {
				weightedBlock(list, kernels.Float32, o, ldo, p[first:], ldp, block, cols, rows, cols)
			})
			return
		}
		if f := fewOf(list, rows); f.rows == rows {
			f.byDType[v.dtype](&o[0], ldo, &p[0], ldp, &v.list[0], len(v.list), v.ld, cols)
			return
		}
		v.eachBlock(func(first int, block *piece) {
			weightedBlock(list, v.dtype, o, ldo, p[first:], ldp, block, v.ld, rows, cols)
		})
	}
}

func weightedBlock(list []few[weightedFunc], t kernels.DType, o []float32, ldo int, p []float32, ldp int, v *piece, ldv, rows, cols int) {
	for i := 0; i < rows; {
		f := fewOf(list, rows-i)
		f.byDType[t](&o[i*ldo], ldo, &p[i*ldp], ldp, v, 1, ldv, cols)
		i += f.rows
		v.stay()
	}
}

var weightedAVX512 = []few[weightedFunc]{
	{8, [4]weightedFunc{weighted8F32AVX512, weighted8F16AVX512, weighted8BF16AVX512, weighted8I8AVX512}},
	{4, [4]weightedFunc{weighted4F32AVX512, weighted4F16AVX512, weighted4BF16AVX512, weighted4I8AVX512}},
	{2, [4]weightedFunc{weighted2F32AVX512, weighted2F16AVX512, weighted2BF16AVX512, weighted2I8AVX512}},
	{1, [4]weightedFunc{weighted1F32AVX512, weighted1F16AVX512, weighted1BF16AVX512, weighted1I8AVX512}},
}

var weightedAVX2 = []few[weightedFunc]{
	{4, [4]weightedFunc{weighted4F32AVX2, weighted4F16AVX2, weighted4BF16AVX2, weighted4I8AVX2}},
	{2, [4]weightedFunc{weighted2F32AVX2, weighted2F16AVX2, weighted2BF16AVX2, weighted2I8AVX2}},
	{1, [4]weightedFunc{weighted1F32AVX2, weighted1F16AVX2, weighted1BF16AVX2, weighted1I8AVX2}},
}

//go:noescape
func weighted8F32AVX512(c *float32, ldc int, p *float32, ldp int, v *piece, pieces, ldv, cols int)

//go:noescape
func weighted4F32AVX512(c *float32, ldc int, p *float32, ldp int, v *piece, pieces, ldv, cols int)

//go:noescape
func weighted2F32AVX512(c *float32, ldc int, p *float32, ldp int, v *piece, pieces, ldv, cols int)

//go:noescape
func weighted1F32AVX512(c *float32, ldc int, p *float32, ldp int, v *piece, pieces, ldv, cols int)

//go:noescape
func weighted8F16AVX512(c *float32, ldc int, p *float32, ldp int, v *piece, pieces, ldv, cols int)

//go:noescape
func weighted4F16AVX512(c *float32, ldc int, p *float32, ldp int, v *piece, pieces, ldv, cols int)

//go:noescape
func weighted2F16AVX512(c *float32, ldc int, p *float32, ldp int, v *piece, pieces, ldv, cols int)

//go:noescape
func weighted1F16AVX512(c *float32, ldc int, p *float32, ldp int, v *piece, pieces, ldv, cols int)

//go:noescape
func weighted8BF16AVX512(c *float32, ldc int, p *float32, ldp int, v *piece, pieces, ldv, cols int)

//go:noescape
func weighted4BF16AVX512(c *float32, ldc int, p *float32, ldp int, v *piece, pieces, ldv, cols int)

//go:noescape
func weighted2BF16AVX512(c *float32, ldc int, p *float32, ldp int, v *piece, pieces, ldv, cols int)

//go:noescape
func weighted1BF16AVX512(c *float32, ldc int, p *float32, ldp int, v *piece, pieces, ldv, cols int)

//go:noescape
func weighted4F32AVX2(c *float32, ldc int, p *float32, ldp int, v *piece, pieces, ldv, cols int)

//go:noescape
func weighted2F32AVX2(c *float32, ldc int, p *float32, ldp int, v *piece, pieces, ldv, cols int)

//go:noescape
func weighted1F32AVX2(c *float32, ldc int, p *float32, ldp int, v *piece, pieces, ldv, cols int)

//go:noescape
func weighted4F16AVX2(c *float32, ldc int, p *float32, ldp int, v *piece, pieces, ldv, cols int)

//go:noescape
func weighted2F16AVX2(c *float32, ldc int, p *float32, ldp int, v *piece, pieces, ldv, cols int)

//go:noescape
func weighted1F16AVX2(c *float32, ldc int, p *float32, ldp int, v *piece, pieces, ldv, cols int)

//go:noescape
func weighted4BF16AVX2(c *float32, ldc int, p *float32, ldp int, v *piece, pieces, ldv, cols int)

//go:noescape
func weighted2BF16AVX2(c *float32, ldc int, p *float32, ldp int, v *piece, pieces, ldv, cols int)

//go:noescape
func weighted1BF16AVX2(c *float32, ldc int, p *float32, ldp int, v *piece, pieces, ldv, cols int)

//go:noescape
func weighted8I8AVX512(c *float32, ldc int, p *float32, ldp int, v *piece, pieces, ldv, cols int)

//go:noescape
func weighted4I8AVX512(c *float32, ldc int, p *float32, ldp int, v *piece, pieces, ldv, cols int)

//go:noescape
func weighted2I8AVX512(c *float32, ldc int, p *float32, ldp int, v *piece, pieces, ldv, cols int)

//go:noescape
func weighted1I8AVX512(c *float32, ldc int, p *float32, ldp int, v *piece, pieces, ldv, cols int)

//go:noescape
func weighted4I8AVX2(c *float32, ldc int, p *float32, ldp int, v *piece, pieces, ldv, cols int)

//go:noescape
func weighted2I8AVX2(c *float32, ldc int, p *float32, ldp int, v *piece, pieces, ldv, cols int)

//go:noescape
func weighted1I8AVX2(c *float32, ldc int, p *float32, ldp int, v *piece, pieces, ldv, cols int)
