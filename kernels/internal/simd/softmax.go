package simd

import "math"

var negInf = float32(math.Inf(-1))

// RowMax finds the largest of each row of S, −Inf where there is none:
//
//	rowMax[i] = max(S[i][0], …, S[i][cols-1])
//
// NaN is passed over: it comes back in the row's sum.
func (f *Funcs) RowMax(s []float32, lds, rows, cols int, rowMax []float32) {
	if rows < 0 || cols < 0 {
		panic(errShape)
	}
	if !spans(s, lds, rows, cols) || len(rowMax) < rows {
		panic(errShort)
	}
	if rows > 0 {
		f.rowMax(s, lds, rows, cols, rowMax)
	}
}

func rowMaxGeneric(s []float32, lds, rows, cols int, rowMax []float32) {
	for i := range rows {
		m := negInf
		if cols > 0 {
			for _, x := range s[i*lds:][:cols] {
				if x > m {
					m = x
				}
			}
		}
		rowMax[i] = m
	}
}

// ExpSum replaces each row of S by its exponentials and adds up their sum:
//
//	S[i][j] = 2^(S[i][j] - shift[i])
//	sum[i] += S[i][0] + … + S[i][cols-1]
//
// S ≤ shift is expected, as of a row's maximum, which leaves the exponent at
// most zero; beyond 127 the result is unspecified. Each power is within 2 ulp,
// 2.4e-7 of itself, and exact for 0; below 2^-126 it may be less, down to zero.
// −Inf gives exactly zero, and NaN is kept. A shift of −Inf, that of a row
// without a visible key, would make it NaN: pass 0 instead.
func (f *Funcs) ExpSum(s []float32, lds, rows, cols int, shift, sum []float32) {
	if rows < 0 || cols < 0 {
		panic(errShape)
	}
	if !spans(s, lds, rows, cols) || len(shift) < rows || len(sum) < rows {
		panic(errShort)
	}
	if rows > 0 && cols > 0 {
		f.expSum(s, lds, rows, cols, shift, sum)
	}
}

func expSumGeneric(s []float32, lds, rows, cols int, shift, sum []float32) {
	for i := range rows {
		row, m, total := s[i*lds:][:cols], shift[i], float32(0)
		for j, x := range row {
			row[j] = exp2(x - m)
			total += row[j]
		}
		sum[i] += total
	}
}

// exp2 is 2^x for x ≤ 127 or NaN. It splits x = k + r for the nearest whole k,
// which x + magic holds in its low bits with the bias of an exponent, and
// multiplies 2^k by a minimax polynomial of degree five for 2^r, within 1.1e-7
// on |r| ≤ 1/2. An x of −127 or less gives zero.
func exp2(x float32) float32 {
	const magic = 1.5*(1<<23) + 127
	if x < -127 {
		x = -127
	}
	y := float32(x + magic)
	r := x - float32(y-magic)
	p := float32(0x1.5bba14p-10)
	p = p*r + 0x1.3cea88p-7
	p = p*r + 0x1.c6b752p-5
	p = p*r + 0x1.ebf9bcp-3
	p = p*r + 0x1.62e42ap-1
	p = p*r + 1
	return p * math.Float32frombits(math.Float32bits(y)<<23)
}

// Scale computes rows of a multiple, also in place:
//
//	dst[i][j] = alpha[i] * src[i][j]
//
// It reports whether every float of the result is finite.
func (f *Funcs) Scale(dst []float32, ldd int, src []float32, lds, rows, cols int, alpha []float32) (finite bool) {
	if rows < 0 || cols < 0 {
		panic(errShape)
	}
	if !spans(dst, ldd, rows, cols) || !spans(src, lds, rows, cols) || len(alpha) < rows {
		panic(errShort)
	}
	return rows == 0 || cols == 0 || f.scale(dst, ldd, src, lds, rows, cols, alpha)
}

func scaleGeneric(dst []float32, ldd int, src []float32, lds, rows, cols int, alpha []float32) (finite bool) {
	var sum float32
	for i := range rows {
		to, a := dst[i*ldd:][:cols], alpha[i]
		for j, x := range src[i*lds:][:len(to)] {
			to[j] = a * x
			sum += 0 * to[j] // NaN unless it is finite
		}
	}
	return sum == 0
}
