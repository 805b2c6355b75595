package kernels

import (
	"fmt"
	"math"
	"math/bits"
)

// A DType is the element type of a tensor. Whatever is stored, sums are
// accumulated in float32.
type DType uint8

const (
	Float32  DType = iota // IEEE 754 binary32
	Float16               // IEEE 754 binary16
	BFloat16              // the upper half of a binary32
	Int8                  // a byte times the scale of its block of keys, for K and V; see BlockKeys
)

var dtypeNames = []string{Float32: "float32", Float16: "float16", BFloat16: "bfloat16", Int8: "int8"}

// ParseDType reads an element type from its name.
func ParseDType(name string) (DType, error) {
	for t, n := range dtypeNames {
		if n == name {
			return DType(t), nil
		}
	}
	return 0, fmt.Errorf("dtype %q: want float32, float16, bfloat16, or int8 for K and V", name)
}

// String returns the name used in records.
func (t DType) String() string {
	if int(t) < len(dtypeNames) {
		return dtypeNames[t]
	}
	return fmt.Sprintf("dtype(%d)", uint8(t))
}

// Size returns the bytes of one element, without its share of a scale.
func (t DType) Size() int64 {
	switch t {
	case Float32:
		return 4
	case Int8:
		return 1
	}
	return 2
}

// Half reports whether elements are halves, which Widen and Narrow convert.
func (t DType) Half() bool { return t == Float16 || t == BFloat16 }

// Widen returns the value of a half's bits. It is exact.
func (t DType) Widen(half uint16) float32 {
	if t == BFloat16 {
		return math.Float32frombits(uint32(half) << 16)
	}
	sign, exponent, fraction := uint32(half&0x8000)<<16, uint32(half>>10&0x1f), uint32(half&0x3ff)
	switch {
	case exponent == 0x1f: // infinity or NaN
		return math.Float32frombits(sign | 0xff<<23 | fraction<<13)
	case exponent == 0 && fraction == 0:
		return math.Float32frombits(sign)
	case exponent == 0: // subnormal: shift its leading one to the implicit place
		shift := uint32(bits.LeadingZeros32(fraction)) - 21
		return math.Float32frombits(sign | (113-shift)<<23 | fraction<<shift&0x3ff<<13)
	}
	return math.Float32frombits(sign | (exponent+112)<<23 | fraction<<13)
}

// Narrow rounds to the nearest half, ties to even. A NaN keeps its leading
// payload and stays one.
func (t DType) Narrow(x float32) uint16 {
	b := math.Float32bits(x)
	sign, magnitude := uint16(b>>16&0x8000), b&0x7fffffff
	if t == BFloat16 {
		if x != x {
			return uint16(b>>16) | 0x40
		}
		return uint16((b + 0x7fff + b>>16&1) >> 16)
	}
	switch {
	case x != x:
		return sign | 0x7e00 | uint16(b>>13&0x3ff)
	case magnitude >= 0x477ff000: // 65520 and more round to infinity
		return sign | 0x7c00
	case magnitude < 0x38800000: // below 2^-14: a multiple of 2^-24
		return sign | uint16(math.RoundToEven(math.Abs(float64(x))*(1<<24)))
	}
	return sign | uint16((magnitude-112<<23+0xfff+magnitude>>13&1)>>13)
}
