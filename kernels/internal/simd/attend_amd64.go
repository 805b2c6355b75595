//go:build !purego

package simd

//go:generate go run -C _asm ./attend -out ../attend_amd64.s

// attendWoven makes P on the way through the first panel of V; the other
// panels find it made.
func attendWoven(o []float32, ldo int, s []float32, lds int, v Panels, keys, cols int, st *State, beta []float32) {
	const n = 64
	attendAVX512(&o[0], ldo, &s[0], lds, &v.Data[0], v.LD, keys, &st.shift[0], first(beta), &st.RowSum[0])
	if cols > n {
		v.Data = v.Data[v.Panel:]
		mul6AVX512(&o[n], ldo, &s[0], lds, &v.Data[0], v.LD, v.Panel, keys, cols-n, first(beta))
	}
}

//go:noescape
func attendAVX512(c *float32, ldc int, s *float32, lds int, b *float32, ldb, depth int, shift, beta, sum *float32)
