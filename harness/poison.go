package harness

import (
	"math"

	"github.com/attnbench/attnbench/kernels"
)

// The poisons are quiet NaNs that differ in their payload, so that a leaked
// key can be told from an element that was never written.
const (
	poisonKey    = 0x7fc0_0bad
	poisonOutput = 0x7fc0_dead
)

// Poison makes every K and V row that no query sees NaN, and overwrites the
// outputs by [PoisonOutputs]. A kernel that is right never notices.
func Poison(p kernels.Problem, t *kernels.Tensors) {
	nan := math.Float32frombits(poisonKey)
	for b := range p.Batch {
		seen := make([]bool, p.KVLen)
		for _, v := range p.VisibleKeys(b) {
			for j := v.Lo; j < v.Hi; j++ {
				seen[j] = true
			}
		}
		for j, s := range seen {
			if s {
				continue
			}
			for h := range p.KVHeads {
				fillSlice(t.K.Row(b, h, j), nan)
				fillSlice(t.V.Row(b, h, j), nan)
			}
		}
	}
	PoisonOutputs(t)
}

// PoisonOutputs overwrites O and LSE with a NaN that [Reference.Check]
// recognises, so that an element which a run did not write is found.
func PoisonOutputs(t *kernels.Tensors) {
	nan := math.Float32frombits(poisonOutput)
	fillRows(&t.O, func(row []float32) { fillSlice(row, nan) })
	fillSlice(t.LSE, nan)
}

func isPoison(x float32) bool { return math.Float32bits(x) == poisonOutput }

func fillSlice(s []float32, x float32) {
	for i := range s {
		s[i] = x
	}
}
