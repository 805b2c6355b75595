package simd

import "unsafe"

// An Ahead says what will be read next from memory, so that it is on its way
// meanwhile. Its zero value stands for what follows the operand.
//
// Note: an address and not a pointer, for it may lie beyond what it began in:
// fetching can't fault, and nothing reads there.
type Ahead struct{ at uintptr }

// Floats is an Ahead of x, Halves one of halves.
func Floats(x []float32) Ahead { return Ahead{uintptr(unsafe.Pointer(unsafe.SliceData(x)))} }

// Halves: see Floats.
func Halves(x []uint16) Ahead { return Ahead{uintptr(unsafe.Pointer(unsafe.SliceData(x)))} }

// from returns where fetching begins during work on x.
func (a Ahead) from(x []float32) uintptr {
	const distance = 6144 // bytes
	if a.at == 0 {
		return Floats(x).at + distance
	}
	return a.at
}

func (a Ahead) plus(bytes int) Ahead {
	if a.at != 0 {
		a.at += uintptr(bytes)
	}
	return a
}

// Dots computes S = Q·Kᵀ where K lies unpacked, which pays for few rows of Q:
// K is read once, at the rate of memory.
//
//	for i := range rows {
//		for j := range keys {
//			s[i*lds+j] = 0
//			for c := range depth {
//				s[i*lds+j] += q[i*ldq+c] * k[j*ldk+c]
//			}
//		}
//	}
//
// The terms are added in an order of the variant's own, the same for every
// element. S must not overlap Q or K. The product with V that follows is
// [Funcs.Attend] or [Funcs.MulAdd] with V in place. As many bytes of ahead as K
// has are fetched into cache meanwhile.
func (f *Funcs) Dots(s []float32, lds int, q []float32, ldq int, k []float32, ldk, rows, keys, depth int, ahead Ahead) {
	if rows < 0 || keys < 0 || depth < 0 {
		panic(errShape)
	}
	if !spans(s, lds, rows, keys) || !spans(q, ldq, rows, depth) || !spans(k, ldk, keys, depth) {
		panic(errShort)
	}
	if keys == 0 {
		return
	}
	if depth == 0 {
		for i := range rows {
			clear(s[i*lds:][:keys])
		}
		return
	}
	// Where all rows can't be had at once, the others find the keys in the
	// first-level cache.
	const block = 32
	for ; keys > block && rows > 1; keys -= block {
		f.dots(s, lds, q, ldq, k, ldk, rows, block, depth, ahead)
		s, k, ahead = s[block:], k[block*ldk:], ahead.plus(4*block*ldk)
	}
	if rows > 0 {
		f.dots(s, lds, q, ldq, k, ldk, rows, keys, depth, ahead)
	}
}

// dotsGeneric keeps four sums of a quarter of the terms each.
func dotsGeneric(s []float32, lds int, q []float32, ldq int, k []float32, ldk, rows, keys, depth int, _ Ahead) {
	for j := range keys {
		y := k[j*ldk:][:depth]
		for i := range rows {
			s[i*lds+j] = dot(q[i*ldq:][:depth], y)
		}
	}
}

func dot(x, y []float32) float32 {
	var s0, s1, s2, s3 float32
	y = y[:len(x)]
	for len(x) >= 4 && len(y) >= 4 {
		s0 += x[0] * y[0]
		s1 += x[1] * y[1]
		s2 += x[2] * y[2]
		s3 += x[3] * y[3]
		x, y = x[4:], y[4:]
	}
	for i := range x {
		s0 += x[i] * y[i]
	}
	return (s0 + s2) + (s1 + s3)
}
