package harness

import (
	"context"
	"math"
	"unsafe"

	"github.com/attnbench/attnbench/kernels"
	"github.com/attnbench/attnbench/kernels/peak"
)

// readBytes is the buffer that the bandwidth is measured on: well above the
// cache that a few cores share on any machine of today.
const readBytes = 256 << 20

// measureRead returns rates in B/s at which threads together read memory.
func measureRead(ctx context.Context, threads, count int) []float64 {
	buffer, free := allocPages(readBytes)
	defer free()
	x := unsafe.Slice((*float32)(unsafe.Pointer(unsafe.SliceData(buffer))), readBytes/4)
	for i := 0; i < len(x); i += 1024 { // a page that was never written is shared and reads from cache
		x[i] = 1
	}
	read, part := readLoop(), len(x)/threads&^15
	var rates []float64
	for range count {
		if ctx.Err() == nil {
			rates = append(rates, together(threads, func(thread int) int64 { return read(x[thread*part : (thread+1)*part]) }))
		}
	}
	return rates
}

// readLoop returns the loop of the best ISA, for scalar code may not keep up
// with memory.
func readLoop() func(x []float32) (bytes int64) {
	if isa, err := kernels.SelectISA(""); err == nil {
		if loop := peak.Read(isa); loop != nil {
			return loop
		}
	}
	return readWords
}

// readWords reads x, a multiple of 16 floats, in words of eight bytes: four
// sums and 64 bytes a turn.
func readWords(x []float32) (bytes int64) {
	words := unsafe.Slice((*uint64)(unsafe.Pointer(unsafe.SliceData(x))), len(x)/2)
	var s0, s1, s2, s3 uint64
	for ; len(words) >= 8; words = words[8:] {
		w := (*[8]uint64)(words)
		s0, s1 = s0+w[0]+w[4], s1+w[1]+w[5]
		s2, s3 = s2+w[2]+w[6], s3+w[3]+w[7]
	}
	keep(math.Float32frombits(uint32(s0 + s1 + s2 + s3)))
	return 4 * int64(len(x))
}
