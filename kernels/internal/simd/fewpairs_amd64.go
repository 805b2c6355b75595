//go:build !purego

package simd

//go:generate go run -C _asm ./fewpairs -out ../fewpairs_amd64.s

// dotsPairs cuts the rows into those that there are functions for. Where there
// are several, the first fetches, and a few keys at a time stay in cache for the
// others.
func dotsPairs(s []float32, lds int, q PairQueries, k *Pieces) {
	if q.rows <= octetRows {
		dotsPairsOf(&q, 0)(&s[0], lds, q.pair(0, 0), &k.list[0], len(k.list), k.ld, q.depth, q.rows)
		return
	}
	k.eachBlock(func(first int, block *piece) {
		for i := 0; i < q.rows; i += octetRows {
			dotsPairsOf(&q, i)(&s[i*lds+first], lds, q.pair(i, 0), block, 1, k.ld, q.depth, min(octetRows, q.rows-i))
			block.stay()
		}
	})
}

// dotsPairsOf returns what multiplies the rows from i on.
func dotsPairsOf(q *PairQueries, i int) func(s *float32, lds int, q *uint32, k *piece, pieces, ldk, depth, rows int) {
	if q.quad(i) {
		return dotsPairs4AVX512
	}
	return octetPairsAVX512
}

// weightedPairs: see dotsPairs.
func weightedPairs(o []float32, ldo int, p []uint16, ldp int, v *Pieces, rows, cols int) {
	for i := 0; i < rows; i += octetRows {
		weighted := weightedPairs8AVX512
		if rows-i <= QuadRows {
			weighted = weightedPairs4AVX512
		}
		weighted(&o[i*ldo], ldo, &p[i*ldp], ldp, &v.list[0], len(v.list), v.ld, cols)
	}
}

//go:noescape
func octetPairsAVX512(s *float32, lds int, q *uint32, k *piece, pieces, ldk, depth, rows int)

//go:noescape
func dotsPairs4AVX512(s *float32, lds int, q *uint32, k *piece, pieces, ldk, depth, rows int)

//go:noescape
func weightedPairs8AVX512(c *float32, ldc int, p *uint16, ldp int, v *piece, pieces, ldv, cols int)

//go:noescape
func weightedPairs4AVX512(c *float32, ldc int, p *uint16, ldp int, v *piece, pieces, ldv, cols int)
