package safetensors

import (
	"encoding/binary"
	"fmt"
	"io"
	"math"

	"github.com/attnbench/attnbench/model/internal/brief"
)

// Floats reads tensor name, which must have the wanted shape, and widens it to
// float32. F32, F16 and BF16 can be read; each widens exactly.
func (w *File) Floats(name string, shape ...int) ([]float32, error) {
	info, ok := w.Tensors[name]
	if !ok {
		return nil, fmt.Errorf("%s: no tensor %q", w.Name, name)
	}
	if !sameShape(info.Shape, shape) {
		return nil, fmt.Errorf("%s: tensor %q of shape %s: must be %v", w.Name, name, brief.List(info.Shape), shape)
	}
	widen, ok := wideners[info.DType]
	if !ok {
		return nil, fmt.Errorf("%s: tensor %q of dtype %s: must be F32, F16 or BF16", w.Name, name, info.DType)
	}
	dst := make([]float32, (info.Offsets[1]-info.Offsets[0])/dtypeSizes[info.DType])
	r := io.NewSectionReader(w.data, w.start+info.Offsets[0], info.Offsets[1]-info.Offsets[0])
	if err := readFloats(dst, r, int(dtypeSizes[info.DType]), widen); err != nil {
		return nil, fmt.Errorf("%s: tensor %q: %w", w.Name, name, err)
	}
	return dst, nil
}

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

// readFloats fills dst from elements of size bytes, a buffer at a time.
func readFloats(dst []float32, r io.Reader, size int, widen func(dst []float32, src []byte)) error {
	buf := make([]byte, 1<<16)
	for len(dst) > 0 {
		n := min(len(dst), len(buf)/size)
		if _, err := io.ReadFull(r, buf[:n*size]); err != nil {
			return err
		}
		widen(dst[:n], buf)
		dst = dst[n:]
	}
	return nil
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
