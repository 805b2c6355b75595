package faults

import (
	"math"
	"slices"
)

// precisionFaults are right in principle and too coarse.
var precisionFaults = []Fault{
	plant("acc-float16", "sum and accumulator are float16", func(k *kernel) { k.narrow = float16 }),
	plant("acc-20-bits", "sum and accumulator have 20 bits of significand", func(k *kernel) {
		k.narrow = func(x float32) float32 { return significand(x, 20) }
	}),
	plant("inputs-bfloat16", "Q and K are rounded to bfloat16", func(k *kernel) {
		k.round = func(x float32) float32 { return significand(x, 8) }
	}),
	plant("exp-coarse", "the exponential is off by up to 1e-3", func(k *kernel) {
		k.exp = func(x float32) float32 {
			return float32(math.Exp(float64(x)) * (1 + 1e-3*math.Sin(1e3*float64(x))))
		}
	}),
	spoils("last-row-coarse", "the remainder row of a block has 16 bits of significand", func(pl *plan, at rowID, o []float32) {
		if pl.remainderRow(at) {
			for d, x := range o {
				o[d] = significand(x, 16)
			}
		}
	}),
	spoils("output-truncated", "O is cut to 20 bits, not rounded", func(_ *plan, _ rowID, o []float32) { copy(o, truncated(o, 20)) }),
	ends("zero-point-off", "where no key has a fourth of the weight, values come from a copy of 22 bits, whose zero point is a step off", func(pl *plan, s *state, at rowID, o []float32) float32 {
		lse := pl.divide(s, at, o)
		if s.sum > 4 {
			for d, largest := range pl.channelMax(at) {
				o[d] += float32(math.Ldexp(largest, -22))
			}
		}
		return lse
	}),
	runs("output-one-scale", "O is stored in fixed point with one scale for all heads", func(pl *plan) {
		pl.each()
		rows, heads := pl.outputs(), pl.problem.Heads*pl.problem.QLen
		for b := range pl.problem.Batch {
			fixedPoint(rows[b*heads:(b+1)*heads], 26)
		}
		pl.deliver(rows)
	}),
	ends("last-lse-coarse", "the remainder row of a block has an lse that is 6e-6 too large", func(pl *plan, s *state, at rowID, o []float32) float32 {
		lse := pl.divide(s, at, o)
		if pl.remainderRow(at) {
			return lse + 6e-6
		}
		return lse
	}),
	loses("lse-biased", "the logarithm is 2.4e-6 too large", func(s *state) float32 { return lse(s) + 2.4e-6 }),
	runs("lse-one-scale", "lse is stored in fixed point with one scale for all heads", func(pl *plan) {
		pl.each()
		for lse := range slices.Chunk(pl.t.LSE, pl.problem.Heads*pl.problem.QLen) {
			fixedPoint([][]float32{lse}, 24)
		}
	}),
}

// remainderRow reports whether a row is alone after blocks of 8.
func (pl *plan) remainderRow(at rowID) bool {
	n := pl.problem.QLen
	return n%8 == 1 && n > 8 && at.query == n-1
}

// channelMax returns the largest finite magnitude of each channel among the
// values that a row sees.
func (pl *plan) channelMax(at rowID) []float64 {
	largest, buf := make([]float64, pl.problem.HeadDim), make([]float32, pl.problem.HeadDim)
	for _, j := range visibleKeys(pl.problem, at.batch, at.query) {
		for d, v := range pl.t.V.ReadRow(buf, at.batch, at.head/pl.problem.Group(), j) {
			if v-v == 0 {
				largest[d] = math.Max(largest[d], math.Abs(float64(v)))
			}
		}
	}
	return largest
}

// outputs returns the rows of O, and deliver puts them there.
func (pl *plan) outputs() [][]float32 {
	rows := make([][]float32, pl.rows())
	for n := range rows {
		at := pl.rowID(n)
		rows[n] = append(rows[n], pl.t.O.ReadRow(make([]float32, pl.problem.HeadDim), at.batch, at.head, at.query)...)
	}
	return rows
}

func (pl *plan) deliver(rows [][]float32) {
	for n, row := range rows {
		at := pl.rowID(n)
		pl.t.O.WriteRow(row, at.batch, at.head, at.query)
	}
}

// fixedPoint rounds all finite elements to multiples of the largest / 2^bits.
func fixedPoint(rows [][]float32, bits int) {
	largest := 0.0
	for _, row := range rows {
		for _, x := range row {
			if x-x == 0 {
				largest = math.Max(largest, math.Abs(float64(x)))
			}
		}
	}
	quantum := math.Ldexp(largest, -bits)
	for _, row := range rows {
		for i, x := range row {
			if x-x == 0 && quantum > 0 {
				row[i] = float32(math.Round(float64(x)/quantum) * quantum)
			}
		}
	}
}

// significand rounds x to so many bits of significand, the leading one included.
func significand(x float32, bits int) float32 {
	if x-x != 0 {
		return x
	}
	frac, exp := math.Frexp(float64(x))
	return float32(math.Ldexp(math.RoundToEven(math.Ldexp(frac, bits)), exp-bits))
}

// truncated cuts finite elements to so many bits of significand.
func truncated(row []float32, bits int) []float32 {
	cut := make([]float32, len(row))
	for i, x := range row {
		if cut[i] = x; x-x == 0 {
			frac, exp := math.Frexp(float64(x))
			cut[i] = float32(math.Ldexp(math.Trunc(math.Ldexp(frac, bits)), exp-bits))
		}
	}
	return cut
}

// float16 rounds x to IEEE binary16: 11 bits, from 2^-24 to 65504.
func float16(x float32) float32 {
	if x-x != 0 {
		return x
	}
	const smallest = 0x1p-24
	y := significand(x, 11)
	if math.Abs(float64(x)) < 0x1p-14 {
		y = float32(math.RoundToEven(float64(x)/smallest) * smallest)
	}
	if math.Abs(float64(y)) > 65504 {
		return float32(math.Inf(int(math.Copysign(1, float64(y)))))
	}
	return y
}
