package simd

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/attnbench/attnbench/kernels"
)

var halves = []kernels.DType{kernels.Float16, kernels.BFloat16}

// Every half is widened as the contract says, and comes back.
func TestWidenNarrowAll(t *testing.T) {
	eachVariant(t, func(t *testing.T, f *Funcs) {
		for _, dtype := range halves {
			src, x, back := make([]uint16, 1<<16), make([]float32, 1<<16), make([]uint16, 1<<16)
			for i := range src {
				src[i] = uint16(i)
			}
			f.Widen(x, src, dtype)
			f.Narrow(back, x, dtype)
			for i, h := range src {
				if want := dtype.Widen(h); !same(x[i], want) {
					t.Fatalf("%v %#04x is %g, want %g", dtype, h, x[i], want)
				}
				if isNaN := x[i] != x[i]; !isNaN && back[i] != h || isNaN && dtype.Widen(back[i]) == dtype.Widen(back[i]) {
					t.Fatalf("%v %#04x came back as %#04x", dtype, h, back[i])
				}
			}
		}
	})
}

// Floats between halves, at ties and beyond the range are rounded as the
// contract says; every NaN stays one.
func TestNarrow(t *testing.T) {
	stride := uint32(1009)
	if testing.Short() {
		stride = 10007
	}
	eachVariant(t, func(t *testing.T, f *Funcs) {
		for _, dtype := range halves {
			x, got := make([]float32, 0, 4096), make([]uint16, 4096) // flushed while two still fit
			flush := func() {
				f.Narrow(got, x, dtype)
				for i, v := range x {
					want := dtype.Narrow(v)
					if v != v && dtype.Widen(got[i]) != dtype.Widen(got[i]) {
						continue
					}
					if got[i] != want {
						t.Fatalf("%v: %g (%#x) is %#04x, want %#04x", dtype, v, math.Float32bits(v), got[i], want)
					}
				}
				x = x[:0]
			}
			for bits := uint64(0); bits < 1<<32; bits += uint64(stride) {
				if x = append(x, math.Float32frombits(uint32(bits))); len(x) == cap(x)-1 {
					flush()
				}
			}
			for bits := uint32(0); bits < 1<<16; bits++ { // ties
				if x = append(x, math.Float32frombits(bits<<16|0x8000), math.Float32frombits(bits<<16|0x1000)); len(x) >= cap(x)-1 {
					flush()
				}
			}
			flush()
		}
	})
}

func TestWidenEnds(t *testing.T) {
	eachVariant(t, func(t *testing.T, f *Funcs) {
		for n := range 3*f.Width + 2 {
			for _, dtype := range halves {
				src, x := make([]uint16, n), make([]float32, n+1)
				for i := range src {
					src[i] = uint16(0x3c00 + i)
				}
				x[n] = -1
				f.Widen(x, src, dtype)
				back := make([]uint16, n+1)
				back[n] = 7
				f.Narrow(back, x[:n], dtype)
				if x[n] != -1 || back[n] != 7 {
					t.Fatalf("%v: wrote beyond %d numbers", dtype, n)
				}
				if fmt.Sprint(back[:n]) != fmt.Sprint(src) {
					t.Fatalf("%v: %d numbers came back as %v", dtype, n, back[:n])
				}
			}
		}
		mustPanic(t, func() { f.Widen(make([]float32, 1), make([]uint16, 2), kernels.Float16) })
		mustPanic(t, func() { f.Narrow(make([]uint16, 1), make([]float32, 2), kernels.Float16) })
	})
}

// Bytes are multiplied by their scale as the twin does it, whatever the scale,
// and nothing is written beyond them.
func TestDequantise(t *testing.T) {
	eachVariant(t, func(t *testing.T, f *Funcs) {
		for n := range 5*f.Width + 2 {
			testDequantise(t, f, n, 0.37, uint64(n))
		}
		for _, scale := range []float32{0, 1, -2, 0x1p-149, 1e38, float32(math.Inf(1)), float32(math.NaN())} {
			testDequantise(t, f, 1000, scale, 7)
		}
		mustPanic(t, func() { f.Dequantise(make([]float32, 1), make([]int8, 2), 1) })
	})
}

func testDequantise(t *testing.T, f *Funcs, n int, scale float32, seed uint64) {
	t.Helper()
	r := rand.New(rand.NewPCG(seed, 3))
	src, x := make([]int8, n), make([]float32, n+1)
	for i := range src {
		src[i] = int8(r.Uint32())
	}
	x[n] = -1
	f.Dequantise(x, src, scale)
	for i, b := range src {
		if want := scale * float32(b); !same(x[i], want) {
			t.Fatalf("isa=%s: byte %d of %d, %d·%g, is %g, want %g", f.Name, i, n, b, scale, x[i], want)
		}
	}
	if x[n] != -1 {
		t.Fatalf("isa=%s: wrote beyond %d bytes", f.Name, n)
	}
}

func FuzzDequantise(f *testing.F) {
	f.Add(uint64(1), uint16(100), float32(0.5))
	f.Add(uint64(2), uint16(17), float32(math.NaN()))
	f.Fuzz(func(t *testing.T, seed uint64, n uint16, scale float32) {
		for _, v := range variants {
			if v.available {
				testDequantise(t, v, int(n%4096), scale, seed)
			}
		}
	})
}
