package model

import (
	"maps"
	"math"
	"slices"
)

// gelus has the forms of the GELU by the names that Hugging Face gives them.
var gelus = map[string]func(x []float32){"gelu": geluErf, "gelu_new": geluTanh, "gelu_pytorch_tanh": geluTanh}

var geluNames = slices.Sorted(maps.Keys(gelus))

// geluErf replaces x with GELU(x) as it is defined (Gaussian Error Linear
// Units, arXiv:1606.08415): ½·x·(1 + erf(x/√2)). The error function is the
// approximation 7.1.26 of Abramowitz and Stegun, within 1.5e-7: for z ≥ 0
//
//	erf(z) = 1 − (a₁t + a₂t² + a₃t³ + a₄t⁴ + a₅t⁵)·exp(−z²), t = 1/(1 + 0.3275911·z)
func geluErf(x []float32) {
	const a1, a2, a3, a4, a5 = 0.254829592, -0.284496736, 1.421413741, -1.453152027, 1.061405429
	var buffer [expBlock]float64
	for ; len(x) > 0; x = x[min(len(x), expBlock):] {
		z := buffer[:min(len(x), expBlock)]
		for i := range z {
			v := float64(x[i])
			z[i] = -0.5 * v * v
		}
		exp(z)
		for i, e := range z {
			v := float64(x[i])
			t := 1 / (1 + 0.3275911/math.Sqrt2*math.Abs(v))
			tail := 0.5 * v * e * t * (a1 + t*(a2+t*(a3+t*(a4+t*a5)))) // ½·v·(1 − erf(|v|/√2))
			if v < 0 {
				x[i] = float32(tail)
			} else {
				x[i] = float32(v - tail)
			}
		}
	}
}

// geluTanh replaces x with GELU(x) in the tanh form that GPT-2 was trained with
// (section 2 there):
//
//	½·x·(1 + tanh(√(2/π)·(x + 0.044715·x³)))
//
// which is x/(1 + e⁻ᶻ) with z twice the argument of the tanh.
func geluTanh(x []float32) {
	const c = 2 * 0.7978845608028654 // 2·√(2/π)
	var buffer [expBlock]float64
	for ; len(x) > 0; x = x[min(len(x), expBlock):] {
		z := buffer[:min(len(x), expBlock)]
		for i := range z {
			v := float64(x[i])
			z[i] = -c * (v + 0.044715*v*v*v)
		}
		exp(z)
		for i, e := range z {
			x[i] = float32(float64(x[i]) / (1 + e))
		}
	}
}

// swiGLU replaces gate with silu(gate)·up, silu(x) = x/(1 + e⁻ˣ) (GLU Variants
// Improve Transformer, arXiv:2002.05202).
func swiGLU(gate, up []float32) {
	var buffer [expBlock]float64
	for len(gate) > 0 {
		z := buffer[:min(len(gate), expBlock)]
		for i := range z {
			z[i] = -float64(gate[i])
		}
		exp(z)
		for i, e := range z {
			gate[i] = float32(float64(gate[i])/(1+e)) * up[i]
		}
		gate, up = gate[len(z):], up[len(z):]
	}
}

// expBlock is how many exponentials the activations take at once.
const expBlock = 64

// exp replaces z with eᶻ to 1e-8, relative, for z in ±700; beyond that it stays
// e^±700, which is 0 or without bound to float32. NaN stays.
//
// Note: [math.Exp] and [math.Tanh] are exact to the last bit of float64 and take
// 20 ns an element: with them, activations took as long as a third of GPT-2's
// matrix products. Here eᶻ = 2ᵏ·eʳ with |r| ≤ ½·ln 2 and eight terms of the series, in a
// loop without a call: 5 ns.
func exp(z []float64) {
	const rounder = 3 << 51 // a sum with it has no fraction; its low bits are the integer
	for i, x := range z {
		if x > 700 {
			x = 700
		}
		if x < -700 {
			x = -700
		}
		shifted := x*math.Log2E + rounder
		r := x - (shifted-rounder)*math.Ln2
		r2 := r * r
		series := (1 + r) + r2*((1.0/2+r*(1.0/6))+r2*((1.0/24+r*(1.0/120))+r2*(1.0/720+r*(1.0/5040))))
		z[i] = series * math.Float64frombits((math.Float64bits(shifted)+1023)<<52)
	}
}
