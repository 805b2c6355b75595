package cpu

import (
	"math"

	"github.com/attnbench/attnbench/kernels"
)

// Shaped reports whether scores are more than scale·q·k.
func (p *Plan) Shaped() bool { return p.Problem.Softcap != 0 || p.Problem.ALiBi }

// ScaleLog2 returns what Q or K is to be multiplied by, so that after
// [Plan.Logits] scores are in units of ln 2.
func (p *Plan) ScaleLog2() float32 {
	if p.Shaped() {
		return float32(p.Problem.EffectiveScale())
	}
	return float32(p.Problem.EffectiveScale() * math.Log2E)
}

// Logits turns the raw scores of one query and the keys of an interval into
// logits in units of ln 2, and hides what is not visible, in place. scratch
// lends room for the query's intervals; it is nil when all keys are visible.
func (p *Plan) Logits(s []float32, batch, head, query int, keys kernels.Interval, scratch *[]kernels.Interval) {
	if p.Shaped() {
		p.Shape(head, query, keys.Lo, s)
		Scale(math.Log2E, s)
	}
	if scratch != nil {
		*scratch = p.Problem.AppendVisible((*scratch)[:0], batch, query)
		hide(s, keys, *scratch)
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
