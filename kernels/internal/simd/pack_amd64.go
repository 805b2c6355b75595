//go:build !purego

package simd

//go:generate go run -C _asm ./pack -out ../pack_amd64.s

func packOf(asm func(dst, src *float32, lds, depth, cols int)) func([]float32, []float32, int, int, int) {
	return func(dst, src []float32, lds, depth, cols int) {
		asm(first(dst), first(src), lds, depth, cols)
	}
}

// packTransposedOf packs a panel of panelCols columns, width at a time.
func packTransposedOf(asm func(dst, src *float32, lds, rows, depth int, alpha float32), width, panelCols int) func([]float32, []float32, int, int, int, float32) {
	return func(dst, src []float32, lds, cols, depth int, alpha float32) {
		for j := 0; j < panelCols; j += width {
			if j < cols {
				asm(&dst[j], &src[j*lds], lds, cols-j, depth, alpha)
				continue
			}
			for k := range depth {
				clear(dst[k*panelCols+j:][:width])
			}
		}
	}
}

//go:noescape
func packAVX512(dst, src *float32, lds, depth, cols int)

//go:noescape
func packAVX2(dst, src *float32, lds, depth, cols int)

//go:noescape
func packTransposedAVX512(dst, src *float32, lds, rows, depth int, alpha float32)

//go:noescape
func packTransposedAVX2(dst, src *float32, lds, rows, depth int, alpha float32)

//go:noescape
func fetchRows(at *byte, stride, rows, bytes int)
