package paired

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
	"time"
)

// Every sign of every rank, tried one by one, against the recurrence.
func TestSignedRankIsExact(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for n := 1; n <= 11; n++ {
		for _, ties := range []bool{false, true} {
			x := make([]float64, n)
			for i := range x {
				if x[i] = rng.NormFloat64(); ties {
					x[i] = math.Copysign(1+float64(rng.IntN(3)), x[i])
				}
			}
			if got, want := SignedRank(x), bySigns(x); math.Abs(got-want) > 1e-12 {
				t.Errorf("%v: p = %v, want %v", x, got, want)
			}
		}
	}
}

// bySigns is the definition: the share of sign patterns whose sum of ranks is
// at least as far from the middle.
func bySigns(x []float64) float64 {
	ranks, total, positive := doubledRanks(x), 0, 0
	for i, r := range ranks {
		if total += r; x[i] > 0 {
			positive += r
		}
	}
	far, count := math.Abs(float64(positive)-float64(total)/2), 0
	for signs := range 1 << len(x) {
		sum := 0
		for i, r := range ranks {
			if signs>>i&1 == 1 {
				sum += r
			}
		}
		if math.Abs(float64(sum)-float64(total)/2) >= far {
			count++
		}
	}
	return float64(count) / float64(int(1)<<len(x))
}

func TestSignedRank(t *testing.T) {
	for _, x := range []struct {
		x    []float64
		want float64
	}{
		{nil, 1},
		{[]float64{0, 0}, 1},
		{[]float64{1, 2, 3, 4, 5, 6}, 2.0 / 64},
		{[]float64{-1, -2, -3, -4, -5, -6}, 2.0 / 64},
		{[]float64{1, -1}, 1},
		{[]float64{0, 1, 2, 3, 4, 5, 6}, 2.0 / 64},
	} {
		if got := SignedRank(x.x); math.Abs(got-x.want) > 1e-12 {
			t.Errorf("%v: p = %v, want %v", x.x, got, x.want)
		}
	}
	// Many rounds take the normal approximation, which must join on.
	rng := rand.New(rand.NewPCG(3, 4))
	x := make([]float64, exactRounds)
	for i := range x {
		x[i] = rng.NormFloat64() + 0.3
	}
	exact := SignedRank(x)
	least, total := sums(x)
	if approx := normalSignedRank(doubledRanks(x), least, total); math.Abs(approx/exact-1) > 0.1 {
		t.Errorf("the approximation gives %v, the exact test %v", approx, exact)
	}
}

func sums(x []float64) (least, total int) {
	positive := 0
	for i, r := range doubledRanks(x) {
		if total += r; x[i] > 0 {
			positive += r
		}
	}
	return min(positive, total-positive), total
}

// times lets the time get worse by a share.
func times(share float64) []*Metric {
	return []*Metric{{Unit: "sec/op", Better: -1, Allowed: func(base float64) float64 { return share * base }}}
}

// A bench is a made-up machine: processes differ by spread, samples are
// interrupted, and slow spells last for whole rounds.
type bench struct {
	rows     int
	spread   float64
	luck     func(*rand.Rand) float64 // of a process, in spreads; nil means normal
	slowdown map[int]float64
	rng      *rand.Rand
}

func (b *bench) next() (Round, error) {
	luck := b.luck
	if luck == nil {
		luck = (*rand.Rand).NormFloat64
	}
	r := Round{Samples{}, Samples{}, Samples{}}
	spell := math.Exp(0.3 * b.rng.ExpFloat64()) // all three suffer it
	for row := range b.rows {
		key := Key{Name: fmt.Sprintf("row=%02d", row), Unit: "sec/op"}
		for i, s := range []Samples{r.Base, r.Again, r.Head} {
			factor := spell * math.Exp(b.spread*luck(b.rng))
			if slow, ok := b.slowdown[row]; ok && i == 2 {
				factor *= slow
			}
			for range 10 {
				s[key] = append(s[key], factor*(1+0.5*b.spread*b.rng.ExpFloat64()))
			}
		}
	}
	return r, nil
}

func (b *bench) rounds(n int) []Round {
	list := make([]Round, n)
	for i := range list {
		list[i], _ = b.next()
	}
	return list
}

func (b *bench) run(t *testing.T, seed uint64, minEffect float64) Result {
	t.Helper()
	b.rng = rand.New(rand.NewPCG(seed, 99))
	e := &Experiment{Options: Options{Metrics: times(minEffect), Alpha: 0.05, Confidence: 0.95}, Rounds: 30, Next: b.next}
	res, err := e.Run()
	if err != nil {
		t.Fatal(err)
	}
	return res
}

func trials() int {
	if testing.Short() {
		return 100
	}
	return 1000
}

// The same code is called slower at most as often as α says, although an
// experiment looks several times and stops when it likes. Nearly always it is
// called the same, but on a machine that is too restless to tell.
func TestSameCode(t *testing.T) {
	for _, b := range []*bench{{rows: 1, spread: 0.01}, {rows: 8, spread: 0.01}, {rows: 1, spread: 0.05}} {
		slower, same, rows := 0, 0, 0
		for seed := range uint64(trials()) {
			alarm := false
			for _, r := range b.run(t, seed, 0.01).Rows {
				rows++
				switch r.Decision {
				case Worse:
					alarm = true
				case Same, Better:
					same++
				}
			}
			if alarm {
				slower++
			}
		}
		t.Logf("%d rows, spread %v: %d of %d experiments call one slower, %d of %d rows are the same", b.rows, b.spread, slower, trials(), same, rows)
		if slower > trials()/20 {
			t.Errorf("%d rows, spread %v: %d of %d experiments call one slower", b.rows, b.spread, slower, trials())
		}
		if quiet := b.spread < 0.02; quiet && same < rows*9/10 || !quiet && same > rows/10 {
			t.Errorf("%d rows, spread %v: %d of %d rows are called the same", b.rows, b.spread, same, rows)
		}
	}
}

// A slowdown of 3% is found where processes differ by 1%, and the rows beside
// it are left alone.
func TestSlowdownIsFound(t *testing.T) {
	for _, b := range []*bench{{rows: 1, spread: 0.01, slowdown: map[int]float64{0: 1.03}}, {rows: 8, spread: 0.01, slowdown: map[int]float64{5: 1.03}}} {
		found, others := 0, 0
		for seed := range uint64(trials() / 2) {
			for i, r := range b.run(t, seed, 0.01).Rows {
				if r.Decision != Worse {
					continue
				}
				if _, slow := b.slowdown[i]; slow {
					found++
				} else {
					others++
				}
			}
		}
		t.Logf("%d rows: found in %d of %d experiments, %d other rows called slower", b.rows, found, trials()/2, others)
		if found < trials()/2*9/10 || others > trials()/40 {
			t.Errorf("%d rows: found in %d of %d experiments, %d other rows called slower", b.rows, found, trials()/2, others)
		}
	}
}

func TestMissingRow(t *testing.T) {
	a, b, c := Key{"", "a", "sec/op"}, Key{"", "b", "sec/op"}, Key{"", "c", "sec/op"}
	r := Round{Samples{a: {1}, b: {1}}, Samples{a: {1}, b: {1}}, Samples{a: {1}, c: {1}}}
	rows := Judge([]Round{r, r, r, r, r, r, r, r}, Options{Metrics: times(0.01), Alpha: 0.05, Confidence: 0.95})
	if len(rows) != 2 || rows[0].Decision != Same || rows[1].Decision != Missing {
		t.Errorf("rows %+v, want a the same, b missing, and c left alone", rows)
	}
}

func TestLimitsAndErrors(t *testing.T) {
	b := &bench{rows: 1, spread: 0.5, rng: rand.New(rand.NewPCG(1, 1))}
	rounds := 0
	e := &Experiment{Options: Options{Metrics: times(0.001), Alpha: 0.05, Confidence: 0.95}, Rounds: 1000, Limit: time.Nanosecond,
		Next: func() (Round, error) { rounds++; return b.next() }}
	if _, err := e.Run(); err != nil || rounds > 2*MinRounds {
		t.Errorf("%d rounds, error %v; want the least there is", rounds, err)
	}
	failure := errors.New("no such program")
	e.Next = func() (Round, error) { return Round{}, failure }
	if _, err := e.Run(); !errors.Is(err, failure) {
		t.Errorf("error %v, want that of the round", err)
	}
}

func TestRowsInTheOrderOfTheirNumbers(t *testing.T) {
	want := []string{"A/n=8-1", "A/n=64-1", "A/n=64-2", "A/n=128-1", "A/n=1024-1", "A/n=99999999999999999999-1", "B", "B/n=1-1"}
	samples := Samples{}
	for _, name := range want {
		samples[Key{Name: name, Unit: "sec/op"}] = []float64{1}
	}
	got := keys(&Metric{Unit: "sec/op"}, []Round{{Base: samples}})
	for i, k := range got {
		if k.Name != want[i] {
			t.Fatalf("%v, want %v", got, want)
		}
	}
}
