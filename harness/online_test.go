package harness

import (
	"math"

	"github.com/attnbench/attnbench/kernels"
)

// online is a kernel to try the checker on: online softmax over key tiles in
// float32, with scale·log2(e) folded into Q, as fast kernels have it. Its
// fields plant faults; the zero value is right.
type online struct {
	tile int // keys; 0 means 16

	scale     func(p kernels.Problem) float64 // the logits' factor
	position  func(p kernels.Problem) kernels.Problem
	keyHead   func(p kernels.Problem, head int) int
	dropLast  bool // each row loses its last visible key
	noRescale bool // the accumulator keeps its old maximum
	baseTwo   bool // lse in bits
	readAll   bool // masked keys enter with weight 0
	exp2      func(float32) float32
	narrow    func(float32) float32 // rounds the accumulator
	after     func(p kernels.Problem, t *kernels.Tensors)
}

func (k online) run(p kernels.Problem, t *kernels.Tensors) {
	for b := range p.Batch {
		for h := range p.Heads {
			for i := range p.QLen {
				k.row(p, t, b, h, i)
			}
		}
	}
	if k.after != nil {
		k.after(p, t)
	}
}

func (k online) row(p kernels.Problem, t *kernels.Tensors, b, h, i int) {
	keyHead := h / p.Group()
	if k.keyHead != nil {
		keyHead = k.keyHead(p, h)
	}
	scale := p.EffectiveScale()
	if k.scale != nil {
		scale = k.scale(p)
	}
	q := make([]float32, p.HeadDim)
	for d, x := range t.Q.Row(b, h, i) {
		q[d] = x * float32(scale*math.Log2E)
	}
	acc, rowMax, rowSum := make([]float32, p.HeadDim), float32(math.Inf(-1)), float32(0)
	for _, tile := range k.tiles(p, b, i) {
		logits := make([]float32, len(tile))
		tileMax := rowMax
		for at, j := range tile {
			for d, x := range t.K.Row(b, keyHead, j) {
				logits[at] += q[d] * x
			}
			tileMax = max(tileMax, logits[at])
		}
		if rescale := k.exp(rowMax - tileMax); !k.noRescale && !math.IsInf(float64(rowMax), -1) {
			rowSum *= rescale
			for d := range acc {
				acc[d] *= rescale
			}
		}
		rowMax = tileMax
		for at, j := range tile {
			w := k.exp(logits[at] - rowMax)
			rowSum += w
			for d, v := range t.V.Row(b, keyHead, j) {
				acc[d] = k.round(acc[d] + w*v)
			}
		}
	}
	k.store(p, t, b, h, i, acc, rowMax, rowSum)
}

func (k online) store(p kernels.Problem, t *kernels.Tensors, b, h, i int, acc []float32, rowMax, rowSum float32) {
	o, lse := t.O.Row(b, h, i), float32(math.Inf(-1))
	clear(o)
	if !math.IsInf(float64(rowMax), -1) {
		for d := range o {
			o[d] = acc[d] * (1 / rowSum)
		}
		lse = rowMax + float32(math.Log2(float64(rowSum)))
		if !k.baseTwo {
			lse *= math.Ln2
		}
	}
	if k.readAll {
		for j := range p.KVLen {
			for d, v := range t.V.Row(b, 0, j) {
				o[d] += 0 * v
			}
		}
	}
	if t.LSE != nil {
		t.LSE[(b*p.Heads+h)*p.QLen+i] = lse
	}
}

// tiles returns the visible keys, a tile at a time.
func (k online) tiles(p kernels.Problem, b, i int) [][]int {
	if k.position != nil {
		p = k.position(p)
	}
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

func (k online) round(x float32) float32 {
	if k.narrow != nil {
		return k.narrow(x)
	}
	return x
}
