package chart

import (
	"math"
	"slices"

	"gonum.org/v1/plot"
)

// ticks returns at most n labelled ticks within a span.
func (a Axis) ticks(s span, n int) []plot.Tick {
	values := a.Ticks
	switch {
	case values != nil:
		values = within(values, s)
	case a.Log && a.Binary:
		values = binaryTicks(s, n)
	case a.Log:
		values = logTicks(s, n)
	default:
		values = linearTicks(s, n)
	}
	return a.label(thin(values, n))
}

func (a Axis) label(values []float64) []plot.Tick {
	out := make([]plot.Tick, len(values))
	for i, v := range values {
		out[i] = plot.Tick{Value: v, Label: a.Format(v)}
	}
	return out
}

func within(values []float64, s span) []float64 {
	var out []float64
	for _, v := range values {
		if s.lo <= v && v <= s.hi {
			out = append(out, v)
		}
	}
	return out
}

// thin keeps at most n values, the last of them and every k-th before it.
func thin(values []float64, n int) []float64 {
	step := (len(values) + n - 1) / max(n, 1)
	if step <= 1 {
		return values
	}
	var out []float64
	for i := (len(values) - 1) % step; i < len(values); i += step {
		out = append(out, values[i])
	}
	return out
}

// logTicks returns the powers of ten in a span, and between them 2 and 5 times
// these where there is room.
func logTicks(s span, n int) []float64 {
	var best []float64
	for _, factors := range [][]float64{{1}, {1, 3}, {1, 2, 5}} {
		var values []float64
		for e := math.Floor(math.Log10(s.lo)); e <= math.Log10(s.hi); e++ {
			for _, f := range factors {
				values = append(values, f*math.Pow(10, e))
			}
		}
		if values = within(values, s); best == nil || len(values) <= n {
			best = values
		}
	}
	if len(best) < 2 {
		return linearTicks(s, n)
	}
	return best
}

// binaryTicks returns powers of two in a span, as far apart as there is room.
func binaryTicks(s span, n int) []float64 {
	first, last := math.Ceil(math.Log2(s.lo)), math.Floor(math.Log2(s.hi))
	step := 1.0
	for (last-first)/step+1 > float64(n) {
		step *= 2
	}
	var out []float64
	for e := math.Ceil(first/step) * step; e <= last; e += step {
		out = append(out, math.Exp2(e))
	}
	return out
}

// linearTicks returns the multiples of 1, 2 or 5 times a power of ten, as many
// as there is room for.
func linearTicks(s span, n int) []float64 {
	step := math.Pow(10, math.Floor(math.Log10((s.hi-s.lo)/float64(n))))
	for _, f := range []float64{1, 2, 5, 10} {
		if (s.hi-s.lo)/(f*step) <= float64(n) {
			step *= f
			break
		}
	}
	first := math.Ceil(s.lo / step)
	var out []float64
	for i := range n + 1 { // bounded, for a span too narrow for its values has no steps
		if v := (first + float64(i)) * step; v <= s.hi {
			out = append(out, v)
		}
	}
	return slices.Compact(out)
}
