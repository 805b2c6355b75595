package cpu

import (
	"syscall"
	"unsafe"
)

const (
	hugePage     = 2 << 20
	madvHugePage = 14 // MADV_HUGEPAGE of madvise(2)
)

// AdviseHugePages asks for huge pages under the part of x that can have them.
// A refusal costs speed, not correctness, so it is not reported.
func AdviseHugePages(x []float32) {
	if len(x) == 0 {
		return
	}
	start := uintptr(unsafe.Pointer(&x[0]))
	lo := (start + hugePage - 1) / hugePage * hugePage
	hi := (start + 4*uintptr(len(x))) / hugePage * hugePage
	if lo >= hi {
		return
	}
	at := (lo - start) / 4
	bytes := unsafe.Slice((*byte)(unsafe.Pointer(&x[at])), int(hi-lo))
	_ = syscall.Madvise(bytes, madvHugePage)
}
