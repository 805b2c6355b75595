//go:build !purego

package simd

import "math"

//go:generate go run -C _asm ./tiles -out ../tiles_amd64.s

// amxPairs is AVX-512 with AMX: products of tiles of 16 rows by 16 columns and 16
// pairs. A block is two tiles by two, which load as many tiles as they multiply;
// 32 columns of a panel at a time.
//
// Tiles have as many rows as there are, and columns that fill no piece go through
// memory of their own: so no operand needs room for whole tiles. They are
// configured and released within a call, for the next one may run on another
// thread.
var amxPairs = Pairs{
	Name: "amx", Rows: 2 * tileRows, Cols: pairsLD, Step: tileRows, Funcs: &avx512,
	available:      avx512Pairs.available && hasTiles(),
	mul:            mulTiles,
	mulMax:         mulMaxTiles,
	packTransposed: packTransposedPairs,
	pack:           packPairs,
	weigh:          weighTiles,
	fma:            func(rounds int) { fmaTilesAMX(&tileShapes[2*tileRows], rounds) },
	perRound:       6 * tileRows * tileRows * tileRows * 2 * 2,
}

// tileRows is how many rows of 16 floats, or of 16 pairs, a tile has.
const tileRows = 16

// A tileShape is what LDTILECFG loads (Intel SDM, volume 1, section 18.2).
type tileShape struct {
	palette  byte
	_        [15]byte
	rowBytes [16]uint16
	rows     [16]byte
}

// tileShapes are the tiles of a block of so many rows: C00, C01, C10, C11, A0,
// A1, B0 and B1.
var tileShapes = func() (shapes [2*tileRows + 1]tileShape) {
	for n := 1; n < len(shapes); n++ {
		s := &shapes[n]
		s.palette = 1
		low, high := byte(min(n, tileRows)), byte(max(n-tileRows, 0))
		for i, rows := range [8]byte{low, low, high, high, low, high, tileRows, tileRows} {
			if s.rows[i] = rows; rows > 0 {
				s.rowBytes[i] = 4 * tileRows
			}
		}
	}
	return shapes
}()

// mulTiles scales what it adds to in a pass of its own, few rows as a rule: most
// chunks of keys do not raise a row's maximum.
func mulTiles(c []float32, ldc int, a []uint16, lda int, b PairPanels, rows, depth, cols int, beta []float32) {
	for i := 0; i < rows && beta != nil; i++ {
		if beta[i] != 1 {
			avx512.scale(c[i*ldc:], 0, c[i*ldc:], 0, 1, cols, beta[i:])
		}
	}
	mul := mul1TilesAMX
	if rows > tileRows {
		mul = mul2TilesAMX
	}
	mul(&tileShapes[rows], &c[0], ldc, first(a), lda, first(b.Data), b.Panel, Depth(depth), rows, cols, beta != nil)
}

func mulMaxTiles(c []float32, ldc int, a []uint16, lda int, b PairPanels, rows, depth, cols int, rowMax []float32, seen *Seen) {
	mul := mulMax1TilesAMX
	if rows > tileRows {
		mul = mulMax2TilesAMX
	}
	if seen == nil {
		seen = &everything
	}
	mul(&tileShapes[rows], &c[0], ldc, first(a), lda, first(b.Data), b.Panel, Depth(depth), rows, cols, &rowMax[0], &seen.Lo[0])
}

func weighTiles(s []float32, lds, rows, keys int, scale float32, shift, sum []float32) {
	weighTilesAMX(&s[0], lds, rows, keys, &shift[0], &sum[0], scale)
}

// everything says that all columns count.
var everything = func() (s Seen) {
	for i := range s.Hi {
		s.Hi[i] = math.MaxInt32
	}
	s.settle(len(s.Hi))
	return s
}()

//go:noescape
func mul1TilesAMX(shape *tileShape, c *float32, ldc int, a *uint16, lda int, b *uint32, panel, depth, rows, cols int, add bool)

//go:noescape
func mul2TilesAMX(shape *tileShape, c *float32, ldc int, a *uint16, lda int, b *uint32, panel, depth, rows, cols int, add bool)

//go:noescape
func mulMax1TilesAMX(shape *tileShape, c *float32, ldc int, a *uint16, lda int, b *uint32, panel, depth, rows, cols int, rowMax *float32, seen *int32)

//go:noescape
func mulMax2TilesAMX(shape *tileShape, c *float32, ldc int, a *uint16, lda int, b *uint32, panel, depth, rows, cols int, rowMax *float32, seen *int32)

//go:noescape
func weighTilesAMX(s *float32, lds, rows, keys int, shift, sum *float32, scale float32)

//go:noescape
func fmaTilesAMX(shape *tileShape, n int)
