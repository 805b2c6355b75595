package simd

import "github.com/attnbench/attnbench/kernels"

// PairQueries are the few rows of Q of a decode step, as they are stored, laid
// out for [Pairs.Dots]: in octets of eight rows, of four columns at a time those of
// each row in turn. Up to four rows at the end are a quad: of eight columns at a time.
// Rows that are missing are zeros.
type PairQueries struct {
	x           []uint32
	rows, depth int
}

// QuadRows is how many rows are multiplied together where they are few.
const QuadRows = 4

const (
	quadCols      = 8                       // columns of a row that lie together
	octetPairCols = 4                       // and in an octet
	quadPairs     = QuadRows * quadCols / 2 // pairs of a vector
)

// quadLen is how many pairs a quad takes.
func quadLen(depth int) int { return (depth + quadCols - 1) / quadCols * quadPairs }

// PairQueriesLen returns how many pairs so many rows take.
func PairQueriesLen(rows, depth int) int { return (rows + QuadRows - 1) / QuadRows * quadLen(depth) }

// NewPairQueries lays out rows of depth columns in room for [PairQueriesLen]
// pairs. They are zeros until they are set.
func NewPairQueries(room []uint32, rows, depth int) PairQueries {
	if rows < 0 || depth < 0 {
		panic(errShape)
	}
	n := PairQueriesLen(rows, depth)
	if len(room) < n {
		panic(errShort)
	}
	clear(room[:n])
	return PairQueries{x: room[:n], rows: rows, depth: depth}
}

// row returns where row i begins and how many of its columns lie together, of every vector.
func (q *PairQueries) row(i int) (at, cols int) {
	rows, cols := octetRows, octetPairCols
	if q.quad(i) {
		rows, cols = QuadRows, quadCols
	}
	return i/octetRows*2*quadLen(q.depth) + i%rows*cols/2, cols
}

// pair is where columns c, which is even, and c+1 of row i are.
func (q *PairQueries) pair(i, c int) *uint32 {
	at, cols := q.row(i)
	return &q.x[at+c/cols*quadPairs+c%cols/2]
}

// quad reports whether row i is in a quad rather than an octet.
func (q *PairQueries) quad(i int) bool { return q.rows-i/octetRows*octetRows <= QuadRows }

// Set makes row the i-th of Q.
func (q *PairQueries) Set(i int, row []uint16) {
	if i < 0 || i >= q.rows || len(row) < q.depth {
		panic(errShort)
	}
	row = row[:q.depth]
	at, cols := q.row(i)
	for c := 0; c < len(row); c += 2 {
		if c > 0 && c%cols == 0 {
			at += quadPairs - cols/2
		}
		q.x[at] = pairAt(row, c)
		at++
	}
}

// pairAt is the pair that begins at c, filled up with zero.
func pairAt(row []uint16, c int) uint32 {
	if c+1 < len(row) {
		return pairOf(row[c], row[c+1])
	}
	return pairOf(row[c], 0)
}

// TakesFew reports whether the variant has products of few rows with matrices
// that lie unpacked: [Pairs.Dots], [Pairs.Weigh] and [Pairs.AddWeighted].
func (x *Pairs) TakesFew() bool { return x.dots != nil }

// Dots is [Funcs.Dots] for keys of bfloat16. The order of the terms is one for octets and
// another for a quad.
func (x *Pairs) Dots(s []float32, lds int, q PairQueries, k *Pieces) {
	if q.depth != k.cols || q.depth > kernels.MaxHeadDim || k.dtype != kernels.BFloat16 {
		panic(errShape)
	}
	if !spans(s, lds, q.rows, k.rows) {
		panic(errShort)
	}
	if q.rows == 0 || k.rows == 0 {
		return
	}
	if q.depth == 0 {
		for i := range q.rows {
			clear(s[i*lds:][:k.rows])
		}
		return
	}
	x.dots(s, lds, q, k)
}

func dotsPairsGeneric(s []float32, lds int, q PairQueries, k *Pieces) {
	k.each(func(first int, k Stored, keys int) {
		for i := range q.rows {
			for j := range keys {
				row, sum := k.Half[j*k.LD:][:q.depth], float32(0)
				for c := 0; c < q.depth; c += 2 {
					x, y := *q.pair(i, c), pairAt(row, c)
					sum += upper(x) * upper(y)
					sum += lower(x) * lower(y)
				}
				s[i*lds+first+j] = sum
			}
		}
	})
}

// Weigh is [Funcs.Weigh] for scores that are yet to be multiplied by scale,
// which is positive, and for a P that is rounded to bfloat16, as [Pairs.Attend]
// says. P is left in the first half of S's rows.
func (x *Pairs) Weigh(o []float32, ldo int, s []float32, lds, rows, keys, cols int, scale float32, st *State) {
	if x.Funcs.rise(o, ldo, s, lds, rows, keys, cols, scale, st) {
		x.weigh(s, lds, rows, keys, scale, st.shift[:], st.RowSum)
	}
}

// A lap is columns of V that are interleaved with those of the next key.
const lapCols = 32

// WeightedCols is how many floats a row of O has for [Pairs.AddWeighted], and
// WeightedCol which of them is for a column of V: it interleaves two keys within
// lanes of eight columns, first the lower halves of four lanes, and then the
// upper ones.
func WeightedCols(cols int) int { return (cols + lapCols - 1) / lapCols * lapCols }

// WeightedCol: see WeightedCols.
func WeightedCol(c int) int {
	const lane = 8
	lap, in, upper := c/lapCols*lapCols, c%lapCols/lane, c%lane/(lane/2)
	return lap + upper*lapCols/2 + in*lane/2 + c%(lane/2)
}

// AddWeighted is [Funcs.AddWeighted] for a P and V of bfloat16, whole quads
// of rows, and an O whose columns have an order of their own: [WeightedCols]. P
// ends in a whole pair of keys; what follows an odd number must be there and
// zero. All pieces but the last have an even number. The sums run in the order of the pairs of keys.
func (x *Pairs) AddWeighted(o []float32, ldo int, p []uint16, ldp int, v *Pieces, rows int) {
	if rows < 0 || rows%QuadRows != 0 || v.dtype != kernels.BFloat16 {
		panic(errShape)
	}
	for _, piece := range v.list[:max(0, len(v.list)-1)] {
		if piece.rows%2 != 0 {
			panic(errShape)
		}
	}
	if !spans(o, ldo, rows, WeightedCols(v.cols)) || !spans(p, ldp, rows, 2*Depth(v.rows)) {
		panic(errShort)
	}
	if rows > 0 && v.rows > 0 && v.cols > 0 {
		x.weighted(o, ldo, p, ldp, v, rows, v.cols)
	}
}

func weightedPairsGeneric(o []float32, ldo int, p []uint16, ldp int, v *Pieces, rows, cols int) {
	v.each(func(first int, v Stored, keys int) {
		for i := range rows {
			for c := range cols {
				sum := &o[i*ldo+WeightedCol(c)]
				for j := 0; j < keys; j += 2 {
					at, high := i*ldp+first+j, uint16(0)
					if j+1 < keys {
						high = v.Half[(j+1)*v.LD+c]
					}
					weights, values := pairOf(p[at], p[at+1]), pairOf(v.Half[j*v.LD+c], high)
					*sum += upper(weights) * upper(values)
					*sum += lower(weights) * lower(values)
				}
			}
		}
	})
}
