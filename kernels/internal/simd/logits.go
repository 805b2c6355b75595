package simd

import "math"

// Softcap caps scores smoothly, in place:
//
//	S[i][j] = out·tanh(S[i][j]·in)
//
// Each is within 4 ulp of out·tanh(y) for the rounded y = S[i][j]·in. NaN is
// kept.
func (f *Funcs) Softcap(s []float32, lds, rows, cols int, in, out float32) {
	if rows < 0 || cols < 0 {
		panic(errShape)
	}
	if !spans(s, lds, rows, cols) {
		panic(errShort)
	}
	if rows > 0 && cols > 0 {
		f.softcap(s, lds, rows, cols, in, out)
	}
}

func softcapGeneric(s []float32, lds, rows, cols int, in, out float32) {
	for i := range rows {
		row := s[i*lds:][:cols]
		for j, x := range row {
			row[j] = out * float32(math.Tanh(float64(x*in)))
		}
	}
}

// Bias subtracts from scores what grows with the distance of their keys, in
// place:
//
//	S[i][j] -= slope[i]·|first[i]+j|
//
// where first[i] is how far the first key lies behind the row's query, negative
// before it.
func (f *Funcs) Bias(s []float32, lds, rows, cols int, slope []float32, first []int32) {
	if rows < 0 || cols < 0 {
		panic(errShape)
	}
	if !spans(s, lds, rows, cols) || len(slope) < rows || len(first) < rows {
		panic(errShort)
	}
	if rows > 0 && cols > 0 {
		f.bias(s, lds, rows, cols, slope, first)
	}
}

func biasGeneric(s []float32, lds, rows, cols int, slope []float32, first []int32) {
	for i := range rows {
		row, d := s[i*lds:][:cols], first[i]
		for j := range row {
			row[j] -= slope[i] * float32(max(d, -d))
			d++
		}
	}
}
