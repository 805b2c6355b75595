package harness

import (
	"math"

	"github.com/attnbench/attnbench/kernels"
)

// facts are what can be said about every row without evaluating it.
type facts struct {
	empty  []bool    // [Batch, QLen]: sees no key
	calm   []bool    // [Batch, Heads, QLen]: nothing in sight makes it anything but finite
	values []float64 // [Batch, KVHeads]: max |V| over all finite rows
}

// calmLimit is how large a sum may become before float32 may overflow in it,
// with room for a kernel that folds factors in or divides late.
const calmLimit = math.MaxFloat32 / 16

func newFacts(p kernels.Problem, t *kernels.Tensors) facts {
	f := facts{
		empty:  make([]bool, p.Batch*p.QLen),
		calm:   make([]bool, p.Batch*p.Heads*p.QLen),
		values: make([]float64, p.Batch*p.KVHeads),
	}
	var visible []kernels.Interval
	buf := make([]float32, p.HeadDim)
	for b := range p.Batch {
		heads := make([]headFacts, p.KVHeads)
		for h := range heads {
			heads[h] = newHeadFacts(p, t, b, h)
			f.values[b*p.KVHeads+h] = heads[h].maxV
		}
		for i := range p.QLen {
			visible = p.AppendVisible(visible[:0], b, i)
			f.empty[b*p.QLen+i] = len(visible) == 0
			for h := range p.Heads {
				hf := &heads[h*p.KVHeads/p.Heads]
				calm := hf.calm(p, t.Q.ReadRow(buf, b, h, i), visible) && (!p.SinkLogits || finite(float64(t.SinkLogits[h])))
				f.calm[(b*p.Heads+h)*p.QLen+i] = calm
			}
		}
	}
	return f
}

// headFacts describe the keys and values of one head.
type headFacts struct {
	wild       []int // wild[j] counts the keys before j with a NaN or Inf in K or V
	maxK, maxV float64
}

func newHeadFacts(p kernels.Problem, t *kernels.Tensors, b, h int) headFacts {
	f := headFacts{wild: make([]int, p.KVLen+1)}
	buf := make([]float32, p.HeadDim)
	for j := range p.KVLen {
		k, v := maxAbs(t.K.ReadRow(buf, b, h, j)), maxAbs(t.V.ReadRow(buf, b, h, j))
		f.wild[j+1] = f.wild[j]
		if !finite(k) || !finite(v) {
			f.wild[j+1]++
			continue
		}
		f.maxK, f.maxV = math.Max(f.maxK, k), math.Max(f.maxV, v)
	}
	return f
}

func (f *headFacts) calm(p kernels.Problem, q []float32, visible []kernels.Interval) bool {
	for _, v := range visible {
		if f.wild[v.Hi] != f.wild[v.Lo] {
			return false
		}
	}
	dot := maxAbs(q) * f.maxK * float64(p.HeadDim) * math.Max(1, p.EffectiveScale())
	return dot < calmLimit && f.maxV*float64(p.KVLen) < calmLimit
}

// maxAbs returns the largest magnitude; NaN wins.
func maxAbs(row []float32) float64 {
	m := float32(0)
	for _, x := range row {
		m = max(m, x, -x)
	}
	return float64(m)
}

func finite(x float64) bool { return !math.IsNaN(x) && !math.IsInf(x, 0) }
