//go:build !purego

package simd

//go:generate go run -C _asm ./fewpairs -out ../fewpairs_amd64.s

// dotsPairs cuts the rows into those that there are functions for. Where there
// are several, the first fetches, and a few keys at a time stay in cache for the
// others.
func dotsPairs(s []float32, lds int, q PairQueries, k Stored, keys int, ahead Ahead) {
	block, next := keys, ahead.of(k)
	if q.rows > octetRows {
		block = blockKeys
	}
	for from := 0; from < keys; from += block {
		n, part := min(block, keys-from), k.from(from)
		x := next.plus(from, k)
		for i := 0; i < q.rows; i += octetRows {
			rows, dots := min(octetRows, q.rows-i), octetPairsAVX512
			if q.quad(i) {
				dots = dotsPairs4AVX512
			}
			dots(&s[i*lds+from], lds, q.pair(i, 0), part.at(), k.LD, n, q.depth, rows, x.Next, x.Beyond)
			x = Ahead{}.of(part)
		}
	}
}

// weightedPairs: see dotsPairs.
func weightedPairs(o []float32, ldo int, p []uint16, ldp int, v Stored, rows, keys, cols int, ahead Ahead) {
	next := ahead.of(v)
	for i := 0; i < rows; i += octetRows {
		weighted := weightedPairs8AVX512
		if rows-i <= QuadRows {
			weighted = weightedPairs4AVX512
		}
		weighted(&o[i*ldo], ldo, &p[i*ldp], ldp, v.at(), v.LD, keys, cols, next.Next, next.Beyond)
		next = Ahead{}.of(v)
	}
}

//go:noescape
func octetPairsAVX512(s *float32, lds int, q *uint32, k *byte, ldk, keys, depth, rows int, next Place, beyond int)

//go:noescape
func dotsPairs4AVX512(s *float32, lds int, q *uint32, k *byte, ldk, keys, depth, rows int, next Place, beyond int)

//go:noescape
func weightedPairs8AVX512(c *float32, ldc int, p *uint16, ldp int, v *byte, ldv, keys, cols int, next Place, beyond int)

//go:noescape
func weightedPairs4AVX512(c *float32, ldc int, p *uint16, ldp int, v *byte, ldv, keys, cols int, next Place, beyond int)
