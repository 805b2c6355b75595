package simd

import "github.com/attnbench/attnbench/kernels"

// Weigh is the first half of [Funcs.Attend] for up to [MaxRows] rows, of
// which it finds the maxima itself: it moves the state to the new maxima,
// multiplies O by the factors that follow, and turns S into P.
//
//	Max[i] = max(S[i][0], …, S[i][keys-1])
//	m := max(RowMax[i], Max[i])
//	P[i][j] = 2^(S[i][j] - m)
//	RowSum[i] = 2^(RowMax[i]-m)*RowSum[i] + P[i][0] + … + P[i][keys-1]
//	O[i] = 2^(RowMax[i]-m)*O[i]
//	RowMax[i] = m
//
// [Funcs.AddWeighted] adds P·V. Before the first key O is not read but set to
// zero. What is said of Attend holds here too.
func (f *Funcs) Weigh(o []float32, ldo int, s []float32, lds, rows, keys, cols int, st *State) {
	if f.rise(o, ldo, s, lds, rows, keys, cols, 1, st) {
		f.expSum(s, lds, rows, keys, st.shift[:], st.RowSum)
	}
}

// rise moves the state to the maxima of scores that are yet to be scaled, and O
// with it. It reports whether there are any.
func (f *Funcs) rise(o []float32, ldo int, s []float32, lds, rows, keys, cols int, scale float32, st *State) bool {
	if rows < 0 || rows > MaxRows || keys < 0 || cols < 0 {
		panic(errShape)
	}
	if len(st.RowMax) < rows || len(st.RowSum) < rows || !spans(s, lds, rows, keys) || !spans(o, ldo, rows, cols) {
		panic(errShort)
	}
	if rows == 0 || keys == 0 {
		return false
	}
	f.rowMax(s, lds, rows, keys, st.Max[:])
	for i := range rows {
		st.Max[i] *= scale
	}
	fresh := f.rescale(st, rows)
	for i, alpha := range st.alpha[:rows] {
		switch {
		case cols == 0:
		case fresh>>i&1 != 0:
			clear(o[i*ldo:][:cols])
		case alpha != 1:
			f.scale(o[i*ldo:], 0, o[i*ldo:], 0, 1, cols, st.alpha[i:])
		}
	}
	return true
}

// AddWeighted computes O += P·V where V lies unpacked, for few rows:
//
//	for i := range rows {
//		for c := range cols {
//			for j := range keys {
//				o[i*ldo+c] += p[i*ldp+j] * V[j][c]
//			}
//		}
//	}
//
// Sums run in the order of the keys, each step fused where the instruction set
// has it, as those of [Funcs.MulAdd] do. V has cols columns, at most kernels.MaxHeadDim
// of halves. O must not overlap P or V.
func (f *Funcs) AddWeighted(o []float32, ldo int, p []float32, ldp int, v *Pieces, rows int) {
	cols := v.cols
	if rows < 0 || v.dtype != kernels.Float32 && cols > kernels.MaxHeadDim {
		panic(errShape)
	}
	if !spans(o, ldo, rows, cols) || !spans(p, ldp, rows, v.rows) {
		panic(errShort)
	}
	if rows > 0 && v.rows > 0 && cols > 0 {
		f.weighted(o, ldo, p, ldp, v, rows, cols)
	}
}

func weightedGeneric(o []float32, ldo int, p []float32, ldp int, v *Pieces, rows, cols int) {
	add := func(v []float32, ld, first, n int) {
		for i := 0; i < rows; i += genericRows {
			mulGeneric(o[i*ldo:], ldo, p[i*ldp+first:], ldp, Panels{Data: v, LD: apart(ld), Panel: genericCols}, min(genericRows, rows-i), n, cols, ones[:])
		}
	}
	v.each(func(first int, v Stored, keys int) {
		if v.DType == kernels.Float32 {
			add(v.Float32, v.LD, first, keys)
			return
		}
		widened(v, keys, cols, func(v []float32, from, n int) { add(v, cols, first+from, n) })
	})
}
