//go:build !purego

package simd

import (
	"unsafe"

	"github.com/attnbench/attnbench/kernels"
)

//go:generate go run -C _asm ./dots -out ../dots_amd64.s

// A dotsFunc computes the scores of a fixed number of rows.
type dotsFunc func(s *float32, lds int, q *float32, ldq int, k *piece, pieces, ldk, depth int)

// A few holds a function of a fixed number of rows for each element type.
type few[F any] struct {
	rows    int
	byDType [4]F
}

// fewOf returns the tallest that the rows fill; the list begins with the
// tallest and ends with one row.
func fewOf[F any](list []few[F], rows int) few[F] {
	for len(list) > 1 && list[0].rows > rows {
		list = list[1:]
	}
	return list[0]
}

// unmaskable tells whether a row of halves or bytes ends in a part of a vector that the
// instruction set can't load.
func unmaskable(x *Pieces, width, cols int) bool {
	return x.dtype != kernels.Float32 && width == 8 && cols%width != 0
}

// eachBlock calls do with blocks of up to blockKeys rows of a piece and the number of the
// first: few enough to stay in cache for several passes.
func (p *Pieces) eachBlock(do func(first int, block *piece)) {
	first := 0
	for _, x := range p.list {
		for from := 0; from < x.rows; from += blockKeys {
			bytes := from * p.ld * int(p.dtype.Size())
			p.part[0] = piece{
				(*byte)(unsafe.Add(unsafe.Pointer(x.at), bytes)), min(blockKeys, x.rows-from),
				Ahead{x.Next + Place(bytes), x.Beyond},
			}
			do(first+from, &p.part[0])
		}
		first += x.rows
	}
}

// widenedPieces calls do with a few rows at a time as floats, as far apart as they are long, and
// with the number of the first.
func (p *Pieces) widenedPieces(do func(first int, block *piece)) {
	p.each(func(first int, x Stored, rows int) {
		widened(x, rows, p.cols, func(x []float32, from, n int) {
			p.part[0] = piece{at: (*byte)(unsafe.Pointer(&x[0])), rows: n}
			p.part[0].stay()
			do(first+from, &p.part[0])
		})
	})
}

// dotsOf cuts the rows into those that there are functions for.
func dotsOf(list []few[dotsFunc], width int) func([]float32, int, []float32, int, *Pieces, int, int) {
	return func(s []float32, lds int, q []float32, ldq int, k *Pieces, rows, depth int) {
		if unmaskable(k, width, depth) {
			k.widenedPieces(func(first int, block *piece) {
				dotsBlock(list, kernels.Float32, s[first:], lds, q, ldq, block, depth, rows, depth)
			})
			return
		}
		if f := fewOf(list, rows); f.rows == rows {
			f.byDType[k.dtype](&s[0], lds, &q[0], ldq, &k.list[0], len(k.list), k.ld, depth)
			return
		}
		k.eachBlock(func(first int, block *piece) {
			dotsBlock(list, k.dtype, s[first:], lds, q, ldq, block, k.ld, rows, depth)
		})
	}
}

// dotsBlock lets the first rows fetch: the others find the keys in cache and
// are quick.
func dotsBlock(list []few[dotsFunc], t kernels.DType, s []float32, lds int, q []float32, ldq int, k *piece, ldk, rows, depth int) {
	for i := 0; i < rows; {
		f := fewOf(list, rows-i)
		f.byDType[t](&s[i*lds], lds, &q[i*ldq], ldq, k, 1, ldk, depth)
		i += f.rows
		k.stay()
	}
}

var dotsAVX512 = []few[dotsFunc]{
	{2, [4]dotsFunc{dots2F32AVX512, dots2F16AVX512, dots2BF16AVX512, dots2I8AVX512}},
	{1, [4]dotsFunc{dots1F32AVX512, dots1F16AVX512, dots1BF16AVX512, dots1I8AVX512}},
}

var dotsAVX2 = []few[dotsFunc]{
	{4, [4]dotsFunc{dots4F32AVX2, dots4F16AVX2, dots4BF16AVX2, dots4I8AVX2}},
	{2, [4]dotsFunc{dots2F32AVX2, dots2F16AVX2, dots2BF16AVX2, dots2I8AVX2}},
	{1, [4]dotsFunc{dots1F32AVX2, dots1F16AVX2, dots1BF16AVX2, dots1I8AVX2}},
}

//go:noescape
func dots2F32AVX512(s *float32, lds int, q *float32, ldq int, k *piece, pieces, ldk, depth int)

//go:noescape
func dots1F32AVX512(s *float32, lds int, q *float32, ldq int, k *piece, pieces, ldk, depth int)

//go:noescape
func dots2F16AVX512(s *float32, lds int, q *float32, ldq int, k *piece, pieces, ldk, depth int)

//go:noescape
func dots1F16AVX512(s *float32, lds int, q *float32, ldq int, k *piece, pieces, ldk, depth int)

//go:noescape
func dots2BF16AVX512(s *float32, lds int, q *float32, ldq int, k *piece, pieces, ldk, depth int)

//go:noescape
func dots1BF16AVX512(s *float32, lds int, q *float32, ldq int, k *piece, pieces, ldk, depth int)

//go:noescape
func dots4F32AVX2(s *float32, lds int, q *float32, ldq int, k *piece, pieces, ldk, depth int)

//go:noescape
func dots2F32AVX2(s *float32, lds int, q *float32, ldq int, k *piece, pieces, ldk, depth int)

//go:noescape
func dots1F32AVX2(s *float32, lds int, q *float32, ldq int, k *piece, pieces, ldk, depth int)

//go:noescape
func dots4F16AVX2(s *float32, lds int, q *float32, ldq int, k *piece, pieces, ldk, depth int)

//go:noescape
func dots2F16AVX2(s *float32, lds int, q *float32, ldq int, k *piece, pieces, ldk, depth int)

//go:noescape
func dots1F16AVX2(s *float32, lds int, q *float32, ldq int, k *piece, pieces, ldk, depth int)

//go:noescape
func dots4BF16AVX2(s *float32, lds int, q *float32, ldq int, k *piece, pieces, ldk, depth int)

//go:noescape
func dots2BF16AVX2(s *float32, lds int, q *float32, ldq int, k *piece, pieces, ldk, depth int)

//go:noescape
func dots1BF16AVX2(s *float32, lds int, q *float32, ldq int, k *piece, pieces, ldk, depth int)

//go:noescape
func dots2I8AVX512(s *float32, lds int, q *float32, ldq int, k *piece, pieces, ldk, depth int)

//go:noescape
func dots1I8AVX512(s *float32, lds int, q *float32, ldq int, k *piece, pieces, ldk, depth int)

//go:noescape
func dots4I8AVX2(s *float32, lds int, q *float32, ldq int, k *piece, pieces, ldk, depth int)

//go:noescape
func dots2I8AVX2(s *float32, lds int, q *float32, ldq int, k *piece, pieces, ldk, depth int)

//go:noescape
func dots1I8AVX2(s *float32, lds int, q *float32, ldq int, k *piece, pieces, ldk, depth int)
