package paired

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"
)

// share and units are the two kinds of what a budget allows.
func share(s float64) func(float64) float64 {
	return func(base float64) float64 { return s * math.Abs(base) }
}
func units(n float64) func(float64) float64 { return func(float64) float64 { return n } }

// fixed has the same values in every round.
func fixed(unit string, base, head float64) []Round {
	k := Key{Name: "x", Unit: unit}
	var list []Round
	for range 8 {
		list = append(list, Round{Samples{k: {base, base}}, Samples{k: {base}}, Samples{k: {head, head}}})
	}
	return list
}

// Counts that do not vary are compared as they are, whatever the statistics
// would say; the same cases as of compare's exact budgets.
func TestExact(t *testing.T) {
	for _, x := range []struct {
		base, head float64
		allowed    func(float64) float64
		better     int
		want       Decision
	}{
		{100, 100, share(0), -1, Same},
		{100, 101, share(0), -1, Worse},
		{100, 101, share(0.01), -1, Same},
		{100, 102, share(0.01), -1, Worse},
		{100, 50, share(0.01), -1, Better},
		{0, 1, share(0.5), -1, Worse},
		{0, 1, units(1), -1, Same},
		{0, 2, units(1), -1, Worse},
		{0, 0, units(0), -1, Same},
		{100, 98, units(1), 1, Worse},
		{100, 98, units(3), 1, Same},
	} {
		row := Judge(fixed("B", x.base, x.head), Options{Metrics: []*Metric{{"B", x.better, true, x.allowed}}, Alpha: 0.05, Confidence: 0.95})[0]
		if row.Decision != x.want || !row.Exact || math.Abs(row.Change(row.Effect.Value)-(x.head-x.base)) > 1e-9 {
			t.Errorf("%v → %v: %s by %v, exact %v; want %s", x.base, x.head, row.Decision, row.Change(row.Effect.Value), row.Exact, x.want)
		}
	}
}

// A count that varies is measured like a time, and one round cannot fail it.
func TestCountThatVaries(t *testing.T) {
	rounds := fixed("B", 100, 100)
	rounds[3].Head[Key{Name: "x", Unit: "B"}] = []float64{150}
	row := Judge(rounds, Options{Metrics: []*Metric{{"B", -1, true, share(0)}}, Alpha: 0.05, Confidence: 0.95})[0]
	if row.Exact || row.Decision == Worse {
		t.Errorf("one round of eight has more: %s, exact %v; want statistics, and not worse", row.Decision, row.Exact)
	}
}

// Rates are worse when they fall, values about 0 are judged by differences, and
// each by its own metric.
func TestDirections(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 8))
	rate, level := Key{Name: "x", Unit: "FLOP/s"}, Key{Name: "x", Unit: "level"}
	rounds := func(rateFactor, rise float64) (list []Round) {
		draw := func(factor, rise float64) Samples {
			return Samples{rate: {1e9 * factor * math.Exp(0.002*rng.NormFloat64())}, level: {rise + 0.01*rng.NormFloat64()}}
		}
		for range 12 {
			list = append(list, Round{draw(1, 0), draw(1, 0), draw(rateFactor, rise)})
		}
		return list
	}
	opts := Options{Metrics: []*Metric{{"level", -1, false, units(0.05)}, {"FLOP/s", 1, false, share(0.03)}}, Alpha: 0.05, Confidence: 0.95}
	for _, x := range []struct {
		factor, rise float64
		level, rate  Decision
	}{{1, 0, Same, Same}, {0.95, 0.1, Worse, Worse}, {1.05, -0.1, Better, Better}, {0.98, 0.03, Same, Same}} {
		rows := Judge(rounds(x.factor, x.rise), opts)
		if len(rows) != 2 || rows[0].Decision != x.level || rows[1].Decision != x.rate {
			t.Fatalf("rate ×%v, level %+v: %+v, %+v; want %s and %s", x.factor, x.rise, rows[0], rows[1], x.level, x.rate)
		}
		if rows[0].Ratio || !rows[1].Ratio || math.Abs(rows[1].Change(rows[1].Effect.Value)/1e9-(x.factor-1)) > 0.005 {
			t.Errorf("rate ×%v: changed by %v, as a ratio %v; the level as a ratio %v", x.factor, rows[1].Change(rows[1].Effect.Value), rows[1].Ratio, rows[0].Ratio)
		}
	}
}

// An alarm that a second experiment does not bear out is told, and an exact one
// needs no second.
func TestConfirmation(t *testing.T) {
	k, count := Key{Name: "x", Unit: "sec/op"}, Key{Name: "x", Unit: "B"}
	n := 0
	e := &Experiment{Options: Options{Metrics: append(times(0.01), &Metric{"B", -1, true, units(0)}), Alpha: 0.05, Confidence: 0.95}, Rounds: 20,
		Next: func() (Round, error) {
			head := 1.0
			if n++; n <= 8 {
				head = 1.1
			}
			return Round{Samples{k: {1}, count: {5}}, Samples{k: {1}, count: {5}}, Samples{k: {head}, count: {6}}}, nil
		}}
	res, err := e.Run()
	if err != nil || n > 28 || len(res.Rows) != 2 || res.Rows[0].Decision == Worse || res.Rows[1].Decision != Worse {
		t.Fatalf("after %d rounds %+v, error %v; want the count to be worse alone", n, res, err)
	}
	if len(res.Notes) != 1 || !strings.Contains(res.Notes[0], "x sec/op looked worse, by 10.00%") {
		t.Errorf("notes %q", res.Notes)
	}
}
