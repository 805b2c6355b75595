//go:build !purego

package simd

import "golang.org/x/sys/cpu"

//go:generate go run -C _asm ./pairs -out ../pairs_amd64.s

func assemblyPairs() []*Pairs { return []*Pairs{&avx512Pairs, &amxPairs} }

// avx512Pairs is AVX-512 with VDPBF16PS.
//
// Note: on an Intel Xeon of model 207 VDPBF16PS does half as many multiply-adds
// as VFMADD231PS (86 and 176 GFLOP/s, one thread in one run), on an AMD EPYC of
// family 26 twice as many (424 and 221). The vendor tells them apart.
var avx512Pairs = Pairs{
	Name: "avx512bf16", Rows: blockRows, Cols: pairsLD, Step: 1, Funcs: &avx512,
	available:      avx512.available && cpu.X86.HasAVX512BW && cpu.X86.HasAVX512BF16,
	byName:         isIntel(),
	mul:            mulPairsOf(mulPairsAVX512),
	mulMax:         mulMaxPairsOf(mulMaxPairsAVX512),
	packTransposed: packTransposedPairs,
	pack:           packPairs,
	weigh:          weighPairs,
	attend:         attendPairs,
	dots:           dotsPairs,
	weighted:       weightedPairs,
	fma:            fmaPairsAVX512,
	perRound:       fmasPerRound * 16 * 4,
}

// A mulPairsFunc is a product of a fixed number of rows, and a mulMaxPairsFunc
// one that finds their maxima.
type (
	mulPairsFunc    func(c *float32, ldc int, a *uint16, lda int, b *uint32, ldb, panel, depth, cols int, beta *float32)
	mulMaxPairsFunc func(c *float32, ldc int, a *uint16, lda int, b *uint32, ldb, panel, depth, cols int, rowMax *float32, seen *int32)
)

// pairsLD is the distance between rows of a panel.
const pairsLD = 64

// mulPairsOf adapts the products of 1 to blockRows rows.
func mulPairsOf(blocks [blockRows]mulPairsFunc) func([]float32, int, []uint16, int, PairPanels, int, int, int, []float32) {
	return func(c []float32, ldc int, a []uint16, lda int, b PairPanels, rows, depth, cols int, beta []float32) {
		blocks[rows-1](&c[0], ldc, first(a), lda, first(b.Data), pairsLD, b.Panel, Depth(depth), cols, first(beta))
	}
}

// mulMaxPairsOf: see mulPairsOf.
func mulMaxPairsOf(blocks [blockRows]mulMaxPairsFunc) func([]float32, int, []uint16, int, PairPanels, int, int, int, []float32, *Seen) {
	return func(c []float32, ldc int, a []uint16, lda int, b PairPanels, rows, depth, cols int, rowMax []float32, seen *Seen) {
		var columns *int32
		if seen != nil {
			columns = &seen.Lo[0]
		}
		blocks[rows-1](&c[0], ldc, first(a), lda, first(b.Data), pairsLD, b.Panel, Depth(depth), cols, first(rowMax), columns)
	}
}

var (
	mulPairsAVX512    = [blockRows]mulPairsFunc{mulPairs1AVX512, mulPairs2AVX512, mulPairs3AVX512, mulPairs4AVX512, mulPairs5AVX512, mulPairs6AVX512}
	mulMaxPairsAVX512 = [blockRows]mulMaxPairsFunc{mulMaxPairs1AVX512, mulMaxPairs2AVX512, mulMaxPairs3AVX512, mulMaxPairs4AVX512, mulMaxPairs5AVX512, mulMaxPairs6AVX512}
)

// attendPairs makes P on the way through the first panel of V; the other panels
// find it made.
func attendPairs(o []float32, ldo int, s []float32, lds int, v PairPanels, keys, cols int, scale float32, st *State, beta []float32) {
	const n = pairsLD
	attendPairsAVX512(&o[0], ldo, &s[0], lds, &v.Data[0], keys, &st.shift[0], first(beta), &st.RowSum[0], scale)
	if cols > n {
		v.Data = v.Data[v.Panel:]
		mulPairs6AVX512(&o[n], ldo, &AsHalves(s)[0], 2*lds, &v.Data[0], n, v.Panel, Depth(keys), cols-n, first(beta))
	}
}

func weighPairs(s []float32, lds, rows, keys int, scale float32, shift, sum []float32) {
	weighPairsAVX512(&s[0], lds, rows, keys, &shift[0], &sum[0], scale)
}

func packPairs(dst []uint32, src []uint16, lds, depth, cols int) (tiny bool) {
	var l least
	packPairsAVX512(&dst[0], &src[0], lds, depth, cols, &l[0])
	return l.tiny()
}

// packTransposedPairs packs a panel of 64 columns, 16 at a time.
func packTransposedPairs(dst []uint32, src []uint16, lds, cols, depth int) {
	const panelCols, width = 64, 16
	for j := 0; j < panelCols; j += width {
		if j < cols {
			packTransposedPairsAVX512(&dst[j], &src[j*lds], lds, cols-j, depth)
			continue
		}
		for k := range Depth(depth) {
			clear(dst[k*panelCols+j:][:width])
		}
	}
}

//go:noescape
func attendPairsAVX512(c *float32, ldc int, s *float32, lds int, b *uint32, keys int, shift, beta, sum *float32, scale float32)

//go:noescape
func weighPairsAVX512(s *float32, lds, rows, keys int, shift, sum *float32, scale float32)

//go:noescape
func packPairsAVX512(dst *uint32, src *uint16, lds, depth, cols int, least *uint16)

//go:noescape
func packTransposedPairsAVX512(dst *uint32, src *uint16, lds, rows, depth int)

//go:noescape
func fmaPairsAVX512(n int)

//go:noescape
func mulPairs1AVX512(c *float32, ldc int, a *uint16, lda int, b *uint32, ldb, panel, depth, cols int, beta *float32)

//go:noescape
func mulPairs2AVX512(c *float32, ldc int, a *uint16, lda int, b *uint32, ldb, panel, depth, cols int, beta *float32)

//go:noescape
func mulPairs3AVX512(c *float32, ldc int, a *uint16, lda int, b *uint32, ldb, panel, depth, cols int, beta *float32)

//go:noescape
func mulPairs4AVX512(c *float32, ldc int, a *uint16, lda int, b *uint32, ldb, panel, depth, cols int, beta *float32)

//go:noescape
func mulPairs5AVX512(c *float32, ldc int, a *uint16, lda int, b *uint32, ldb, panel, depth, cols int, beta *float32)

//go:noescape
func mulPairs6AVX512(c *float32, ldc int, a *uint16, lda int, b *uint32, ldb, panel, depth, cols int, beta *float32)

//go:noescape
func mulMaxPairs1AVX512(c *float32, ldc int, a *uint16, lda int, b *uint32, ldb, panel, depth, cols int, rowMax *float32, seen *int32)

//go:noescape
func mulMaxPairs2AVX512(c *float32, ldc int, a *uint16, lda int, b *uint32, ldb, panel, depth, cols int, rowMax *float32, seen *int32)

//go:noescape
func mulMaxPairs3AVX512(c *float32, ldc int, a *uint16, lda int, b *uint32, ldb, panel, depth, cols int, rowMax *float32, seen *int32)

//go:noescape
func mulMaxPairs4AVX512(c *float32, ldc int, a *uint16, lda int, b *uint32, ldb, panel, depth, cols int, rowMax *float32, seen *int32)

//go:noescape
func mulMaxPairs5AVX512(c *float32, ldc int, a *uint16, lda int, b *uint32, ldb, panel, depth, cols int, rowMax *float32, seen *int32)

//go:noescape
func mulMaxPairs6AVX512(c *float32, ldc int, a *uint16, lda int, b *uint32, ldb, panel, depth, cols int, rowMax *float32, seen *int32)
