//go:build !purego

package simd

//go:generate go run -C _asm ./weighted -out ../weighted_amd64.s

// A weightedFunc adds weighted values for a fixed number of rows.
type weightedFunc func(c *float32, ldc int, p *float32, ldp int, v *byte, ldv, keys, cols int, next Place, beyond int)

// weightedOf cuts the rows into those that there are functions for.
func weightedOf(list []few[weightedFunc], width int) func([]float32, int, []float32, int, Stored, int, int, int, Ahead) {
	return func(o []float32, ldo int, p []float32, ldp int, v Stored, rows, keys, cols int, ahead Ahead) {
		if unmaskable(v, width, cols) {
			widened(v, keys, cols, func(x []float32, first, n int) {
				v := Stored{Float32: x, LD: cols}
				weightedBlock(list, o, ldo, p[first:], ldp, v, rows, n, cols, Ahead{}.of(v))
			})
			return
		}
		next := ahead.of(v)
		if f := fewOf(list, rows); f.rows == rows {
			f.byDType[v.DType](&o[0], ldo, &p[0], ldp, v.at(), v.LD, keys, cols, next.Next, next.Beyond)
			return
		}
		for first := 0; first < keys; first += blockKeys {
			weightedBlock(list, o, ldo, p[first:], ldp, v.from(first), rows, min(blockKeys, keys-first), cols, next.plus(first, v))
		}
	}
}

func weightedBlock(list []few[weightedFunc], o []float32, ldo int, p []float32, ldp int, v Stored, rows, keys, cols int, next Ahead) {
	for i := 0; i < rows; {
		f := fewOf(list, rows-i)
		f.byDType[v.DType](&o[i*ldo], ldo, &p[i*ldp], ldp, v.at(), v.LD, keys, cols, next.Next, next.Beyond)
		i, next = i+f.rows, Ahead{}.of(v)
	}
}

var weightedAVX512 = []few[weightedFunc]{
	{8, [4]weightedFunc{weighted8F32AVX512, weighted8F16AVX512, weighted8BF16AVX512, weighted8I8AVX512}},
	{4, [4]weightedFunc{weighted4F32AVX512, weighted4F16AVX512, weighted4BF16AVX512, weighted4I8AVX512}},
	{2, [4]weightedFunc{weighted2F32AVX512, weighted2F16AVX512, weighted2BF16AVX512, weighted2I8AVX512}},
	{1, [4]weightedFunc{weighted1F32AVX512, weighted1F16AVX512, weighted1BF16AVX512, weighted1I8AVX512}},
}

var weightedAVX2 = []few[weightedFunc]{
	{4, [4]weightedFunc{weighted4F32AVX2, weighted4F16AVX2, weighted4BF16AVX2, weighted4I8AVX2}},
	{2, [4]weightedFunc{weighted2F32AVX2, weighted2F16AVX2, weighted2BF16AVX2, weighted2I8AVX2}},
	{1, [4]weightedFunc{weighted1F32AVX2, weighted1F16AVX2, weighted1BF16AVX2, weighted1I8AVX2}},
}

//go:noescape
func weighted8F32AVX512(c *float32, ldc int, p *float32, ldp int, v *byte, ldv, keys, cols int, next Place, beyond int)

//go:noescape
func weighted4F32AVX512(c *float32, ldc int, p *float32, ldp int, v *byte, ldv, keys, cols int, next Place, beyond int)

//go:noescape
func weighted2F32AVX512(c *float32, ldc int, p *float32, ldp int, v *byte, ldv, keys, cols int, next Place, beyond int)

//go:noescape
func weighted1F32AVX512(c *float32, ldc int, p *float32, ldp int, v *byte, ldv, keys, cols int, next Place, beyond int)

//go:noescape
func weighted8F16AVX512(c *float32, ldc int, p *float32, ldp int, v *byte, ldv, keys, cols int, next Place, beyond int)

//go:noescape
func weighted4F16AVX512(c *float32, ldc int, p *float32, ldp int, v *byte, ldv, keys, cols int, next Place, beyond int)

//go:noescape
func weighted2F16AVX512(c *float32, ldc int, p *float32, ldp int, v *byte, ldv, keys, cols int, next Place, beyond int)

//go:noescape
func weighted1F16AVX512(c *float32, ldc int, p *float32, ldp int, v *byte, ldv, keys, cols int, next Place, beyond int)

//go:noescape
func weighted8BF16AVX512(c *float32, ldc int, p *float32, ldp int, v *byte, ldv, keys, cols int, next Place, beyond int)

//go:noescape
func weighted4BF16AVX512(c *float32, ldc int, p *float32, ldp int, v *byte, ldv, keys, cols int, next Place, beyond int)

//go:noescape
func weighted2BF16AVX512(c *float32, ldc int, p *float32, ldp int, v *byte, ldv, keys, cols int, next Place, beyond int)

//go:noescape
func weighted1BF16AVX512(c *float32, ldc int, p *float32, ldp int, v *byte, ldv, keys, cols int, next Place, beyond int)

//go:noescape
func weighted4F32AVX2(c *float32, ldc int, p *float32, ldp int, v *byte, ldv, keys, cols int, next Place, beyond int)

//go:noescape
func weighted2F32AVX2(c *float32, ldc int, p *float32, ldp int, v *byte, ldv, keys, cols int, next Place, beyond int)

//go:noescape
func weighted1F32AVX2(c *float32, ldc int, p *float32, ldp int, v *byte, ldv, keys, cols int, next Place, beyond int)

//go:noescape
func weighted4F16AVX2(c *float32, ldc int, p *float32, ldp int, v *byte, ldv, keys, cols int, next Place, beyond int)

//go:noescape
func weighted2F16AVX2(c *float32, ldc int, p *float32, ldp int, v *byte, ldv, keys, cols int, next Place, beyond int)

//go:noescape
func weighted1F16AVX2(c *float32, ldc int, p *float32, ldp int, v *byte, ldv, keys, cols int, next Place, beyond int)

//go:noescape
func weighted4BF16AVX2(c *float32, ldc int, p *float32, ldp int, v *byte, ldv, keys, cols int, next Place, beyond int)

//go:noescape
func weighted2BF16AVX2(c *float32, ldc int, p *float32, ldp int, v *byte, ldv, keys, cols int, next Place, beyond int)

//go:noescape
func weighted1BF16AVX2(c *float32, ldc int, p *float32, ldp int, v *byte, ldv, keys, cols int, next Place, beyond int)

//go:noescape
func weighted8I8AVX512(c *float32, ldc int, p *float32, ldp int, v *byte, ldv, keys, cols int, next Place, beyond int)

//go:noescape
func weighted4I8AVX512(c *float32, ldc int, p *float32, ldp int, v *byte, ldv, keys, cols int, next Place, beyond int)

//go:noescape
func weighted2I8AVX512(c *float32, ldc int, p *float32, ldp int, v *byte, ldv, keys, cols int, next Place, beyond int)

//go:noescape
func weighted1I8AVX512(c *float32, ldc int, p *float32, ldp int, v *byte, ldv, keys, cols int, next Place, beyond int)

//go:noescape
func weighted4I8AVX2(c *float32, ldc int, p *float32, ldp int, v *byte, ldv, keys, cols int, next Place, beyond int)

//go:noescape
func weighted2I8AVX2(c *float32, ldc int, p *float32, ldp int, v *byte, ldv, keys, cols int, next Place, beyond int)

//go:noescape
func weighted1I8AVX2(c *float32, ldc int, p *float32, ldp int, v *byte, ldv, keys, cols int, next Place, beyond int)
