package model

import "math"

// A rope turns the pairs of a query's or key's head by angles that grow with
// its position (RoFormer, arXiv:2104.09864), so that their product depends on
// the distance only.
type rope struct {
	frequencies []float64 // of each pair: the angle of one position [headDim/2]
	interleaved bool      // a pair lies beside each other: 0 and 1, 2 and 3, …; else half a head apart
}

// A turn holds the angles of the positions of one pass.
type turn struct {
	*rope
	cos, sin []float32 // [n, headDim/2]
}

// from returns the angles of n positions from start.
func (r *rope) from(start, n int) turn {
	pairs := len(r.frequencies)
	t := turn{r, make([]float32, n*pairs), make([]float32, n*pairs)}
	for i := range n {
		for j, f := range r.frequencies {
			sin, cos := math.Sincos(float64(start+i) * f)
			t.sin[i*pairs+j], t.cos[i*pairs+j] = float32(sin), float32(cos)
		}
	}
	return t
}

// apply turns every head of the rows lo..hi of x [n, heads·headDim].
func (t turn) apply(x []float32, width, lo, hi int) {
	pairs := len(t.frequencies)
	first, second, stride := 0, pairs, 1
	if t.interleaved {
		second, stride = 1, 2
	}
	for i := lo; i < hi; i++ {
		cos, sin := t.cos[i*pairs:(i+1)*pairs], t.sin[i*pairs:(i+1)*pairs]
		for row := x[i*width : (i+1)*width]; len(row) > 0; row = row[2*pairs:] {
			for j := range pairs {
				a, b := &row[first+j*stride], &row[second+j*stride]
				*a, *b = *a*cos[j]-*b*sin[j], *b*cos[j]+*a*sin[j]
			}
		}
	}
}
