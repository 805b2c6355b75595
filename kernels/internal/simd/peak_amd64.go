//go:build !purego

package simd

//go:generate go run -C _asm ./peak -out ../peak_amd64.s

func readOf(asm func(x *float32, n int)) func([]float32) {
	return func(x []float32) { asm(&x[0], len(x)) }
}

//go:noescape
func fmaAVX512(n int)

//go:noescape
func fmaAVX2(n int)

//go:noescape
func readAVX512(x *float32, n int)

//go:noescape
func readAVX2(x *float32, n int)
