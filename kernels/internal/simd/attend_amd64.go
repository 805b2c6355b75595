//go:build !purego

package simd

//go:generate go run -C _asm ./attend -out ../attend_amd64.s

//go:noescape
func attendAVX512(c *float32, ldc int, s *float32, lds int, b *float32, ldb, depth int, shift, beta, sum *float32)
