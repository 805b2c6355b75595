package harness

import (
	"math"
	"math/rand/v2"

	"github.com/attnbench/attnbench/kernels"
)

// fillConstant makes every logit the same, so that O is the plain mean of the
// visible values: a key too few or too many shows at once.
func fillConstant(_ kernels.Problem, t *kernels.Tensors, r *rand.Rand) {
	fillWith(&t.Q, func() float64 { return 0.5 })
	fillWith(&t.K, func() float64 { return 0.5 })
	fillWith(&t.V, r.NormFloat64)
}

// fillDominant gives each key head one key, at a random place, whose logit is
// about 40 above all others: an online softmax must rescale there, and what
// lies before it must vanish without a trace.
func fillDominant(p kernels.Problem, t *kernels.Tensors, r *rand.Rand) {
	fillNormal(p, t, r)
	lean := 1 / math.Sqrt(p.EffectiveScale()*float64(p.HeadDim))
	fillRows(&t.Q, func(row []float32) {
		for i := range row {
			row[i] = float32(lean) * (1 + row[i]/4)
		}
	})
	for b := range p.Batch {
		for h := range p.KVHeads {
			fillRow(&t.K, b, h, r.IntN(p.KVLen), make([]float32, p.HeadDim), func(row []float32) {
				for i := range row {
					row[i] += float32(40 * lean)
				}
			})
		}
	}
}

// fillOutliers makes a few channels of Q, K and V much larger than the rest,
// as trained transformers do.
func fillOutliers(p kernels.Problem, t *kernels.Tensors, r *rand.Rand) {
	fillNormal(p, t, r)
	for _, x := range []*kernels.Tensor{&t.Q, &t.K, &t.V} {
		for range 1 + p.HeadDim/32 {
			channel, gain := r.IntN(p.HeadDim), float32(10+20*r.Float64())
			fillRows(x, func(row []float32) { row[channel] *= gain })
		}
	}
}

// fillLarge spreads the logits to about ±1e4, where one float32 ulp is 1e-3
// and every exponential but one underflows.
func fillLarge(p kernels.Problem, t *kernels.Tensors, r *rand.Rand) {
	fillNormal(p, t, r)
	gain := float32(math.Sqrt(2500 / (p.EffectiveScale() * math.Sqrt(float64(p.HeadDim)))))
	for _, x := range []*kernels.Tensor{&t.Q, &t.K} {
		fillRows(x, func(row []float32) {
			for i := range row {
				row[i] *= gain
			}
		})
	}
}

// fillDenormal makes half of Q's and K's elements and all of V's subnormal.
func fillDenormal(_ kernels.Problem, t *kernels.Tensors, r *rand.Rand) {
	tiny := func() float64 { return (2*r.Float64() - 1) * 0x1p-126 }
	mixed := func() float64 {
		if r.IntN(2) == 0 {
			return tiny()
		}
		return r.NormFloat64()
	}
	fillWith(&t.Q, mixed)
	fillWith(&t.K, mixed)
	fillWith(&t.V, tiny)
}

// fillUneven gives the heads and channels different magnitudes, so that an
// error which is small beside the largest element is not small everywhere: the
// logits of the last head are 2^10 times those of the first, the values of the
// last channel 2^-20 times those of the first.
func fillUneven(p kernels.Problem, t *kernels.Tensors, r *rand.Rand) {
	fillNormal(p, t, r)
	buf := make([]float32, p.HeadDim)
	for h := range p.Heads {
		gain := float32(math.Exp2(math.Round(10 * share(h, p.Heads))))
		eachRowOf(&t.Q, h, buf, func(row []float32) {
			for i := range row {
				row[i] *= gain
			}
		})
	}
	fillRows(&t.V, func(row []float32) {
		for i := range row {
			row[i] *= float32(math.Exp2(math.Round(-20 * share(i, len(row)))))
		}
	})
}

// share places i of n on [0, 1].
func share(i, n int) float64 { return float64(i) / float64(max(1, n-1)) }

// eachRowOf calls fill for every row of one head.
func eachRowOf(t *kernels.Tensor, h int, buf []float32, fill func(row []float32)) {
	for b := range t.Batch {
		for i := range t.Len {
			fillRow(t, b, h, i, buf, fill)
		}
	}
}

// fillHidden sets keys and values that no query sees to infinities and NaN. A
// block of Int8 would be NaN as a whole, seen keys too; [Poison] does what can be
// done to it.
func fillHidden(p kernels.Problem, t *kernels.Tensors, r *rand.Rand) {
	if fillNormal(p, t, r); p.KVDType == kernels.Int8 {
		return
	}
	wild := []float32{float32(math.Inf(1)), float32(math.NaN()), float32(math.Inf(-1))}
	buf, at := make([]float32, p.HeadDim), 0
	eachHidden(p, func(b, j int) {
		for h := range p.KVHeads {
			for _, x := range []*kernels.Tensor{&t.K, &t.V} {
				fillRow(x, b, h, j, buf, func(row []float32) {
					for i := range row {
						row[i] = wild[at%len(wild)]
						at++
					}
				})
			}
		}
	})
}

// fillNaN puts a NaN into one value of the first head, a third along the keys,
// and into one key of the last head, two thirds along: some queries see them.
func fillNaN(p kernels.Problem, t *kernels.Tensors, r *rand.Rand) {
	fillNormal(p, t, r)
	plant(&t.V, 0, p.KVLen/3, p.HeadDim/2, math.NaN())
	plant(&t.K, p.KVHeads-1, 2*p.KVLen/3, p.HeadDim/2, math.NaN())
}

// fillInf does as fillNaN with infinities, of both signs in V.
func fillInf(p kernels.Problem, t *kernels.Tensors, r *rand.Rand) {
	fillNormal(p, t, r)
	plant(&t.V, 0, p.KVLen/3, p.HeadDim/2, math.Inf(1))
	plant(&t.V, 0, p.KVLen/2, p.HeadDim/2, math.Inf(-1))
	plant(&t.K, p.KVHeads-1, 2*p.KVLen/3, p.HeadDim/2, math.Inf(1))
}

// plant sets one channel of a row of every batch element.
func plant(t *kernels.Tensor, h, i, channel int, x float64) {
	buf := make([]float32, t.Dim)
	for b := range t.Batch {
		fillRow(t, b, h, i, buf, func(row []float32) { row[channel] = float32(x) })
	}
}
