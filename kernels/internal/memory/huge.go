package memory

import "unsafe"

// hugePage is the size of a huge page, on most machines.
const hugePage = 2 << 20

// Zeroed returns n zeros, in huge pages where the system grants them: to touch a
// large buffer for the first time then costs a fraction, and to read it does not
// wait for the translation of addresses. What fills half of such a page begins
// with one.
func Zeroed[T float32 | uint16 | int8](n int) []T {
	size := int(unsafe.Sizeof(T(0)))
	if n < hugePage/2/size {
		return make([]T, n)
	}
	whole := (n*size + hugePage - 1) / hugePage * hugePage
	x := make([]T, (whole+hugePage)/size)
	at := int(-uintptr(unsafe.Pointer(&x[0]))%hugePage) / size
	advise(unsafe.Slice((*byte)(unsafe.Pointer(&x[at])), whole))
	return x[at : at+n : at+n]
}
