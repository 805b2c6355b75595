//go:build !purego

package simd

//go:generate go run -C _asm ./logits -out ../logits_amd64.s

func softcapOf(asm func(s *float32, lds, rows, cols int, in, out float32)) func([]float32, int, int, int, float32, float32) {
	return func(s []float32, lds, rows, cols int, in, out float32) {
		asm(&s[0], lds, rows, cols, in, out)
	}
}

func biasOf(asm func(s *float32, lds, rows, cols int, slope *float32, first *int32)) func([]float32, int, int, int, []float32, []int32) {
	return func(s []float32, lds, rows, cols int, slope []float32, first []int32) {
		asm(&s[0], lds, rows, cols, &slope[0], &first[0])
	}
}

//go:noescape
func softcapAVX512(s *float32, lds, rows, cols int, in, out float32)

//go:noescape
func softcapAVX2(s *float32, lds, rows, cols int, in, out float32)

//go:noescape
func biasAVX512(s *float32, lds, rows, cols int, slope *float32, first *int32)

//go:noescape
func biasAVX2(s *float32, lds, rows, cols int, slope *float32, first *int32)
