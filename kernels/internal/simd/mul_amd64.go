//go:build !purego

package simd

//go:generate go run -C _asm ./mul -out ../mul_amd64.s

var (
	mulsAVX512     = [blockRows]mulFunc{mul1AVX512, mul2AVX512, mul3AVX512, mul4AVX512, mul5AVX512, mul6AVX512}
	mulMaxesAVX512 = [blockRows]mulMaxFunc{mulMax1AVX512, mulMax2AVX512, mulMax3AVX512, mulMax4AVX512, mulMax5AVX512, mulMax6AVX512}
	mulsAVX2       = [blockRows]mulFunc{mul1AVX2, mul2AVX2, mul3AVX2, mul4AVX2, mul5AVX2, mul6AVX2}
	mulMaxesAVX2   = [blockRows]mulMaxFunc{mulMax1AVX2, mulMax2AVX2, mulMax3AVX2, mulMax4AVX2, mulMax5AVX2, mulMax6AVX2}
)

//go:noescape
func mul1AVX512(c *float32, ldc int, a *float32, lda int, b *float32, ldb, panel, depth, cols int, beta *float32)

//go:noescape
func mul2AVX512(c *float32, ldc int, a *float32, lda int, b *float32, ldb, panel, depth, cols int, beta *float32)

//go:noescape
func mul3AVX512(c *float32, ldc int, a *float32, lda int, b *float32, ldb, panel, depth, cols int, beta *float32)

//go:noescape
func mul4AVX512(c *float32, ldc int, a *float32, lda int, b *float32, ldb, panel, depth, cols int, beta *float32)

//go:noescape
func mul5AVX512(c *float32, ldc int, a *float32, lda int, b *float32, ldb, panel, depth, cols int, beta *float32)

//go:noescape
func mul6AVX512(c *float32, ldc int, a *float32, lda int, b *float32, ldb, panel, depth, cols int, beta *float32)

//go:noescape
func mul1AVX2(c *float32, ldc int, a *float32, lda int, b *float32, ldb, panel, depth, cols int, beta *float32)

//go:noescape
func mul2AVX2(c *float32, ldc int, a *float32, lda int, b *float32, ldb, panel, depth, cols int, beta *float32)

//go:noescape
func mul3AVX2(c *float32, ldc int, a *float32, lda int, b *float32, ldb, panel, depth, cols int, beta *float32)

//go:noescape
func mul4AVX2(c *float32, ldc int, a *float32, lda int, b *float32, ldb, panel, depth, cols int, beta *float32)

//go:noescape
func mul5AVX2(c *float32, ldc int, a *float32, lda int, b *float32, ldb, panel, depth, cols int, beta *float32)

//go:noescape
func mul6AVX2(c *float32, ldc int, a *float32, lda int, b *float32, ldb, panel, depth, cols int, beta *float32)

//go:noescape
func mulMax1AVX512(c *float32, ldc int, a *float32, lda int, b *float32, ldb, panel, depth, cols int, rowMax *float32, seen *int32)

//go:noescape
func mulMax2AVX512(c *float32, ldc int, a *float32, lda int, b *float32, ldb, panel, depth, cols int, rowMax *float32, seen *int32)

//go:noescape
func mulMax3AVX512(c *float32, ldc int, a *float32, lda int, b *float32, ldb, panel, depth, cols int, rowMax *float32, seen *int32)

//go:noescape
func mulMax4AVX512(c *float32, ldc int, a *float32, lda int, b *float32, ldb, panel, depth, cols int, rowMax *float32, seen *int32)

//go:noescape
func mulMax5AVX512(c *float32, ldc int, a *float32, lda int, b *float32, ldb, panel, depth, cols int, rowMax *float32, seen *int32)

//go:noescape
func mulMax6AVX512(c *float32, ldc int, a *float32, lda int, b *float32, ldb, panel, depth, cols int, rowMax *float32, seen *int32)

//go:noescape
func mulMax1AVX2(c *float32, ldc int, a *float32, lda int, b *float32, ldb, panel, depth, cols int, rowMax *float32, seen *int32)

//go:noescape
func mulMax2AVX2(c *float32, ldc int, a *float32, lda int, b *float32, ldb, panel, depth, cols int, rowMax *float32, seen *int32)

//go:noescape
func mulMax3AVX2(c *float32, ldc int, a *float32, lda int, b *float32, ldb, panel, depth, cols int, rowMax *float32, seen *int32)

//go:noescape
func mulMax4AVX2(c *float32, ldc int, a *float32, lda int, b *float32, ldb, panel, depth, cols int, rowMax *float32, seen *int32)

//go:noescape
func mulMax5AVX2(c *float32, ldc int, a *float32, lda int, b *float32, ldb, panel, depth, cols int, rowMax *float32, seen *int32)

//go:noescape
func mulMax6AVX2(c *float32, ldc int, a *float32, lda int, b *float32, ldb, panel, depth, cols int, rowMax *float32, seen *int32)
