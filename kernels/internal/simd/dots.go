package simd

import "github.com/attnbench/attnbench/kernels"

// Dots computes S = Q·Kᵀ where K lies unpacked, which pays for few rows of Q:
// K is read once, at the rate of memory.
//
//	for i := range rows {
//		for j := range keys {
//			s[i*lds+j] = 0
//			for c := range depth {
//				s[i*lds+j] += Q[i][c] * K[j][c]
//			}
//		}
//	}
//
// The terms are added in an order of the variant's own, the same for every
// element and every element type, but one for up to two rows and another for more;
// depth is at most kernels.MaxHeadDim. S must not overlap Q or K. [Funcs.Weigh] and [Funcs.AddWeighted] follow.
func (f *Funcs) Dots(s []float32, lds int, q Queries, k *Pieces) {
	rows, depth := q.rows, q.depth
	if depth != k.cols || depth > kernels.MaxHeadDim {
		panic(errShape)
	}
	if !spans(s, lds, rows, k.rows) {
		panic(errShort)
	}
	if rows == 0 || k.rows == 0 {
		return
	}
	if depth == 0 {
		for i := range rows {
			clear(s[i*lds:][:k.rows])
		}
		return
	}
	if q.octets {
		f.octets(s, lds, q.x, k, rows, depth)
	} else {
		f.dots(s, lds, q.x, depth, k, rows, depth)
	}
}

func dotsGeneric(s []float32, lds int, q []float32, ldq int, k *Pieces, rows, depth int) {
	k.each(func(first int, k Stored, keys int) {
		if k.DType == kernels.Float32 {
			dotsFloats(s[first:], lds, q, ldq, k.Float32, k.LD, rows, keys, depth)
			return
		}
		widened(k, keys, depth, func(k []float32, from, n int) {
			dotsFloats(s[first+from:], lds, q, ldq, k, depth, rows, n, depth)
		})
	})
}

// dotsFloats keeps four sums of a quarter of the terms each.
func dotsFloats(s []float32, lds int, q []float32, ldq int, k []float32, ldk, rows, keys, depth int) {
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
