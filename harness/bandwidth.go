package harness

import (
	"context"
	"math"
	"unsafe"
)

// readBytes is the buffer that the bandwidth is measured on: well above the
// cache that a few cores share on any machine of today.
const readBytes = 256 << 20

// measureRead returns the rate in B/s at which threads together read memory.
func measureRead(ctx context.Context, threads int) float64 {
	buffer, free := allocPages(readBytes)
	defer free()
	words := unsafe.Slice((*uint64)(unsafe.Pointer(unsafe.SliceData(buffer))), readBytes/8)
	part := len(words) / threads &^ 7
	for i := 0; i < len(words); i += 512 { // a page that was never written is shared and reads from cache
		words[i] = uint64(i)
	}
	best := 0.0
	for trial := 0; trial < 4 && ctx.Err() == nil; trial++ {
		best = max(best, together(threads, func(thread int) int64 {
			mine := words[thread*part : (thread+1)*part]
			keep(math.Float32frombits(uint32(sumWords(mine))))
			return int64(len(mine)) * 8
		}))
	}
	return best
}

// sumWords adds up words, whose number is a multiple of 8; four sums and
// 64 bytes a turn keep up with memory even in scalar code.
func sumWords(words []uint64) uint64 {
	var s0, s1, s2, s3 uint64
	for ; len(words) >= 8; words = words[8:] {
		w := (*[8]uint64)(words)
		s0, s1 = s0+w[0]+w[4], s1+w[1]+w[5]
		s2, s3 = s2+w[2]+w[6], s3+w[3]+w[7]
	}
	return s0 + s1 + s2 + s3
}
