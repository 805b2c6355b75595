package simd

// A State is the online softmax (arXiv 1805.02867) of one block of rows: what
// the keys so far come to, and what the next ones bring.
type State struct {
	// RowMax and RowSum are the running maximum of each row's scores and the
	// sum of their exponentials; −Inf and 0 before the first key. Scores are
	// in units of ln 2, so that lse = (RowMax + log₂ RowSum)·ln 2.
	RowMax, RowSum []float32
	// Max is the maximum of each row of the next S: [Funcs.MulMax] writes it,
	// or [Funcs.RowMax] where S was masked after its product.
	Max [MaxRows]float32

	shift, alpha [MaxRows]float32
}

// Attend takes the keys of one S into a block of rows of O, unnormalised:
//
//	m := max(RowMax[i], Max[i])
//	P[i][j] = 2^(S[i][j] - m)
//	RowSum[i] = 2^(RowMax[i]-m)*RowSum[i] + P[i][0] + … + P[i][keys-1]
//	O[i] = 2^(RowMax[i]-m)*O[i] + P[i]·V
//	RowMax[i] = m
//
// S, rows × keys, is lost. V has cols columns. O need not be set before the
// first key: a row whose RowMax is −Inf is not read. A row that is still −Inf
// after it becomes zero. What is said of [Funcs.ExpSum] and of sums in
// [Funcs.Mul] holds here too.
//
// A masked score is −Inf and its weight zero, but zero times a V that is not
// finite is NaN: a caller must leave masked keys out, or mend rows that came out
// so, which [Funcs.Scale] tells.
func (f *Funcs) Attend(o []float32, ldo int, s []float32, lds int, v Panels, rows, keys, cols int, st *State) {
	if len(st.RowMax) < rows || len(st.RowSum) < rows || !spans(s, lds, rows, keys) {
		panic(errShort)
	}
	if keys <= 0 || !f.checkProduct(o, ldo, s, lds, v, rows, keys, cols) {
		return
	}
	var beta []float32
	if fresh := f.rescale(st, rows); fresh != 1<<rows-1 {
		beta = st.alpha[:]
		for i := range rows {
			if fresh>>i&1 != 0 {
				clear(o[i*ldo:][:cols])
			}
		}
	}
	if f.attend != nil && rows == f.Rows && cols >= f.Cols {
		f.attend(&o[0], ldo, &s[0], lds, &v.Data[0], int(v.LD), keys, &st.shift[0], first(beta), &st.RowSum[0])
		if n := f.Cols; cols > n { // the other panels of V find P made
			f.muls[rows-1](&o[n], ldo, &s[0], lds, &v.Data[v.Panel], int(v.LD), int(v.Panel), keys, cols-n, first(beta))
		}
		return
	}
	f.expSum(s, lds, rows, keys, st.shift[:], st.RowSum)
	f.mul(o, ldo, s, lds, v, rows, keys, cols, beta)
}

// An attendFunc is Attend for f.Rows rows and one panel of V, and turns S into P.
type attendFunc func(o *float32, ldo int, s *float32, lds int, v *float32, ldv, keys int, shift, beta, sum *float32)

// rescaleGeneric moves the state to the new maxima, sets the factors of O, and
// returns a bit for each row that had no maximum: its O has nothing yet.
func rescaleGeneric(st *State, rows int) (fresh uint32) {
	for i, old := range st.RowMax[:rows] {
		m := max(old, st.Max[i])
		st.RowMax[i], st.shift[i] = m, m
		if m == negInf {
			st.shift[i] = 0
		}
		if old == negInf {
			fresh |= 1 << i
		}
		st.alpha[i] = exp2(old - st.shift[i])
		st.RowSum[i] *= st.alpha[i]
	}
	return fresh
}
