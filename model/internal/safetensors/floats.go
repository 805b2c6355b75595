package safetensors

import (
	"encoding/binary"
	"math"
)

func sameShape(have []int64, want []int) bool {
	if len(have) != len(want) {
		return false
	}
	for i := range have {
		if have[i] != int64(want[i]) {
			return false
		}
	}
	return true
}

// wideners turn little-endian elements into float32.
var wideners = map[string]func(dst []float32, src []byte){
	"F32": func(dst []float32, src []byte) {
		for i := range dst {
			dst[i] = math.Float32frombits(binary.LittleEndian.Uint32(src[4*i:]))
		}
	},
	"BF16": func(dst []float32, src []byte) {
		for i := range dst {
			dst[i] = math.Float32frombits(uint32(binary.LittleEndian.Uint16(src[2*i:])) << 16)
		}
	},
	"F16": func(dst []float32, src []byte) {
		for i := range dst {
			dst[i] = widenHalf(binary.LittleEndian.Uint16(src[2*i:]))
		}
	},
}

// widenHalf returns the value of an IEEE 754 binary16: sign, 5 bits of exponent
// with bias 15, 10 bits of fraction.
func widenHalf(h uint16) float32 {
	sign, exp, frac := uint32(h>>15)<<31, uint32(h>>10&31), uint32(h&1023)
	switch exp {
	case 0: // zero or subnormal: frac·2⁻²⁴, exact in float32
		return math.Float32frombits(sign | math.Float32bits(float32(frac)*0x1p-24))
	case 31: // infinity or NaN, whose payload is kept
		return math.Float32frombits(sign | 0x7F800000 | frac<<13)
	}
	return math.Float32frombits(sign | (exp+127-15)<<23 | frac<<13)
}
