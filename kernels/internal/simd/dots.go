package simd

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
// [Funcs.Attend] or [Funcs.MulAdd] with V in place.
func (f *Funcs) Dots(s []float32, lds int, q []float32, ldq int, k []float32, ldk, rows, keys, depth int) {
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
		f.dots(s, lds, q, ldq, k, ldk, rows, block, depth)
		s, k = s[block:], k[block*ldk:]
	}
	if rows > 0 {
		f.dots(s, lds, q, ldq, k, ldk, rows, keys, depth)
	}
}

// dotsGeneric keeps four sums of a quarter of the terms each.
func dotsGeneric(s []float32, lds int, q []float32, ldq int, k []float32, ldk, rows, keys, depth int) {
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
