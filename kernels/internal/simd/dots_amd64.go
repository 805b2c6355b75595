//go:build !purego

package simd

//go:generate go run -C _asm ./dots -out ../dots_amd64.s

type dotsFunc func(s *float32, lds int, q *float32, ldq int, k *float32, ldk, keys, depth int, next uintptr)

// dotsOf cuts the rows into fours, where there is a function for them, twos
// and ones.
func dotsOf(one, two, four dotsFunc) func([]float32, int, []float32, int, []float32, int, int, int, int, Ahead) {
	return func(s []float32, lds int, q []float32, ldq int, k []float32, ldk, rows, keys, depth int, ahead Ahead) {
		next := ahead.from(k)
		for i := 0; i < rows; {
			n, f := 1, one
			switch left := rows - i; {
			case left >= 4 && four != nil:
				n, f = 4, four
			case left >= 2:
				n, f = 2, two
			}
			f(&s[i*lds], lds, &q[i*ldq], ldq, &k[0], ldk, keys, depth, next)
			i += n
		}
	}
}

//go:noescape
func dots1AVX512(s *float32, lds int, q *float32, ldq int, k *float32, ldk, keys, depth int, next uintptr)

//go:noescape
func dots2AVX512(s *float32, lds int, q *float32, ldq int, k *float32, ldk, keys, depth int, next uintptr)

//go:noescape
func dots4AVX512(s *float32, lds int, q *float32, ldq int, k *float32, ldk, keys, depth int, next uintptr)

//go:noescape
func dots1AVX2(s *float32, lds int, q *float32, ldq int, k *float32, ldk, keys, depth int, next uintptr)

//go:noescape
func dots2AVX2(s *float32, lds int, q *float32, ldq int, k *float32, ldk, keys, depth int, next uintptr)
