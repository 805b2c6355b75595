package reports

import (
	"math"
	"math/rand/v2"
)

// A Crossover says from which length on one kernel is faster than another.
type Crossover struct {
	Faster, Slower *Series // by the medians at the longest length that both have

	// From is the n from which Faster stays faster, interpolated between the
	// medians of neighbouring lengths on log-log axes: 0 when it is faster at
	// every measured length. The high end of its interval is +Inf when the
	// samples do not decide which of the two is faster at the longest length.
	From Estimate

	Shortest, Longest int // the measured lengths that both have
}

// Undecided reports whether the samples leave it open which of the two is
// faster at the longest length.
func (c Crossover) Undecided() bool { return math.IsInf(c.From.Hi, 1) }

// Crossovers compares the times of every two series of a group that have at
// least two lengths in common, in the order of the group. The seed decides the
// bootstrap's draws.
func Crossovers(group []*Series, seed uint64) []Crossover {
	var out []Crossover
	for i, a := range group {
		for _, b := range group[i+1:] {
			if c, ok := crossover(a, b, seed); ok {
				out = append(out, c)
			}
		}
	}
	return out
}

func crossover(a, b *Series, seed uint64) (Crossover, bool) {
	ca, cb, ok := common(a, b)
	if !ok {
		return Crossover{}, false
	}
	last := len(ca.n) - 1
	ma, mb := ca.medians(), cb.medians()
	if ma[last] > mb[last] {
		a, b, ca, cb, ma, mb = b, a, cb, ca, mb, ma
	}
	out := Crossover{
		Faster: a, Slower: b,
		From:     Estimate{staysFaster(ca.n, ma, mb), math.NaN(), math.NaN()},
		Shortest: int(ca.n[0]), Longest: int(ca.n[last]),
	}
	if ca.bounded() && cb.bounded() {
		rng := rand.New(rand.NewPCG(seed, 1))
		out.From.Lo, out.From.Hi = bootstrap(func() float64 {
			ca.resample(rng, ma)
			cb.resample(rng, mb)
			return staysFaster(ca.n, ma, mb)
		})
	}
	return out, true
}

// common returns the times of both series at the lengths that both have.
func common(a, b *Series) (ca, cb curve, ok bool) {
	ca, errA := a.curve(Time)
	cb, errB := b.curve(Time)
	if errA != nil || errB != nil {
		return ca, cb, false
	}
	ca, cb = ca.at(cb.n), cb.at(ca.n)
	return ca, cb, len(ca.n) >= 2
}

// at returns the part of c at the lengths n; both are ascending.
func (c curve) at(n []float64) curve {
	var out curve
	for i, j := 0, 0; i < len(c.n) && j < len(n); {
		switch {
		case c.n[i] < n[j]:
			i++
		case c.n[i] > n[j]:
			j++
		default:
			out.n, out.samples = append(out.n, c.n[i]), append(out.samples, c.samples[i])
			i, j = i+1, j+1
		}
	}
	return out
}

// staysFaster returns the n from which fast is below slow up to the longest
// length: 0 when it is below everywhere, +Inf when not even at the longest.
func staysFaster(n, fast, slow []float64) float64 {
	gap := func(i int) float64 { return math.Log(fast[i] / slow[i]) }
	i := len(n) - 1
	for ; i >= 0 && gap(i) < 0; i-- {
	}
	switch i {
	case -1:
		return 0
	case len(n) - 1:
		return math.Inf(1)
	}
	t := gap(i) / (gap(i) - gap(i+1)) // gap(i) ≥ 0 > gap(i+1)
	return n[i] * math.Pow(n[i+1]/n[i], t)
}
