//go:build !purego

package simd

import (
	"github.com/attnbench/attnbench/kernels"
)

//go:generate go run -C _asm ./dots -out ../dots_amd64.s

// A dotsFunc computes the scores of a fixed number of rows.
type dotsFunc func(s *float32, lds int, q *float32, ldq int, k *byte, ldk, keys, depth int, next Place, beyond int)

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
func unmaskable(x Stored, width, cols int) bool {
	return x.DType != kernels.Float32 && width == 8 && cols%width != 0
}

// dotsOf cuts the rows into those that there are functions for.
func dotsOf(list []few[dotsFunc], width int) func([]float32, int, []float32, int, Stored, int, int, int, Ahead) {
	return func(s []float32, lds int, q []float32, ldq int, k Stored, rows, keys, depth int, ahead Ahead) {
		if unmaskable(k, width, depth) {
			widened(k, keys, depth, func(x []float32, first, n int) {
				k := Stored{Float32: x, LD: depth}
				dotsBlock(list, s[first:], lds, q, ldq, k, rows, n, depth, Ahead{}.of(k))
			})
			return
		}
		next := ahead.of(k)
		if f := fewOf(list, rows); f.rows == rows {
			f.byDType[k.DType](&s[0], lds, &q[0], ldq, k.at(), k.LD, keys, depth, next.Next, next.Beyond)
			return
		}
		for first := 0; first < keys; first += blockKeys {
			dotsBlock(list, s[first:], lds, q, ldq, k.from(first), rows, min(blockKeys, keys-first), depth, next.plus(first, k))
		}
	}
}

// dotsBlock lets the first rows fetch: the others find the keys in cache and
// are quick.
func dotsBlock(list []few[dotsFunc], s []float32, lds int, q []float32, ldq int, k Stored, rows, keys, depth int, next Ahead) {
	for i := 0; i < rows; {
		f := fewOf(list, rows-i)
		f.byDType[k.DType](&s[i*lds], lds, &q[i*ldq], ldq, k.at(), k.LD, keys, depth, next.Next, next.Beyond)
		i, next = i+f.rows, Ahead{}.of(k)
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
func dots2F32AVX512(s *float32, lds int, q *float32, ldq int, k *byte, ldk, keys, depth int, next Place, beyond int)

//go:noescape
func dots1F32AVX512(s *float32, lds int, q *float32, ldq int, k *byte, ldk, keys, depth int, next Place, beyond int)

//go:noescape
func dots2F16AVX512(s *float32, lds int, q *float32, ldq int, k *byte, ldk, keys, depth int, next Place, beyond int)

//go:noescape
func dots1F16AVX512(s *float32, lds int, q *float32, ldq int, k *byte, ldk, keys, depth int, next Place, beyond int)

//go:noescape
func dots2BF16AVX512(s *float32, lds int, q *float32, ldq int, k *byte, ldk, keys, depth int, next Place, beyond int)

//go:noescape
func dots1BF16AVX512(s *float32, lds int, q *float32, ldq int, k *byte, ldk, keys, depth int, next Place, beyond int)

//go:noescape
func dots4F32AVX2(s *float32, lds int, q *float32, ldq int, k *byte, ldk, keys, depth int, next Place, beyond int)

//go:noescape
func dots2F32AVX2(s *float32, lds int, q *float32, ldq int, k *byte, ldk, keys, depth int, next Place, beyond int)

//go:noescape
func dots1F32AVX2(s *float32, lds int, q *float32, ldq int, k *byte, ldk, keys, depth int, next Place, beyond int)

//go:noescape
func dots4F16AVX2(s *float32, lds int, q *float32, ldq int, k *byte, ldk, keys, depth int, next Place, beyond int)

//go:noescape
func dots2F16AVX2(s *float32, lds int, q *float32, ldq int, k *byte, ldk, keys, depth int, next Place, beyond int)

//go:noescape
func dots1F16AVX2(s *float32, lds int, q *float32, ldq int, k *byte, ldk, keys, depth int, next Place, beyond int)

//go:noescape
func dots4BF16AVX2(s *float32, lds int, q *float32, ldq int, k *byte, ldk, keys, depth int, next Place, beyond int)

//go:noescape
func dots2BF16AVX2(s *float32, lds int, q *float32, ldq int, k *byte, ldk, keys, depth int, next Place, beyond int)

//go:noescape
func dots1BF16AVX2(s *float32, lds int, q *float32, ldq int, k *byte, ldk, keys, depth int, next Place, beyond int)

//go:noescape
func dots2I8AVX512(s *float32, lds int, q *float32, ldq int, k *byte, ldk, keys, depth int, next Place, beyond int)

//go:noescape
func dots1I8AVX512(s *float32, lds int, q *float32, ldq int, k *byte, ldk, keys, depth int, next Place, beyond int)

//go:noescape
func dots4I8AVX2(s *float32, lds int, q *float32, ldq int, k *byte, ldk, keys, depth int, next Place, beyond int)

//go:noescape
func dots2I8AVX2(s *float32, lds int, q *float32, ldq int, k *byte, ldk, keys, depth int, next Place, beyond int)

//go:noescape
func dots1I8AVX2(s *float32, lds int, q *float32, ldq int, k *byte, ldk, keys, depth int, next Place, beyond int)
