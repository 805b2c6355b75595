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
