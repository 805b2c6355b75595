package flash

import (
	"math"

	"github.com/attnbench/attnbench/kernels"
	"github.com/attnbench/attnbench/kernels/internal/cpu"
	"github.com/attnbench/attnbench/kernels/internal/simd"
)

// decodesPairs reports whether x multiplies the few queries of p: not so few that
// the processor waits for memory whatever it does, and no pair of keys in two pages.
func decodesPairs(p kernels.Problem, x *simd.Pairs) bool {
	return x.TakesFew() && p.Group()*p.QLen > simd.StreamRows && p.PageSize%2 == 0
}

// usePairs lets x multiply.
func (d *decoder) usePairs(x *simd.Pairs) {
	d.UsePairs()
	d.pairs, d.scale[0] = x, d.ScaleLog2()
	d.room, d.cols = cpu.Ceil(d.rows, simd.QuadRows)*simd.QuadRows, simd.WeightedCols(d.cols)
	d.tiny = make([]bool, d.Problem.Batch*d.Problem.KVHeads*d.splits)
	d.Hold(int64(len(d.tiny)))
}

// attendPairs is attend on pairs: see the comment above pairWorker.
func (d *decoder) attendPairs(s *stream, batch, kvHead int, keys kernels.Interval, at int) {
	const lds = scoresLD
	x := d.pairs
	x.Dots(s.scores, lds, s.pairs, d.readAll(s, &d.K, batch, kvHead, keys))
	scale := d.ScaleLog2()
	if d.Shaped() {
		for r := range d.rows {
			row := s.scores[r*lds:]
			d.simd.Scale(row, lds, row, lds, 1, keys.Len(), d.scale[:])
		}
		scale = 1
	}
	d.shape(s, batch, kvHead, keys)
	for r := 0; r < d.rows; r += simd.MaxRows {
		rows := min(simd.MaxRows, d.rows-r)
		s.state.RowMax, s.state.RowSum = d.rowMax[at+r:][:rows], d.rowSum[at+r:][:rows]
		x.Weigh(d.acc[(at+r)*d.cols:], d.cols, s.scores[r*lds:], lds, rows, keys.Len(), d.cols, scale, &s.state)
	}
	x.AddWeighted(d.acc[at*d.cols:], d.cols, simd.AsHalves(s.scores), 2*lds, d.readAll(s, &d.V, batch, kvHead, keys), d.room)
}

// inOrder copies an output whose columns have the order of products of pairs.
func inOrder(o, acc []float32) {
	for c := range o {
		o[c] = acc[simd.WeightedCol(c)]
	}
}

// findTiny notes whether the values of a split hold numbers so small that
// products with them count as zero. They are looked at where it would show, in parts that
// came out so small themselves.
func (d *decoder) findTiny(s *stream, batch, kvHead, item int, split kernels.Interval) {
	d.tiny[item] = d.small(item*d.room) && d.holdsTiny(s, batch, kvHead, split)
}

// small reports whether a number of the parts from one on is: hasSmall.
func (d *decoder) small(at int) bool {
	for r := at; r < at+d.rows; r++ {
		if math.IsInf(float64(d.rowMax[r]), -1) {
			continue // saw nothing, and its acc was not written
		}
		acc := d.acc[r*d.cols:][:d.cols]
		if !hasSmall(acc) {
			continue
		}
		for c := range d.Problem.HeadDim { // there are zeros beyond
			if hasSmall(acc[simd.WeightedCol(c):][:1]) {
				return true
			}
		}
	}
	return false
}

// holdsTiny looks for tiny values among those of a split that are seen.
func (d *decoder) holdsTiny(s *stream, batch, kvHead int, split kernels.Interval) bool {
	x, dim := d.pairs, d.Problem.HeadDim
	room := simd.AsPairs(s.scores[:d.rows*scoresLD]) // what it is packed into is not looked at
	most := 2 * (len(room) / x.Cols)
	for _, span := range d.layout.Union(batch, 0) {
		v := span.Interval().Intersect(split)
		for v.Len() > 0 {
			at, n, _, _ := d.read(&d.V, batch, kvHead, v.Lo, min(v.Lo+most, v.Hi))
			for c := 0; c < dim; c += x.Cols {
				if x.Pack(room, d.V.Half[at+c:], d.V.RowStride, n, min(x.Cols, dim-c)) {
					return true
				}
			}
			v.Lo += n
		}
	}
	return false
}
