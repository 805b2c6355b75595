package cpu

import (
	"errors"
	"fmt"
	"unsafe"
)

// Floats returns n zeroed floats of workspace, already backed by memory (huge
// pages where the system grants them), so that no timed call pays for first
// touch. It refuses what exceeds the memory that the system says is available.
func (p *Plan) Floats(n int) ([]float32, error) {
	bytes := 4 * int64(n)
	if have := availableBytes(); p.bytes+bytes > have {
		return nil, fmt.Errorf("%s: workspace of %d bytes: this machine has %d available: %w",
			p.name, p.bytes+bytes, have, errors.ErrUnsupported)
	}
	p.bytes += bytes
	x := alignedFloats(n)
	adviseHugePages(x)
	const page = 4096 / 4
	for i := 0; i < n; i += page {
		x[i] = 0
	}
	return x, nil
}

// alignedFloats returns n floats from the start of a cache line on.
func alignedFloats(n int) []float32 {
	const line = 64
	x := make([]float32, n+line/4)
	off := -int(uintptr(unsafe.Pointer(&x[0]))/4) & (line/4 - 1)
	return x[off : off+n : off+n]
}
