package harness

import (
	"math"
	"time"
	"unsafe"

	"github.com/attnbench/attnbench/kernels"
	"github.com/attnbench/attnbench/kernels/peak"
)

// memoryBytes is what the bandwidth of memory is measured on, read once: a cache
// that many cores share may be larger, but holds little of what was written so
// long ago. Note: on a Xeon with 300 MiB of it, 640 MiB gave the same rate.
const memoryBytes = 256 << 20

// measureRead returns the rate in B/s at which threads together read so many
// bytes, each its part of them: once, or again and again for about as long as
// length after a first time.
func measureRead(threads int, bytes int64, length time.Duration) float64 {
	part := int(max(bytes/4/int64(threads)&^15, 16))
	buffer, free := allocPages(4 * part * threads)
	defer free()
	x := unsafe.Slice((*float32)(unsafe.Pointer(unsafe.SliceData(buffer))), part*threads)
	for i := 0; i < len(x); i += 1024 { // a page that was never written is shared and reads from cache
		x[i] = 1
	}
	read := readLoop()
	passes := func(n int) float64 {
		return together(threads, func(thread int) (bytes int64) {
			for range n {
				bytes += read(x[thread*part : (thread+1)*part])
			}
			return bytes
		})
	}
	rate := passes(1)
	if length > 0 {
		rate = passes(1 + int(length.Seconds()*rate/float64(4*len(x))))
	}
	return rate
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
