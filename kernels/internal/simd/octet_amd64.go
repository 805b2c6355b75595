//go:build !purego

package simd

import "github.com/attnbench/attnbench/kernels"

//go:generate go run -C _asm ./octet -out ../octet_amd64.s

// An octetFunc computes the scores of up to eight rows.
type octetFunc func(s *float32, lds int, q *float32, k *byte, ldk, keys, depth, rows int, wide *float32, next Place, beyond int)

var octetsAVX512 = [4]octetFunc{octetF32AVX512, octetF16AVX512, octetBF16AVX512, octetI8AVX512}

// dotsOctets takes [Queries] by octets. Where there are several, the
// first fetches, and a few keys at a time stay in cache for the others.
func dotsOctets(s []float32, lds int, q []float32, k Stored, rows, keys, depth int, ahead Ahead) {
	var wide *float32
	if k.DType != kernels.Float32 {
		buf := wideRows.Get().(*[blockKeys * kernels.MaxHeadDim]float32)
		defer wideRows.Put(buf)
		wide = &buf[0]
	}
	block, next := keys, ahead.of(k)
	if rows > octetRows {
		block = blockKeys
	}
	for first := 0; first < keys; first += block {
		n, part := min(block, keys-first), k.from(first)
		for i := 0; i < rows; i += octetRows {
			x := next.plus(first, k)
			if i > 0 {
				x = Ahead{}.of(part)
			}
			octetsAVX512[k.DType](&s[i*lds+first], lds, &q[i/octetRows*octetLen(depth)], part.at(), k.LD, n, depth, min(octetRows, rows-i), wide, x.Next, x.Beyond)
		}
	}
}

//go:noescape
func octetF32AVX512(s *float32, lds int, q *float32, k *byte, ldk, keys, depth, rows int, wide *float32, next Place, beyond int)

//go:noescape
func octetF16AVX512(s *float32, lds int, q *float32, k *byte, ldk, keys, depth, rows int, wide *float32, next Place, beyond int)

//go:noescape
func octetBF16AVX512(s *float32, lds int, q *float32, k *byte, ldk, keys, depth, rows int, wide *float32, next Place, beyond int)

//go:noescape
func octetI8AVX512(s *float32, lds int, q *float32, k *byte, ldk, keys, depth, rows int, wide *float32, next Place, beyond int)
