package simd

import "github.com/attnbench/attnbench/kernels"

// Widen converts halves of type t, which is not Float32, to floats, exactly:
//
//	dst[i] = t.Widen(src[i])
//
// A NaN stays one, but may be made quiet.
func (f *Funcs) Widen(dst []float32, src []uint16, t kernels.DType) {
	if len(dst) < len(src) {
		panic(errShort)
	}
	f.widen(dst, src, t)
}

// Narrow rounds floats to halves of type t, which is not Float32, to nearest,
// ties to even:
//
//	dst[i] = t.Narrow(src[i])
//
// A NaN stays one.
func (f *Funcs) Narrow(dst []uint16, src []float32, t kernels.DType) {
	if len(dst) < len(src) {
		panic(errShort)
	}
	f.narrow(dst, src, t)
}

// Dequantise converts bytes to floats:
//
//	dst[i] = scale * float32(src[i])
func (f *Funcs) Dequantise(dst []float32, src []int8, scale float32) {
	if len(dst) < len(src) {
		panic(errShort)
	}
	f.dequantise(dst, src, scale)
}

func dequantiseGeneric(dst []float32, src []int8, scale float32) {
	dst = dst[:len(src)]
	for i, x := range src {
		dst[i] = scale * float32(x)
	}
}

func widenGeneric(dst []float32, src []uint16, t kernels.DType) {
	for i, h := range src {
		dst[i] = t.Widen(h)
	}
}

func narrowGeneric(dst []uint16, src []float32, t kernels.DType) {
	for i, x := range src {
		dst[i] = t.Narrow(x)
	}
}
