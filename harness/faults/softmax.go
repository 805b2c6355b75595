package faults

import (
	"math"

	"github.com/attnbench/attnbench/kernels"
)

// scoreFaults get the logits wrong.
var scoreFaults = []Fault{
	scaled("scale-missing", "logits are q·k", func(kernels.Problem) float64 { return 1 }),
	scaled("scale-twice", "logits are scaled in Q and again after the product", func(p kernels.Problem) float64 {
		return p.EffectiveScale() * p.EffectiveScale()
	}),
	scaled("scale-fixed", "a scale other than 1/√headDim is ignored", func(kernels.Problem) float64 { return 0 }),
	scaled("scale-by-dim", "logits are divided by headDim, not by its root", func(p kernels.Problem) float64 {
		return 1 / float64(p.HeadDim)
	}),
	scores("softcap-ignored", "logits are not capped", func(p kernels.Problem, dot float32, head, distance int) float32 {
		p.Softcap = 0
		return logit(p, dot, head, distance)
	}),
	scores("softcap-clipped", "logits are clipped at the cap instead of bent by tanh", func(p kernels.Problem, dot float32, head, distance int) float32 {
		limit := float32(p.Softcap)
		if p.Softcap = 0; limit == 0 {
			return logit(p, dot, head, distance)
		}
		s := logit(kernels.Problem{HeadDim: p.HeadDim, Scale: p.Scale}, dot, head, 0)
		return min(max(s, -limit), limit) + logit(p, 0, head, distance)
	}),
	scores("alibi-ignored", "distances do not count", func(p kernels.Problem, dot float32, head, distance int) float32 {
		p.ALiBi = false
		return logit(p, dot, head, distance)
	}),
	scores("alibi-one-slope", "every head has the first one's slope", func(p kernels.Problem, dot float32, _, distance int) float32 {
		return logit(p, dot, 0, distance)
	}),
	scores("alibi-reversed", "distances add to the logits", func(p kernels.Problem, dot float32, head, distance int) float32 {
		unbiased := p
		unbiased.ALiBi = false
		return 2*logit(unbiased, dot, head, distance) - logit(p, dot, head, distance)
	}),
	scores("alibi-top-left", "distances count from the first key, whatever the lengths", func(p kernels.Problem, dot float32, head, distance int) float32 {
		return logit(p, dot, head, distance-p.Position(0))
	}),
	grouped("group-interleaved", "query head h reads key head h mod kvHeads", func(p kernels.Problem, head int) int { return head % p.KVHeads }),
	grouped("group-first", "every query head reads the first key head", func(kernels.Problem, int) int { return 0 }),
	plant("tile-stale", "the third tile of keys has the logits of the second", func(k *kernel) {
		k.tiles = func(_ *plan, _ rowID, keys []int) [][]int {
			tiles := cut(keys, tileKV)
			if len(tiles) > 2 {
				tiles[2] = tiles[1][:len(tiles[2])]
			}
			return tiles
		}
	}),
	plant("nan-key-skipped", "a key whose logit is NaN counts as hidden", func(k *kernel) {
		k.fold = func(pl *plan, s *state, at rowID, tile []int) {
			var good []int
			for _, j := range tile {
				if pl.score(s, at, []int{j}); s.logits[0] == s.logits[0] {
					good = append(good, j)
				}
			}
			pl.foldTile(s, at, good)
		}
	}),
}

func scores(name, wrong string, logit func(p kernels.Problem, dot float32, head, distance int) float32) Fault {
	return plant(name, wrong, func(k *kernel) { k.logit = logit })
}

// scaled scores with another scale.
func scaled(name, wrong string, scale func(p kernels.Problem) float64) Fault {
	return scores(name, wrong, func(p kernels.Problem, dot float32, head, distance int) float32 {
		p.Scale = scale(p)
		return logit(p, dot, head, distance)
	})
}

func grouped(name, wrong string, kvHead func(p kernels.Problem, head int) int) Fault {
	return plant(name, wrong, func(k *kernel) { k.kvHead = kvHead })
}

// lazyRise is the rise of a maximum, in logits, below which lazy rescaling
// leaves the state alone.
const lazyRise = 8

// softmaxFaults get the weights or their sum wrong.
var softmaxFaults = []Fault{
	rises("sum-not-rescaled", "the running sum keeps the old maximum", func(pl *plan, s *state, tileMax float32) {
		sum := s.sum
		pl.rescale(s, tileMax)
		s.sum = sum
	}),
	rises("acc-not-rescaled", "the accumulator keeps the old maximum", func(_ *plan, s *state, tileMax float32) {
		m := max(s.max, tileMax)
		if s.sum > 0 {
			s.sum *= float32(math.Exp(float64(s.max - m)))
		}
		s.max = m
	}),
	rises("max-of-first-tile", "the running maximum is never updated", func(_ *plan, s *state, tileMax float32) {
		if s.max == negInf() {
			s.max = tileMax
		}
	}),
	rises("max-from-zero", "the running maximum starts at 0, not at -Inf", func(pl *plan, s *state, tileMax float32) {
		pl.rescale(s, max(tileMax, 0))
	}),
	rises("max-lazy", "rescaling waits for a rise of 8, counted from the last tile instead of the last rescale", func(pl *plan, s *state, tileMax float32) {
		if s.max == negInf() || tileMax > s.tileMax+lazyRise {
			pl.rescale(s, tileMax)
		}
		s.tileMax = tileMax
	}),
	plant("softmax-missing", "every visible key has the same weight", func(k *kernel) {
		k.exp = func(x float32) float32 { return x - x + 1 }
	}),
	plant("exp-base-2", "the weights are powers of 2", func(k *kernel) {
		k.exp = func(x float32) float32 { return float32(math.Exp2(float64(x))) }
	}),
	plant("exp-cut-off", "weights below e^-8 are taken for 0", func(k *kernel) {
		k.exp = func(x float32) float32 {
			if x < -8 {
				return 0
			}
			return float32(math.Exp(float64(x)))
		}
	}),
	sinks("sink-logit-ignored", "the sink logits' weight is missing in the sum", func(*state, float32) {}),
	sinks("sink-logit-unshifted", "the maximum is not subtracted from the sink logit", func(s *state, logit float32) {
		s.sum += float32(math.Exp(float64(logit)))
	}),
	ends("sink-logit-in-lse", "lse counts the sink logit, which merging parts would then count twice", func(pl *plan, s *state, at rowID, o []float32) float32 {
		lse := pl.divide(s, at, o)
		if pl.problem.SinkLogits && lse > negInf() {
			return s.max + float32(math.Log(float64(s.sum)))
		}
		return lse
	}),
	loses("lse-base-2", "lse counts in bits", func(s *state) float32 { return lse(s) * math.Log2E }),
	loses("lse-without-max", "lse is the logarithm of the sum alone", func(s *state) float32 { return float32(math.Log(float64(s.sum))) }),
	loses("lse-only-max", "lse is the maximum alone", func(s *state) float32 { return s.max }),
	loses("lse-negated", "lse has the sign of a log-probability", func(s *state) float32 { return -lse(s) }),
}

func rises(name, wrong string, rise func(pl *plan, s *state, tileMax float32)) Fault {
	return plant(name, wrong, func(k *kernel) { k.rise = rise })
}

func loses(name, wrong string, lse func(s *state) float32) Fault {
	return plant(name, wrong, func(k *kernel) { k.lse = lse })
}

func sinks(name, wrong string, sink func(s *state, logit float32)) Fault {
	return plant(name, wrong, func(k *kernel) { k.sink = sink })
}
