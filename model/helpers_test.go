package model

import (
	"math"
	"slices"

	"github.com/attnbench/attnbench/model/internal/safetensors"
)

const weightsFile = "model.safetensors"

func equalBits(a, b []float32) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if math.Float32bits(a[i]) != math.Float32bits(b[i]) {
			return false
		}
	}
	return true
}

// furthest returns the largest difference of two lists; NaN and another length
// count as infinite.
func furthest(a, b []float32) float64 {
	if len(a) != len(b) {
		return math.Inf(1)
	}
	worst := 0.0
	for i := range a {
		d := math.Abs(float64(a[i]) - float64(b[i]))
		if math.IsNaN(d) {
			return math.Inf(1)
		}
		worst = max(worst, d)
	}
	return worst
}

// shifted moves every vector one place forward, the first to the end.
func shifted(t table) table {
	x, w := slices.Clone(t.Floats()), t.Width
	return table{Matrix: safetensors.FromFloats(append(x[w:], x[:w]...), w)}
}
