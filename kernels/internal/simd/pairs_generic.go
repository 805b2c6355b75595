package simd

import "github.com/attnbench/attnbench/kernels"

// genericPairs is the twin of the assembly. It widens what it multiplies, so
// that numbers below 2^-126 count.
var genericPairs = Pairs{
	Name: kernels.Generic, Rows: generic.Rows, Cols: genericCols, Step: 1, Funcs: &generic, available: true,
	mul:            mulPairsGeneric,
	mulMax:         mulMaxPairsGeneric,
	packTransposed: packTransposedPairsGeneric,
	pack:           packPairsGeneric,
	weigh:          weighPairsGeneric,
	dots:           dotsPairsGeneric,
	weighted:       weightedPairsGeneric,
	fma:            func(rounds int) { fmaGeneric(2 * rounds) },
	perRound:       fmasPerRound * 4,
}

// upper and lower are the values of a pair.
func upper(pair uint32) float32 { return kernels.BFloat16.Widen(uint16(pair >> 16)) }
func lower(pair uint32) float32 { return kernels.BFloat16.Widen(uint16(pair)) }

func pairOf(low, high uint16) uint32 { return uint32(low) | uint32(high)<<16 }

// mulPairsGeneric is C = beta·C + A·B with a factor a row, or C = A·B where
// beta is nil. Of a pair, the upper product is added first.
func mulPairsGeneric(c []float32, ldc int, a []uint16, lda int, b PairPanels, rows, depth, cols int, beta []float32) {
	for i := range rows {
		row, pairs := c[i*ldc:][:cols], a[i*lda:]
		for j := range row {
			s := float32(0)
			if beta != nil {
				s = beta[i] * row[j]
			}
			panel := b.Data[j/genericCols*b.Panel+j%genericCols:]
			for k := range Depth(depth) {
				x, y := pairOf(pairs[2*k], pairs[2*k+1]), panel[k*genericCols]
				s += upper(x) * upper(y)
				s += lower(x) * lower(y)
			}
			row[j] = s
		}
	}
}

func mulMaxPairsGeneric(c []float32, ldc int, a []uint16, lda int, b PairPanels, rows, depth, cols int, rowMax []float32, seen *Seen) {
	mulPairsGeneric(c, ldc, a, lda, b, rows, depth, cols, nil)
	hideGeneric(c, ldc, rows, cols, seen)
	rowMaxGeneric(c, ldc, rows, cols, rowMax)
}

// packTransposedPairsGeneric packs one panel.
func packTransposedPairsGeneric(dst []uint32, src []uint16, lds, cols, depth int) {
	for k := range Depth(depth) {
		row := dst[k*genericCols:][:genericCols]
		clear(row[cols:])
		for j := range cols {
			x, high := src[j*lds:][:depth], uint16(0)
			if 2*k+1 < depth {
				high = x[2*k+1]
			}
			row[j] = pairOf(x[2*k], high)
		}
	}
}

// packPairsGeneric packs one panel.
func packPairsGeneric(dst []uint32, src []uint16, lds, depth, cols int) (tiny bool) {
	var l least
	for k := range Depth(depth) {
		row := dst[k*genericCols:][:genericCols]
		clear(row[cols:])
		for j := range cols {
			low, high := src[2*k*lds+j], uint16(0)
			if 2*k+1 < depth {
				high = src[(2*k+1)*lds+j]
			}
			l.add(low)
			l.add(high)
			row[j] = pairOf(low, high)
		}
	}
	return l.tiny()
}

// weighPairsGeneric replaces scores by the pairs of their weights.
func weighPairsGeneric(s []float32, lds, rows, keys int, scale float32, shift, sum []float32) {
	for i := range rows {
		row, total := s[i*lds:][:keys], float32(0)
		p := AsHalves(row)
		for j, x := range row { // p[j] is or precedes a half of what was read
			weight := exp2(scale*x - shift[i])
			total += weight
			p[j] = kernels.BFloat16.Narrow(weight)
		}
		sum[i] += total
		if keys%2 != 0 {
			p[keys] = 0
		}
	}
}
