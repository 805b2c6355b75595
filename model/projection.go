package model

import (
	"github.com/attnbench/attnbench/kernels/linear"
	"github.com/attnbench/attnbench/model/internal/safetensors"
)

// A projection is y = x·W + b. It is the one place that multiplies by weights.
type projection struct {
	in, out int
	weight  *linear.Matrix // W [in, out]
	bias    []float32      // [out], or nil
}

// newProjection packs a weight: W [in, out], or Wᵀ [out, in] if transposed.
func newProjection(weight, bias []float32, in, out int, transposed bool) projection {
	packed, err := linear.Pack(weight, in, out, transposed, "")
	if err != nil {
		panic("model: no instruction set") // "" is always there
	}
	return projection{in, out, packed, bias}
}

// projectionOf packs Wᵀ [out, in] from where it is stored.
func projectionOf(weight safetensors.Matrix, bias []float32) projection {
	if w := weight.InPlace(); w != nil {
		return newProjection(w, bias, weight.Width, weight.Rows, true)
	}
	packed, err := linear.PackRows(weight.Width, weight.Rows, "", weight.Row)
	if err != nil {
		panic("model: no instruction set") // "" is always there
	}
	return projection{weight.Width, weight.Rows, packed, bias}
}

// apply computes dst [rows, out] from x [rows, in]. A row's result does not
// depend on the other rows nor on threads.
func (l *projection) apply(dst, x []float32, rows, threads int) {
	l.weight.Apply(dst, x, l.bias, rows, threads)
}
