package budget

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"github.com/attnbench/attnbench/model"
	"github.com/attnbench/attnbench/model/profile"
	"github.com/attnbench/attnbench/reports"
)

// A Growth is how the time of a prefill rises with its length: two laws, each
// fitted to the typical time of each length.
type Growth struct {
	Lengths         []int
	Attention, Rest Component
	Workspace       reports.Law // bytes of the kernel's plans
	PerToken        float64     // bytes a token of all else that is not a weight, at the longest length

	// Overtakes is the length from which attention takes longer than all the rest;
	// +Inf when it never does.
	Overtakes reports.Estimate

	draws []draw
}

// A Component is one of the two: attention, or everything else.
type Component struct {
	Law     reports.Law
	Medians []float64 // seconds at each length, or what stands for them; see [Typical]
	Off     []float64 // measured over law, less 1

	typical Typical
	spread  []float64 // what Off would be of a length that the law does not know
}

// A draw is the two laws as another run might have had them.
type draw struct {
	attention, rest       reports.Law
	attentionOff, restOff float64 // by which a length may then lie off
}

const (
	minLengths = 4 // one more than a law has terms, so that there is something left to be off
	resamples  = 1000
)

// attentionSeconds and restSeconds share the time of a pass.
func attentionSeconds(s profile.Sample) float64 { return s.Phases[model.PhaseAttention].Seconds() }

func restSeconds(s profile.Sample) float64 {
	sum := 0.0
	for phase, d := range s.Phases {
		if phase != model.PhaseAttention {
			sum += d.Seconds()
		}
	}
	return sum
}

// FitGrowth fits the growth of profiles of ascending lengths. The seed decides
// the draws of the intervals.
//
// An interval has two parts: each draw takes the samples of every length anew, with replacement,
// and puts each median off by as much as one of the medians is off the law,
// widened by √(m/(m−terms)) for what the fit has hidden. So an interval is
// as wide as the law is wrong, even where the samples agree among each other.
func FitGrowth(profiles []profile.Profile, typical Typical, seed uint64) (*Growth, error) {
	if len(profiles) < minLengths {
		return nil, fmt.Errorf("growth of %d lengths: needs at least %d", len(profiles), minLengths)
	}
	g := &Growth{}
	var n, workspace []float64
	var attention, rest [][]float64
	for i := range profiles {
		p := &profiles[i]
		if len(p.Samples) == 0 {
			return nil, fmt.Errorf("growth at %d tokens: no samples", len(p.Input.IDs))
		}
		g.Lengths = append(g.Lengths, len(p.Input.IDs))
		n, workspace = append(n, float64(len(p.Input.IDs))), append(workspace, float64(max(1, p.Memory.Workspace)))
		g.PerToken = float64(p.Memory.Cache+p.Memory.Buffers) / float64(len(p.Input.IDs))
		attention, rest = append(attention, p.Times(attentionSeconds)), append(rest, p.Times(restSeconds))
	}
	g.Attention, g.Rest = fitPart(n, attention, typical), fitPart(n, rest, typical)
	g.Workspace = reports.FitLaw(n, workspace)
	rng := rand.New(rand.NewPCG(seed, 3))
	for range resamples {
		g.draws = append(g.draws, draw{
			attention: g.Attention.draw(rng, n, attention), rest: g.Rest.draw(rng, n, rest),
			attentionOff: pick(rng, g.Attention.spread), restOff: pick(rng, g.Rest.spread),
		})
	}
	g.Overtakes = g.estimate(overtakes(g.Attention.Law, g.Rest.Law), func(d draw) float64 { return overtakes(d.attention, d.rest) })
	return g, nil
}

// fitPart fits a law to the medians of the samples at each length.
func fitPart(n []float64, samples [][]float64, typical Typical) Component {
	p := Component{typical: typical}
	for _, s := range samples {
		p.Medians = append(p.Medians, typical(s))
	}
	p.Law = reports.FitLaw(n, p.Medians)
	terms := 0
	for _, t := range []float64{p.Law.A, p.Law.B, p.Law.C} {
		if t > 0 {
			terms++
		}
	}
	widen := math.Sqrt(float64(len(n)) / float64(len(n)-terms))
	for i, m := range p.Medians {
		off := m/p.Law.At(n[i]) - 1
		p.Off, p.spread = append(p.Off, off), append(p.spread, off*widen)
	}
	return p
}

// draw fits a law to what another run might have given.
func (p Component) draw(rng *rand.Rand, n []float64, samples [][]float64) reports.Law {
	y := make([]float64, len(n))
	for i, s := range samples {
		drawn := make([]float64, len(s))
		for j := range drawn {
			drawn[j] = pick(rng, s)
		}
		y[i] = max(p.typical(drawn)*(1+pick(rng, p.spread)), p.Medians[i]/100)
	}
	return reports.FitLaw(n, y)
}

func pick(rng *rand.Rand, list []float64) float64 { return list[rng.IntN(len(list))] }

// A Typical makes one time of samples: [Median], or [Fastest] on a machine that is
// busy with other things, all of which make a pass slower and none faster.
type Typical func(samples []float64) float64

// Fastest returns the least of the samples.
func Fastest(samples []float64) float64 { return slices.Min(samples) }

// Median returns their median.
func Median(values []float64) float64 {
	s := slices.Sorted(slices.Values(values))
	return (s[(len(s)-1)/2] + s[len(s)/2]) / 2
}

// Predict returns the seconds of a prefill of n tokens, with an interval for a
// median measured there.
func (g *Growth) Predict(n int) reports.Estimate {
	x := float64(n)
	return g.estimate(g.Attention.Law.At(x)+g.Rest.Law.At(x), func(d draw) float64 {
		return d.attention.At(x)*(1+d.attentionOff) + d.rest.At(x)*(1+d.restOff)
	})
}

// Memory returns the bytes of a prefill of n tokens beside the weights.
func (g *Growth) Memory(n int) float64 {
	return g.PerToken*float64(n) + g.Workspace.At(float64(n))
}

// Share returns attention's part of a prefill of n tokens.
func (g *Growth) Share(n int) float64 {
	a, r := g.Attention.Law.At(float64(n)), g.Rest.Law.At(float64(n))
	return a / (a + r)
}

// estimate adds the 95% interval of the draws to a value.
func (g *Growth) estimate(value float64, of func(draw) float64) reports.Estimate {
	list := make([]float64, len(g.draws))
	for i, d := range g.draws {
		list[i] = of(d)
	}
	slices.Sort(list)
	tail := len(list) * 25 / 1000
	return reports.Estimate{Value: value, Lo: list[tail], Hi: list[len(list)-1-tail]}
}

// overtakes returns the n from which on attention(n) ≥ rest(n): the largest root
// of their difference, 0 when attention always costs more, +Inf when it never
// does in the end.
func overtakes(attention, rest reports.Law) float64 {
	a, b, c := attention.A-rest.A, attention.B-rest.B, attention.C-rest.C
	switch {
	case c < 0, c == 0 && b < 0, c == 0 && b == 0 && a < 0:
		return math.Inf(1)
	case c == 0 && b == 0:
		return 0
	case c == 0:
		return max(0, -a/b)
	}
	d := b*b - 4*a*c
	if d < 0 {
		return 0
	}
	return max(0, (-b+math.Sqrt(d))/(2*c))
}

// Longest returns the longest length of the fit.
func (g *Growth) Longest() int { return g.Lengths[len(g.Lengths)-1] }

// Quadratic returns the share of the law's quadratic term at n.
func (c Component) Quadratic(n int) float64 {
	x := float64(n)
	return c.Law.C * x * x / c.Law.At(x)
}
