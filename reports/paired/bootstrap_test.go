package paired

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// The kinds of what a process has by luck, in units of the bench's spread.
var kinds = []struct {
	name string
	luck func(*rand.Rand) float64
}{
	{"normal", (*rand.Rand).NormFloat64},
	{"heavy-tailed", student3},
	{"interrupted", interrupted},
}

// student3 is Student's t with three degrees of freedom.
func student3(rng *rand.Rand) float64 {
	sum := 0.0
	for range 3 {
		z := rng.NormFloat64()
		sum += z * z
	}
	return rng.NormFloat64() / math.Sqrt(sum/3)
}

// interrupted has one process in twenty run through a time when the machine did
// something else: it is slower by up to 40 spreads.
func interrupted(rng *rand.Rand) float64 {
	luck := student3(rng)
	if rng.IntN(20) == 0 {
		luck += 40 * rng.Float64()
	}
	return luck
}

// The intervals of the effect and of the noise cover the truth as often as they
// say, and not much more often, whatever the machine is like. Of 1,000 for each
// kind and number of rounds the fewest are 946, the most 981.
func TestIntervalCovers(t *testing.T) {
	opts := Options{Metrics: times(0.01), Alpha: 0.05, Confidence: 0.95}
	n := float64(trials())
	slack := 0.0
	if testing.Short() {
		slack = 2 * math.Sqrt(0.05*0.95*n)
	}
	for _, kind := range kinds {
		for _, rounds := range []int{8, 12, 20, 40} {
			b := &bench{rows: 1, spread: 0.01, luck: kind.luck, slowdown: map[int]float64{0: 1.03}, rng: rand.New(rand.NewPCG(uint64(rounds), 8))}
			effect, noise := 0, 0
			for seed := range uint64(trials()) {
				opts.Seed = seed
				row := Judge(b.rounds(rounds), opts)[0]
				effect += row.Effect.covers(math.Log(1.03))
				noise += row.Noise.covers(0)
			}
			t.Logf("%s, %d rounds: of %d intervals %d of the effect and %d of the noise cover", kind.name, rounds, trials(), effect, noise)
			if low, high := 0.93*n-slack, 0.985*n+slack; float64(min(effect, noise)) < low || float64(max(effect, noise)) > high {
				t.Errorf("%s, %d rounds: of %d intervals %d of the effect and %d of the noise cover, want %v to %v", kind.name, rounds, trials(), effect, noise, low, high)
			}
		}
	}
}

func (e Estimate) covers(v float64) int {
	if e.Lo <= v && v <= e.Hi {
		return 1
	}
	return 0
}

// Tukey and McLaughlin's formulae, worked by hand: of 1, 2, 3, 4, 5, 100 the
// middle four stay, and 2, 2, 3, 4, 5, 5 are winsorised.
func TestTrimmedMean(t *testing.T) {
	mean, err := trimmedMean([]float64{1, 2, 3, 4, 5, 100})
	if want := math.Sqrt(9.5/5) / (4.0 / 6 * math.Sqrt(6)); mean != 3.5 || math.Abs(err-want) > 1e-15 {
		t.Errorf("%v ± %v, want 3.5 ± %v", mean, err, want)
	}
}

// A lost round in six moves nothing; a shift and a scale move the estimate by
// just that; neither does the order of the rounds matter.
func TestEstimate(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	x, moved := make([]float64, 12), make([]float64, 12)
	for i := range x {
		x[i] = rng.NormFloat64()
	}
	want := estimate(x, 0.95, 1)
	if !(want.Lo < want.Value && want.Value < want.Hi) || estimate(x, 0.99, 1).Hi <= want.Hi || estimate(x, 0.8, 1).Hi >= want.Hi {
		t.Errorf("estimate %v: want an interval about the value, wider the more it is to cover", want)
	}
	rng.Shuffle(len(x), func(i, j int) { x[i], x[j] = x[j], x[i] })
	if got := estimate(x, 0.95, 1); got != want {
		t.Errorf("in another order %v, want %v", got, want)
	}
	if got := estimate(x, 0.95, 2); got == want || math.Abs(got.Hi-want.Hi) > 0.2*(want.Hi-want.Lo) {
		t.Errorf("with another seed %v, want about %v", got, want)
	}
	for i, v := range x {
		moved[i] = 7 + 2*v
	}
	got := estimate(moved, 0.95, 1)
	for _, d := range []float64{got.Value - (7 + 2*want.Value), got.Lo - (7 + 2*want.Lo), got.Hi - (7 + 2*want.Hi)} {
		if math.Abs(d) > 1e-12 {
			t.Errorf("7 + 2x: %v, want that of %v", got, want)
		}
	}
	x[slices.Index(x, slices.Max(x))] = 1e9
	if got := estimate(x, 0.95, 1); got.Value != want.Value {
		t.Errorf("with a lost round %v, want %v", got, want)
	}
}

// What does not vary is known; what was hardly measured is not.
func TestEstimateOfLittle(t *testing.T) {
	for _, x := range [][]float64{{3, 3, 3, 3, 3, 3}, {3, 3, 3, 3, 3, 3, 3, 4}} {
		if got := estimate(x, 0.95, 1); got != (Estimate{3, 3, 3}) {
			t.Errorf("%v: %v, want 3 alone", x, got)
		}
	}
	for _, x := range [][]float64{{1}, {1, 2, 3, 4, 5}, {3, 3}} {
		if got := estimate(x, 0.95, 1); !math.IsInf(got.Lo, -1) || !math.IsInf(got.Hi, 1) {
			t.Errorf("%v: %v, want no bounds", x, got)
		}
	}
}
