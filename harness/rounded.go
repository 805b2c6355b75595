package harness

import (
	"math"

	"github.com/attnbench/attnbench/kernels"
)

// Rounds reports whether k, planned for p with opts, rounds P to the type of V.
func Rounds(k kernels.Kernel, p kernels.Problem, opts kernels.Options) bool {
	r, ok := k.(kernels.WeightRounder)
	return ok && r.RoundsWeights(p, opts)
}

// ReferenceFor returns the Reference that a plan is held against: [NewReference], or
// one whose yardstick rounds P to the type of V where k does so with opts. What P rounded
// costs at most, and as a rule, then joins the bound and the floor.
func ReferenceFor(k kernels.Kernel, opts kernels.Options, p kernels.Problem, t *kernels.Tensors, s Sampling) (*Reference, error) {
	return newReference(p, t, s, Rounds(k, p, opts))
}

// roundWeight is the yardstick's P as V's type holds it.
func (e *evaluator) roundWeight(p float32) float32 {
	if !e.rounded {
		return p
	}
	return e.p.KVDType.Widen(e.p.KVDType.Narrow(p))
}

// allowRounding adds to floor and bound what rounding every weight does to the
// weighted sum: Σ u·P|V| at worst, and as a rule, the roundings being
// independent, no more than the root of the squares' sum; and then the stored
// output may fall to the other side. Kernels round weights of at most 1 before
// they divide by the sum, which only makes the absolute error of a subnormal
// float16 smaller.
func (e *evaluator) allowRounding(head int) {
	if !e.rounded {
		return
	}
	r := &e.row
	squares, worst := make([]float64, len(r.want)), make([]float64, len(r.want))
	for at, j := range e.keys {
		off := storage(e.p.KVDType, e.weights[at])
		for d, v := range e.value(head, j) {
			x := off * math.Abs(float64(v))
			if !finite(x) {
				continue
			}
			worst[d] += x
			squares[d] += x * x
		}
	}
	for d := range r.want {
		r.floor[d] += math.Sqrt(squares[d]) + storage(e.p.DType, math.Abs(r.want[d]))
		r.bound[d] += worst[d] + storage(e.p.DType, worst[d])
	}
}
