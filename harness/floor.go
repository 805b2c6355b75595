package harness

import "math"

// setFloors grants, on top of twice the yardstick's error, what roundings do
// as a rule; for on few rows, or on special values, the yardstick may be right
// by luck. Sums of n terms whose roundings are independent are off by about
// √n·u (Higham and Mary, A New Approach to Probabilistic Rounding Error
// Analysis, 2019). So, with u the unit roundoff, D the head dimension and G
// what a logit is rounded on:
//
//	weighted sum  4u·Σ P|V|     two ulp of the output's scale
//	              3u·√n·|O|     its running sums, n keys sharing the weight
//	logits        (4+√D)·u·G    which reach O through P·|V−O|, where they add up as
//	                            independent errors do, or one u·G each in full
//	denormals     as the weighted sum, in units of the smallest float32
//
// The third line keeps the rule fair at logits of ±1e4, where one ulp of a
// logit is 1e-3 and moves P by as much, without opening it where one key
// dominates: there V−O vanishes, and so does the term.
//
// An lse is off by Σ P of its logits' errors, which may all have one sign.
func (r *row) setFloors(s spread) {
	r.floor = make([]float64, len(r.want))
	logit := 4 + math.Sqrt(float64(len(r.want)))
	sums := 3 * math.Sqrt(s.keys)
	for d, want := range r.want {
		r.floor[d] = unit*(4*s.scale[d]+sums*math.Abs(want)+math.Max(logit*math.Sqrt(s.random[d]), s.grain[d])) + (4+sums)*smallest
	}
	r.floorLSE = unit * (4*(1+math.Abs(r.wantLSE)) + sums + logit*s.meanGrain)
}
