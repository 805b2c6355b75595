package faults

import (
	"math"
	"slices"

	"github.com/attnbench/attnbench/kernels"
)

// featureFaults get wrong what only some problems have: caps, biases, sinks,
// packed sequences, pages, halves, splits.
var featureFaults = []Fault{
	plant("softcap-after-mask", "hidden logits are capped too, from -Inf to -softcap", func(k *kernel) {
		k.keys = func(p kernels.Problem, b, i int) []int {
			if p.Softcap != 0 {
				p.Mask = kernels.Mask{}
			}
			return visibleKeys(p, b, i)
		}
		k.fold = (*plan).foldCapped
	}),
	scores("softcap-before-scale", "q·k is capped first and scaled then", func(p kernels.Problem, dot float32, head, distance int) float32 {
		if limit := float32(p.Softcap); limit != 0 {
			dot, p.Softcap = limit*float32(math.Tanh(float64(dot/limit))), 0
		}
		return logit(p, dot, head, distance)
	}),
	scores("softcap-after-bias", "the cap bends the distance bias too", func(p kernels.Problem, dot float32, head, distance int) float32 {
		limit := float32(p.Softcap)
		if p.Softcap = 0; limit == 0 {
			return logit(p, dot, head, distance)
		}
		return limit * float32(math.Tanh(float64(logit(p, dot, head, distance)/limit)))
	}),
	scores("alibi-slopes-reversed", "the last head has the first one's slope, and so on", func(p kernels.Problem, dot float32, head, distance int) float32 {
		return logit(p, dot, p.Heads-1-head, distance)
	}),
	scores("alibi-slopes-even", "the slopes of a count that is no power of two are spaced evenly", func(p kernels.Problem, dot float32, head, distance int) float32 {
		unbiased := p
		if unbiased.ALiBi = false; !p.ALiBi {
			return logit(p, dot, head, distance)
		}
		slope := float32(math.Exp2(-8 * float64(head+1) / float64(p.Heads)))
		return logit(unbiased, dot, head, distance) - slope*float32(max(distance, -distance))
	}),
	scores("alibi-signed", "keys after the query gain by their distance", func(p kernels.Problem, dot float32, head, distance int) float32 {
		if p.ALiBi && distance < 0 {
			unbiased := p
			unbiased.ALiBi = false
			return 2*logit(unbiased, dot, head, distance) - logit(p, dot, head, distance)
		}
		return logit(p, dot, head, distance)
	}),
	binds("sink-logits-of-first", "every head has the first one's sink logit", func(_ kernels.Problem, t kernels.Tensors) kernels.Tensors {
		t.SinkLogits = append([]float32(nil), t.SinkLogits...)
		for h := range t.SinkLogits {
			t.SinkLogits[h] = t.SinkLogits[0]
		}
		return t
	}),
	ends("sink-logit-in-output", "the sink's weight is added to the output, as if it had a value of 1", func(pl *plan, s *state, at rowID, o []float32) float32 {
		lse := pl.divide(s, at, o)
		if pl.problem.SinkLogits && lse > negInf() {
			weight := float32(math.Exp(float64(pl.t.SinkLogits[at.head]-s.max))) / s.sum
			for d := range o {
				o[d] += weight
			}
		}
		return lse
	}),
	sees("packing-keys-late", "the cumulative lengths of the keys are one too many", masked(func(m *kernels.Mask) {
		if m.Packing != nil {
			m.Packing = &kernels.Packing{Q: m.Packing.Q, K: later(m.Packing.K)}
		}
	})),
	sees("packing-late", "the first token of a packed sequence counts as the last of the one before", masked(func(m *kernels.Mask) {
		if m.Packing != nil {
			m.Packing = &kernels.Packing{Q: later(m.Packing.Q), K: later(m.Packing.K)}
		}
	})),
	pages("page-missing", "the last page of a sequence is read where its first lies", func(table, _ []int32) {
		table[len(table)-1] = table[0]
	}),
	pages("pages-of-first", "every batch element reads the first one's pages", func(table, first []int32) {
		copy(table, first)
	}),
	plant("acc-stored-half", "the accumulator is rounded to the element type of V between tiles", func(k *kernel) {
		k.fold = func(pl *plan, s *state, at rowID, tile []int) {
			pl.foldTile(s, at, tile)
			if t := pl.problem.KVDType; t.Half() {
				for d, x := range s.acc {
					s.acc[d] = t.Widen(t.Narrow(x))
				}
			}
		}
	}),
	plant("half-truncated", "an output of halves is cut, not rounded", func(k *kernel) {
		k.store = func(t *kernels.Tensor, o []float32, at rowID) {
			if t.DType != kernels.Float32 {
				o = truncated(o, map[kernels.DType]int{kernels.Float16: 11, kernels.BFloat16: 8}[t.DType])
			}
			t.WriteRow(o, at.batch, at.head, at.query)
		}
	}),
	plant("pair-exchanged", "where more than two rows of bfloat16 share their keys in decode, the weights of a pair of keys are exchanged", func(k *kernel) {
		k.fold = func(pl *plan, s *state, at rowID, tile []int) {
			values := slices.Clone(tile)
			if p := pl.problem; p.DType == kernels.BFloat16 && p.KVDType == kernels.BFloat16 && p.QLen <= 8 && p.QLen*p.Group() > 2 {
				for i := 1; i < len(values); i += 2 {
					values[i-1], values[i] = values[i], values[i-1]
				}
			}
			pl.score(s, at, tile)
			pl.rise(pl, s, maximum(s.logits))
			pl.weigh(s, at, values)
		}
	}),
	attends("split-averaged", "more than 64 keys are split, and the outputs of the parts averaged", (*plan).attendAveraged),
}

// pages plants a fault in the page table of each batch element, which is told
// the first one's.
func pages(name, wrong string, change func(table, first []int32)) Fault {
	return binds(name, wrong, func(_ kernels.Problem, t kernels.Tensors) kernels.Tensors {
		return eachOperand(t, func(x kernels.Tensor) kernels.Tensor {
			x.Pages = append([]int32(nil), x.Pages...)
			if n := len(x.Pages) / x.Batch; n > 0 {
				for b := range x.Batch {
					change(x.Pages[b*n:(b+1)*n], x.Pages[:n])
				}
			}
			return x
		})
	})
}

// later moves the ends of all sequences but the last by one.
func later(ends []int) []int {
	moved := append([]int(nil), ends...)
	for i := 1; i < len(ends)-1; i++ {
		moved[i] = min(ends[i]+1, ends[len(ends)-1])
	}
	return moved
}

// foldCapped folds a tile in which the logits of hidden keys are -softcap.
func (pl *plan) foldCapped(s *state, at rowID, tile []int) {
	pl.score(s, at, tile)
	if limit := float32(pl.problem.Softcap); limit != 0 {
		seen := map[int]bool{}
		for _, j := range visibleKeys(pl.problem, at.batch, at.query) {
			seen[j] = true
		}
		for n, j := range tile {
			if !seen[j] {
				s.logits[n] = -limit
			}
		}
	}
	pl.rise(pl, s, maximum(s.logits))
	pl.weigh(s, at, tile)
}

// attendAveraged takes the keys of a row in parts of 64 and averages what they
// give; the lse is right.
func (pl *plan) attendAveraged(at rowID) {
	parts := cut(pl.keys(pl.problem, at.batch, at.query), 64)
	if len(parts) < 2 {
		pl.attendRow(at)
		return
	}
	o, row := make([]float32, pl.problem.HeadDim), make([]float32, pl.problem.HeadDim)
	lse := negInf()
	for _, part := range parts {
		s := state{acc: make([]float32, pl.problem.HeadDim), max: negInf()}
		for _, tile := range cut(part, tileKV) {
			pl.fold(pl, &s, at, tile)
		}
		a, b := float64(lse), float64(pl.divide(&s, at, row))
		m := math.Max(a, b)
		lse = float32(m + math.Log(math.Exp(a-m)+math.Exp(b-m)))
		for d, x := range row {
			o[d] += x / float32(len(parts))
		}
	}
	pl.store(&pl.t.O, o, at)
	if pl.t.LSE != nil {
		pl.t.LSE[(at.batch*pl.problem.Heads+at.head)*pl.problem.QLen+at.query] = lse
	}
}
