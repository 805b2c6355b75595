//go:build !purego

package simd

import "github.com/attnbench/attnbench/kernels"

//go:generate go run -C _asm ./half -out ../half_amd64.s

type (
	widenFunc      func(dst *float32, src *uint16, n int)
	narrowFunc     func(dst *uint16, src *float32, n int)
	dequantiseFunc func(dst *float32, src *int8, n int, scale float32)
)

// widenOf leaves what fills no vector to Go.
func widenOf(f16, bf16 widenFunc, width int) func([]float32, []uint16, kernels.DType) {
	return func(dst []float32, src []uint16, t kernels.DType) {
		whole := len(src) / width * width
		if whole > 0 {
			if t == kernels.BFloat16 {
				bf16(&dst[0], &src[0], whole)
			} else {
				f16(&dst[0], &src[0], whole)
			}
		}
		widenGeneric(dst[whole:], src[whole:], t)
	}
}

func narrowOf(f16, bf16 narrowFunc, width int) func([]uint16, []float32, kernels.DType) {
	return func(dst []uint16, src []float32, t kernels.DType) {
		whole := len(src) / width * width
		if whole > 0 {
			if t == kernels.BFloat16 {
				bf16(&dst[0], &src[0], whole)
			} else {
				f16(&dst[0], &src[0], whole)
			}
		}
		narrowGeneric(dst[whole:], src[whole:], t)
	}
}

func dequantiseOf(dequantise dequantiseFunc, width int) func([]float32, []int8, float32) {
	return func(dst []float32, src []int8, scale float32) {
		whole := len(src) / width * width
		if whole > 0 {
			dequantise(&dst[0], &src[0], whole, scale)
		}
		dequantiseGeneric(dst[whole:], src[whole:], scale)
	}
}

//go:noescape
func widenF16AVX512(dst *float32, src *uint16, n int)

//go:noescape
func widenF16AVX2(dst *float32, src *uint16, n int)

//go:noescape
func widenBF16AVX512(dst *float32, src *uint16, n int)

//go:noescape
func widenBF16AVX2(dst *float32, src *uint16, n int)

//go:noescape
func narrowF16AVX512(dst *uint16, src *float32, n int)

//go:noescape
func narrowF16AVX2(dst *uint16, src *float32, n int)

//go:noescape
func narrowBF16AVX512(dst *uint16, src *float32, n int)

//go:noescape
func narrowBF16AVX2(dst *uint16, src *float32, n int)

//go:noescape
func dequantiseAVX512(dst *float32, src *int8, n int, scale float32)

//go:noescape
func dequantiseAVX2(dst *float32, src *int8, n int, scale float32)
