//go:build !purego

package simd

import "github.com/attnbench/attnbench/kernels"

//go:generate go run -C _asm ./octet -out ../octet_amd64.s

// An octetFunc computes the scores of up to eight rows.
type octetFunc func(s *float32, lds int, q *float32, k *piece, pieces, ldk, depth, rows int, wide *float32)

var octetsAVX512 = [4]octetFunc{octetF32AVX512, octetF16AVX512, octetBF16AVX512, octetI8AVX512}

// dotsOctets takes [Queries] by octets. Where there are several, the
// first fetches, and a few keys at a time stay in cache for the others.
func dotsOctets(s []float32, lds int, q []float32, k *Pieces, rows, depth int) {
	var wide *float32
	if k.dtype != kernels.Float32 {
		buf := wideRows.Get().(*[blockKeys * kernels.MaxHeadDim]float32)
		defer wideRows.Put(buf)
		wide = &buf[0]
	}
	octet := octetsAVX512[k.dtype]
	if rows <= octetRows {
		octet(&s[0], lds, &q[0], &k.list[0], len(k.list), k.ld, depth, rows, wide)
		return
	}
	k.eachBlock(func(first int, block *piece) {
		for i := 0; i < rows; i += octetRows {
			octet(&s[i*lds+first], lds, &q[i/octetRows*octetLen(depth)], block, 1, k.ld, depth, min(octetRows, rows-i), wide)
			block.stay()
		}
	})
}

//go:noescape
func octetF32AVX512(s *float32, lds int, q *float32, k *piece, pieces, ldk, depth, rows int, wide *float32)

//go:noescape
func octetF16AVX512(s *float32, lds int, q *float32, k *piece, pieces, ldk, depth, rows int, wide *float32)

//go:noescape
func octetBF16AVX512(s *float32, lds int, q *float32, k *piece, pieces, ldk, depth, rows int, wide *float32)

//go:noescape
func octetI8AVX512(s *float32, lds int, q *float32, k *piece, pieces, ldk, depth, rows int, wide *float32)
