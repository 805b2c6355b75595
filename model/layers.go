package model

import (
	"maps"
	"math"
	"slices"
)

// A norm is layer normalisation over the width, with scale and shift.
type norm struct {
	weight, bias []float32 // [width]
}

// apply computes, for each row of x [rows, width],
//
//	dst[i] = (x[i] − mean(x)) / √(var(x) + epsilon) · weight[i] + bias[i]
//
// with the moments in float64. dst may be x.
func (n *norm) apply(dst, x []float32, epsilon float64) {
	width := len(n.weight)
	for ; len(x) >= width; dst, x = dst[width:], x[width:] {
		mean, variance := moments(x[:width])
		scale := 1 / math.Sqrt(variance+epsilon)
		for i, v := range x[:width] {
			dst[i] = float32((float64(v)-mean)*scale)*n.weight[i] + n.bias[i]
		}
	}
}

// An rmsNorm is root mean square normalisation (arXiv:1910.07467): scale, but
// neither shift nor mean.
type rmsNorm struct{ weight []float32 } // [width]

// apply computes, for each row of x [rows, width],
//
//	dst[i] = x[i] / √(mean(x²) + epsilon) · weight[i]
//
// with the mean in float64. dst may be x.
func (n *rmsNorm) apply(dst, x []float32, epsilon float64) {
	width := len(n.weight)
	for ; len(x) >= width; dst, x = dst[width:], x[width:] {
		sum := 0.0
		for _, v := range x[:width] {
			sum += float64(v) * float64(v)
		}
		scale := 1 / math.Sqrt(sum/float64(width)+epsilon)
		for i, v := range x[:width] {
			dst[i] = float32(float64(v)*scale) * n.weight[i]
		}
	}
}

// moments returns the mean and the population variance of x.
func moments(x []float32) (mean, variance float64) {
	for _, v := range x {
		mean += float64(v)
	}
	mean /= float64(len(x))
	for _, v := range x {
		variance += (float64(v) - mean) * (float64(v) - mean)
	}
	return mean, variance / float64(len(x))
}

// gelus has the forms of the GELU by the names that Hugging Face gives them.
var gelus = map[string]func(x []float32){"gelu": geluErf, "gelu_new": geluTanh, "gelu_pytorch_tanh": geluTanh}

var geluNames = slices.Sorted(maps.Keys(gelus))

// geluErf replaces x with GELU(x) as it is defined (Gaussian Error Linear
// Units, arXiv:1606.08415): ½·x·(1 + erf(x/√2)).
func geluErf(x []float32) {
	for i, v := range x {
		x[i] = float32(0.5 * float64(v) * (1 + math.Erf(float64(v)/math.Sqrt2)))
	}
}

// geluTanh replaces x with GELU(x) in the tanh form that GPT-2 was trained with
// (section 2 there):
//
//	½·x·(1 + tanh(√(2/π)·(x + 0.044715·x³)))
func geluTanh(x []float32) {
	const c = 0.7978845608028654 // √(2/π)
	for i, v := range x {
		v := float64(v)
		x[i] = float32(0.5 * v * (1 + math.Tanh(c*(v+0.044715*v*v*v))))
	}
}

// swiGLU replaces gate with silu(gate)·up, silu(x) = x/(1 + e⁻ˣ) (GLU Variants
// Improve Transformer, arXiv:2002.05202).
func swiGLU(gate, up []float32) {
	for i, v := range gate {
		gate[i] = float32(float64(v)/(1+math.Exp(-float64(v)))) * up[i]
	}
}

// add adds y to x.
func add(x, y []float32) {
	for i, v := range y {
		x[i] += v
	}
}
