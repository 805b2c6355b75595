package kernels

import (
	"math"
	"math/rand/v2"
	"testing"
)

// value16 is the definition of binary16 and of bfloat16, in float64.
func value16(t DType, h uint16) float64 {
	fractionBits, bias := 10, 15
	if t == BFloat16 {
		fractionBits, bias = 7, 127
	}
	exponent, fraction := int(h&0x7fff)>>fractionBits, float64(int(h)&(1<<fractionBits-1))
	sign := 1 - 2*float64(h>>15)
	one := math.Ldexp(1, fractionBits)
	switch {
	case exponent == 1<<(15-fractionBits)-1 && fraction != 0:
		return math.NaN()
	case exponent == 1<<(15-fractionBits)-1:
		return sign * math.Inf(1)
	case exponent == 0:
		return sign * math.Ldexp(fraction/one, 1-bias)
	}
	return sign * math.Ldexp(1+fraction/one, exponent-bias)
}

func TestEveryHalf(t *testing.T) {
	for _, dt := range []DType{Float16, BFloat16} {
		for h := range 1 << 16 {
			got, want := dt.Widen(uint16(h)), value16(dt, uint16(h))
			if float64(got) != want && !(got != got && math.IsNaN(want)) || math.Signbit(float64(got)) != (h>>15 == 1) {
				t.Fatalf("%v %#04x widens to %v, want %v", dt, h, got, want)
			}
			if again := dt.Narrow(got); again != uint16(h) && got == got || got != got && dt.Widen(again) == dt.Widen(again) {
				t.Fatalf("%v %#04x comes back as %#04x", dt, h, again)
			}
		}
	}
}

// TestNarrowIsNearest takes values between neighbours, ties among them.
func TestNarrowIsNearest(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 7))
	for _, dt := range []DType{Float16, BFloat16} {
		for h := range uint16(0x7bff) {
			lo, hi := value16(dt, h), value16(dt, h+1)
			if math.IsInf(hi, 1) || math.IsNaN(hi) {
				break
			}
			for _, f := range []float64{0.5, 0.49, 0.51, r.Float64()} {
				x := float32(lo + f*(hi-lo))
				want := h
				if up, down := hi-float64(x), float64(x)-lo; up < down || up == down && h&1 == 1 {
					want = h + 1
				}
				if got := dt.Narrow(x); got != want {
					t.Fatalf("%v: %v narrows to %#04x, want %#04x", dt, x, got, want)
				}
				if got := dt.Narrow(-x); got != want|0x8000 {
					t.Fatalf("%v: %v narrows to %#04x", dt, -x, got)
				}
			}
		}
	}
	if Float16.Narrow(65519) != 0x7bff || Float16.Narrow(65520) != 0x7c00 || BFloat16.Narrow(math.MaxFloat32) != 0x7f80 {
		t.Error("overflow is not to the nearest")
	}
}
