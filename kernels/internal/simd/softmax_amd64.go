//go:build !purego

package simd

//go:generate go run -C _asm ./softmax -out ../softmax_amd64.s

func rowMaxOf(asm func(s *float32, lds, rows, cols int, rowMax *float32)) func([]float32, int, int, int, []float32) {
	return func(s []float32, lds, rows, cols int, rowMax []float32) {
		asm(first(s), lds, rows, cols, &rowMax[0])
	}
}

func expSumOf(asm func(s *float32, lds, rows, cols int, shift, sum *float32)) func([]float32, int, int, int, []float32, []float32) {
	return func(s []float32, lds, rows, cols int, shift, sum []float32) {
		asm(first(s), lds, rows, cols, &shift[0], &sum[0])
	}
}

func scaleOf(asm func(dst *float32, ldd int, src *float32, lds, rows, cols int, alpha *float32) bool) func([]float32, int, []float32, int, int, int, []float32) bool {
	return func(dst []float32, ldd int, src []float32, lds, rows, cols int, alpha []float32) bool {
		return asm(&dst[0], ldd, &src[0], lds, rows, cols, &alpha[0])
	}
}

// A rescaleFunc moves rows of the state, a vector of them at most, and returns a bit for each that had
// no maximum.
type rescaleFunc func(rowMax, next, rowSum, shift, alpha *float32, rows int) (fresh uint32)

func rescaleOf(asm rescaleFunc, width int) func(*State, int) uint32 {
	return func(st *State, rows int) (fresh uint32) {
		for i := 0; i < rows; i += width {
			n := min(width, rows-i)
			fresh |= asm(&st.RowMax[i], &st.Max[i], &st.RowSum[i], &st.shift[i], &st.alpha[i], n) << i
		}
		return fresh
	}
}

//go:noescape
func rescaleAVX512(rowMax, next, rowSum, shift, alpha *float32, rows int) (fresh uint32)

//go:noescape
func rescaleAVX2(rowMax, next, rowSum, shift, alpha *float32, rows int) (fresh uint32)

//go:noescape
func rowMaxAVX512(s *float32, lds, rows, cols int, rowMax *float32)

//go:noescape
func rowMaxAVX2(s *float32, lds, rows, cols int, rowMax *float32)

//go:noescape
func expSumAVX512(s *float32, lds, rows, cols int, shift, sum *float32)

//go:noescape
func expSumAVX2(s *float32, lds, rows, cols int, shift, sum *float32)

//go:noescape
func scaleAVX512(dst *float32, ldd int, src *float32, lds, rows, cols int, alpha *float32) (finite bool)

//go:noescape
func scaleAVX2(dst *float32, ldd int, src *float32, lds, rows, cols int, alpha *float32) (finite bool)
