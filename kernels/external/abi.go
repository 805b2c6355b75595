package external

import (
	"runtime"
	"unsafe"
)

// What attnbench.h defines. A test holds the structures to what a C compiler
// makes of it. Pointers are addresses: whoever fills one in keeps what it points
// to alive, and pins it.
const (
	abiVersion = 1
	entryPoint = "attnbench_kernels"

	ok          = 0
	unsupported = 1

	flagRows   = 1
	flagNoLSE  = 2
	knownFlags = flagRows | flagNoLSE
)

type interval struct{ lo, hi int64 }

type problem struct {
	size                                        uintptr
	batch, heads, kvHeads, qLen, kvLen, headDim int64
	dtype, kvDType, pageSize                    int64
	scale, softcap                              float64
	alibi                                       uintptr // []float32
	sinkLogits                                  int64
	causal, windowLeft, windowRight, sinks      int64
	keyLens                                     uintptr // []int64
	packed, blockSize                           int64
	intervals, first, count                     uintptr // []interval, []int64, []int64
	batchRows                                   int64
	position                                    uintptr // []int64
}

type tensor struct {
	size                               uintptr
	data                               uintptr
	dtype                              int64
	batch, heads, length, dim          int64
	batchStride, headStride, rowStride int64
	pageSize                           int64
	pages                              uintptr // []int32
	scales                             uintptr // []float32
	scaleStride                        int64
}

type operands struct {
	size            uintptr
	q, k, v, o      uintptr // *tensor
	lse, sinkLogits uintptr // []float32
}

type table struct {
	size                             uintptr
	name, description                uintptr
	flags                            uint64
	supports, plan, bind, run, close uintptr
	workspace, isa, roundsWeights    uintptr
	fetch, elapsed                   uintptr
}

// required is the size of what every kernel has.
const required = unsafe.Offsetof(table{}.workspace)

// address pins x, the first of a slice or a structure, and returns where it is.
func address[T any](pins *runtime.Pinner, x *T) uintptr {
	if x == nil {
		return 0
	}
	pins.Pin(x)
	return uintptr(unsafe.Pointer(x))
}

// slice is address of the elements of x, 0 where it has none.
func slice[T any](pins *runtime.Pinner, x []T) uintptr {
	if len(x) == 0 {
		return 0
	}
	return address(pins, unsafe.SliceData(x))
}

// pointer is an address that C gave, or one of memory that is pinned.
func pointer(addr uintptr) unsafe.Pointer { return *(*unsafe.Pointer)(unsafe.Pointer(&addr)) }

func flag(set bool) int64 {
	if set {
		return 1
	}
	return 0
}
