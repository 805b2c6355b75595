package paired

import (
	"math"
	"slices"
)

// An Estimate is a change on the scale of its row, with its interval.
type Estimate struct{ Value, Lo, Hi float64 }

// A Row is the state of one row after some rounds. Its scale is that of
// logarithms where Ratio is true, so that changes are factors, and else that of
// the unit.
type Row struct {
	Key
	Metric   *Metric
	Rounds   int
	Ratio    bool     // every value is positive
	Exact    bool     // a count that did not vary: no statistics
	Effect   Estimate // of the head against the base
	Noise    Estimate // of the base against itself
	P, Q     float64  // of no effect; Q is adjusted for all rows that are not exact
	Allowed  float64  // for the worse: the larger of what matters and of the noise
	Decision Decision

	Base, Head []float64 // a value a round

	matters float64 // the part of Allowed that is the metric's
}

// A triple is what stands for each program of a round.
type triple struct{ base, again, head float64 }

// observe returns the rounds that have the row, and sets Ratio and Exact.
func (r *Row) observe(rounds []Round) []triple {
	var list []triple
	var base, head []float64
	r.Ratio = true
	for _, round := range rounds {
		b, a, h := round.Base[r.Key], round.Again[r.Key], round.Head[r.Key]
		if len(b) == 0 || len(a) == 0 || len(h) == 0 {
			continue
		}
		t := triple{r.Metric.low(b), r.Metric.low(a), r.Metric.low(h)}
		list = append(list, t)
		r.Ratio = r.Ratio && t.base > 0 && t.again > 0 && t.head > 0
		base, head = slices.Concat(base, b, a), slices.Concat(head, h)
	}
	r.Exact = r.Metric.Exact && constant(base) && constant(head)
	return list
}

func constant(x []float64) bool {
	return len(x) > 0 && slices.Min(x) == slices.Max(x)
}

// low returns the second percentile from the better end.
func (m *Metric) low(x []float64) float64 {
	sorted, at := slices.Sorted(slices.Values(x)), len(x)/50
	if m.Better > 0 {
		at = len(x) - 1 - at
	}
	return sorted[at]
}

// measure estimates what the rounds say.
func (r *Row) measure(seen []triple, opts Options) {
	r.Decision = ""
	r.Rounds = len(seen)
	var effects, noises []float64
	for _, t := range seen {
		base, again, head := r.scale(t.base), r.scale(t.again), r.scale(t.head)
		effects, noises = append(effects, head-(base+again)/2), append(noises, again-base)
		r.Base, r.Head = append(r.Base, r.unscale((base+again)/2)), append(r.Head, t.head)
	}
	r.matters = r.worse(r.Metric.Allowed(median(r.Base)))
	if r.Exact {
		r.Effect, r.P, r.Q, r.Allowed = Estimate{effects[0], effects[0], effects[0]}, math.NaN(), math.NaN(), r.matters
		return
	}
	r.Effect = estimate(effects, opts.Confidence, opts.Seed)
	r.Noise = estimate(noises, opts.Confidence, opts.Seed)
	r.P = SignedRank(effects)
	r.Allowed = max(r.matters, r.Floor())
}

// Floor returns what the noise can't be told from, on the row's scale.
func (r *Row) Floor() float64 { return max(math.Abs(r.Noise.Lo), math.Abs(r.Noise.Hi)) }

func (r *Row) scale(v float64) float64 {
	if r.Ratio {
		return math.Log(v)
	}
	return v
}

func (r *Row) unscale(v float64) float64 {
	if r.Ratio {
		return math.Exp(v)
	}
	return v
}

// Change turns a change on the row's scale into one of the unit, from what the
// base has.
func (r *Row) Change(scaled float64) float64 {
	if r.Ratio {
		return median(r.Base) * math.Expm1(scaled)
	}
	return scaled
}

// worse turns a change of the unit for the worse into one on the row's scale,
// both as magnitudes.
func (r *Row) worse(change float64) float64 {
	if !r.Ratio {
		return change
	}
	share := change / median(r.Base)
	if r.Metric.Better < 0 {
		return math.Log1p(share)
	}
	return -math.Log1p(-min(share, 1)) // infinite where all may be lost
}

func median(x []float64) float64 {
	sorted := slices.Sorted(slices.Values(x))
	return (sorted[(len(x)-1)/2] + sorted[len(x)/2]) / 2
}

// decide shares α among the looks: however often it is asked, the chance that a
// row without change was ever called one stays below α.
func (r *Row) decide(opts Options) {
	if r.Decision == Missing {
		return
	}
	sign := -float64(r.Metric.Better)
	effect, worst := sign*r.Effect.Value, max(sign*r.Effect.Lo, sign*r.Effect.Hi)
	significant := r.Exact || r.Q <= opts.Alpha/float64(max(1, opts.Looks))
	switch {
	case significant && effect > r.Allowed:
		r.Decision = Worse
	case significant && -effect > r.Allowed:
		r.Decision = Better
	case worst > r.Allowed || !r.Exact && r.Allowed > restless*r.matters:
		r.Decision = Ambiguous
	default:
		r.Decision = Same
	}
}

// restless is how many times what matters the noise may be for a row to be
// called the same. Above it a machine hides what is looked for.
const restless = 2
