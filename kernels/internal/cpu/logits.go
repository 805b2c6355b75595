package cpu

import (
	"math"

	"github.com/attnbench/attnbench/kernels"
	"github.com/attnbench/attnbench/kernels/internal/simd"
)

// Shaped reports whether scores are more than scale·q·k.
func (p *Plan) Shaped() bool { return p.Problem.Softcap != 0 || p.Problem.ALiBi }

// ScaleLog2 returns what Q or K is to be multiplied by, so that after
// [Plan.Logits] scores are in units of ln 2.
func (p *Plan) ScaleLog2() float32 {
	if p.Problem.Softcap != 0 {
		return float32(p.Problem.EffectiveScale())
	}
	return float32(p.Problem.EffectiveScale() * math.Log2E)
}

// A Scratch lends a worker's calls the room that they would allocate.
type Scratch struct {
	Visible []kernels.Interval
	rows    [simd.MaxRows]float32
	slopes  [simd.MaxRows]float32
	first   [simd.MaxRows]int32
}

// NewScratch returns room for the problem's rows.
func (p *Plan) NewScratch() Scratch {
	return Scratch{Visible: make([]kernels.Interval, 0, p.Problem.Mask.MaxIntervals())}
}

// Logits turns the raw scores of up to simd.MaxRows rows and the keys of an
// interval into logits in units of ln 2, and hides what is not visible, in
// place: soft cap, then distance bias, then mask. The rows run from a query of
// a head on through its queries and those of the heads after it; full says that
// they see all the keys.
func (p *Plan) Logits(s []float32, lds, rows, batch, head, query int, keys kernels.Interval, full bool, scratch *Scratch) {
	n, qLen := keys.Len(), p.Problem.QLen
	if limit := p.Problem.Softcap; limit != 0 {
		p.simd.Softcap(s, lds, rows, n, float32(1/limit), float32(limit*math.Log2E))
	}
	if p.Problem.ALiBi {
		for i := range rows {
			scratch.slopes[i] = float32(p.Problem.ALiBiSlope(head+(query+i)/qLen) * math.Log2E)
			scratch.first[i] = int32(keys.Lo - p.Problem.Position((query+i)%qLen))
		}
		p.simd.Bias(s, lds, rows, n, scratch.slopes[:], scratch.first[:])
	}
	for i := 0; i < rows && !full; i++ {
		scratch.Visible = p.Problem.AppendVisible(scratch.Visible[:0], batch, (query+i)%qLen)
		hide(s[i*lds:][:n], keys, scratch.Visible)
	}
}

// hide overwrites with −Inf the scores of keys outside of the visible ones.
func hide(s []float32, keys kernels.Interval, visible []kernels.Interval) {
	at := 0
	for _, v := range visible {
		v = v.Intersect(keys)
		if v.Len() == 0 {
			continue
		}
		fill(s[at:v.Lo-keys.Lo], float32(math.Inf(-1)))
		at = v.Hi - keys.Lo
	}
	fill(s[at:], float32(math.Inf(-1)))
}

func fill(x []float32, v float32) {
	for i := range x {
		x[i] = v
	}
}
