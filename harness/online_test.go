package harness

import (
	"math"

	"github.com/attnbench/attnbench/kernels"
)

// online is a kernel to try the checker on: online softmax over key tiles in
// float32, with scale·log2(e) folded into Q, as fast kernels have it.
type online struct {
	tile     int                   // keys; 0 means 16
	lanes    int                   // partial sums of a dot product, by fused steps; 0 means one sum, unfused
	exp2     func(float32) float32 // nil means math.Exp2
	dropLast bool                  // a fault: each row loses its last visible key
}

func (k online) run(p kernels.Problem, t *kernels.Tensors) {
	for b := range p.Batch {
		for h := range p.Heads {
			for i := range p.QLen {
				k.row(p, t, b, h, i)
			}
		}
	}
}

func (k online) row(p kernels.Problem, t *kernels.Tensors, b, h, i int) {
	q, keyHead := make([]float32, p.HeadDim), h/p.Group()
	for d, x := range t.Q.Row(b, h, i) {
		q[d] = x * float32(p.EffectiveScale()*math.Log2E)
	}
	acc, rowMax, rowSum := make([]float32, p.HeadDim), float32(math.Inf(-1)), float32(0)
	tiles := k.tiles(p, b, i)
	for _, tile := range tiles {
		logits := make([]float32, len(tile))
		tileMax := rowMax
		for at, j := range tile {
			logits[at] = k.dot(q, t.K.Row(b, keyHead, j))
			tileMax = max(tileMax, logits[at])
		}
		if rescale := k.exp(rowMax - tileMax); !math.IsInf(float64(rowMax), -1) {
			rowSum *= rescale
			for d := range acc {
				acc[d] *= rescale
			}
		}
		rowMax = tileMax
		base := rowMax
		if math.IsInf(float64(base), -1) {
			base = 0 // no weight yet
		}
		for at, j := range tile {
			w := k.exp(logits[at] - base)
			rowSum += w
			for d, v := range t.V.Row(b, keyHead, j) {
				acc[d] = k.add(acc[d], w, v)
			}
		}
	}
	o, lse := t.O.Row(b, h, i), float32(math.Inf(-1))
	clear(o)
	if len(tiles[0]) > 0 {
		for d := range o {
			o[d] = acc[d] * (1 / rowSum)
		}
		lse = (rowMax + float32(math.Log2(float64(rowSum)))) * math.Ln2
	}
	if t.LSE != nil {
		t.LSE[(b*p.Heads+h)*p.QLen+i] = lse
	}
}

// dot sums in lanes and then the lanes.
func (k online) dot(x, y []float32) float32 {
	sums := make([]float32, max(1, k.lanes))
	for d := range x {
		lane := d % len(sums)
		sums[lane] = k.add(sums[lane], x[d], y[d])
	}
	for n := len(sums); n > 1; n /= 2 {
		for lane := range n / 2 {
			sums[lane] += sums[lane+n/2]
		}
	}
	return sums[0]
}

func (k online) add(sum, x, y float32) float32 {
	if k.lanes > 0 {
		return fma(x, y, sum)
	}
	return sum + float32(x*y)
}

// fma rounds x·y + z once; the product is exact in float64.
func fma(x, y, z float32) float32 { return float32(float64(x)*float64(y) + float64(z)) }

// tiles returns the visible keys, a tile at a time, the last perhaps empty.
func (k online) tiles(p kernels.Problem, b, i int) [][]int {
	var keys []int
	for _, v := range p.AppendVisible(nil, b, i) {
		for j := v.Lo; j < v.Hi; j++ {
			keys = append(keys, j)
		}
	}
	if k.dropLast && len(keys) > 0 {
		keys = keys[:len(keys)-1]
	}
	size := max(k.tile, 16)
	var tiles [][]int
	for ; len(keys) > size; keys = keys[size:] {
		tiles = append(tiles, keys[:size])
	}
	return append(tiles, keys)
}

func (k online) exp(x float32) float32 {
	if k.exp2 != nil {
		return k.exp2(x)
	}
	return float32(math.Exp2(float64(x)))
}
