package compare

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"testing"
)

const allTrials = 1000

// trials is fewer where the tests must be quick; the limits are shares of it.
func trials() int {
	if testing.Short() {
		return allTrials / 5
	}
	return allTrials
}

func (m madeUp) String() string {
	return fmt.Sprintf("%d rows of %d samples at %v%%, %d of them slower, interrupted %v", m.rows, m.samples, 100*m.sigma, len(m.slowdown), m.noise != nil)
}

// judge returns the gate of one made-up experiment.
func (m madeUp) judge(t testing.TB, seed uint64, p Policy) *Gate {
	t.Helper()
	r := m.report(t, seed)
	if err := r.Judge(p); err != nil {
		t.Fatal(err)
	}
	return r.Gate
}

// Where nothing changed, a gate that lets nothing pass, not even the least
// effect, still fails at most as often as α says: for all rows together.
func TestFalseAlarms(t *testing.T) {
	n := float64(trials())
	for _, m := range []madeUp{
		{rows: 1, samples: 10, sigma: 0.02},
		{rows: 20, samples: 10, sigma: 0.02},
		{rows: 20, samples: 6, sigma: 0.2},
		{rows: 5, samples: 25, sigma: 0.05},
		{rows: 20, samples: 10, sigma: 0.02, noise: interrupted},
	} {
		alarms, failures := 0, 0
		for seed := range uint64(trials()) {
			g := m.judge(t, seed, Policy{MinEffect: 0})
			if g.Counts[Slower]+g.Counts[Faster] > 0 {
				alarms++
			}
			if !g.Pass() {
				failures++
			}
		}
		t.Logf("%v: %d of %d runs with a change, %d fail", m, alarms, trials(), failures)
		if float64(failures) > 0.05*n {
			t.Errorf("%v: %d of %d runs fail, want at most α = 5%%", m, failures, trials())
		}
		// Changes of either kind are α itself: three standard deviations above.
		if limit := 0.05*n + 3*math.Sqrt(0.05*0.95*n); float64(alarms) > limit {
			t.Errorf("%v: %d of %d runs show a change, want about 5%% at most", m, alarms, trials())
		}
	}
}

// With what the gate lets pass by default there is next to no false alarm.
func TestFalseAlarmsOfDefaults(t *testing.T) {
	failures := 0
	for seed := range uint64(trials()) {
		if !(madeUp{rows: 20, samples: 10, sigma: 0.02}).judge(t, seed, Policy{MinEffect: DefaultMinEffect}).Pass() {
			failures++
		}
	}
	t.Logf("%d of %d runs fail", failures, trials())
	if failures > trials()/100 {
		t.Errorf("%d of %d runs fail", failures, trials())
	}
}

// A slowdown of 5% is found with ten samples at 2% noise, alone or among others
// that did not change.
func TestPower(t *testing.T) {
	for _, m := range []madeUp{
		{rows: 1, samples: 10, sigma: 0.02, slowdown: map[int]float64{0: 1.05}},
		{rows: 20, samples: 10, sigma: 0.02, slowdown: map[int]float64{7: 1.05}},
		{rows: 1, samples: 10, sigma: 0.02, slowdown: map[int]float64{0: 1.05}, noise: interrupted},
	} {
		found, others := 0, 0
		for seed := range uint64(trials()) {
			g := m.judge(t, seed, Policy{MinEffect: DefaultMinEffect})
			for _, f := range g.Findings {
				if f.Verdict == Slower && (m.rows == 1 || f.Benchmark == "B/row=7-1") {
					found++
				} else if f.Verdict == Slower {
					others++
				}
			}
		}
		t.Logf("%v: found in %d of %d runs, %d other rows called slower", m, found, trials(), others)
		if found < trials()*9/10 {
			t.Errorf("%v: found in %d of %d runs, want 90%%", m, found, trials())
		}
		if others > trials()/100 {
			t.Errorf("%v: %d other rows called slower", m, others)
		}
	}
}

// The interval of a change covers the truth as often as it says, whatever the
// noise is like.
func TestIntervalCovers(t *testing.T) {
	n := float64(trials())
	for _, samples := range []int{4, 6, 10, 60} {
		m := madeUp{rows: 1, samples: samples, sigma: 0.05, slowdown: map[int]float64{0: 1.1}}
		covered := 0
		for seed := range uint64(trials()) {
			row := m.report(t, seed).Tables[0].Rows[0]
			base, c := row.Cells[0].Summary.Center, row.Changes[1]
			if lo, hi := c.Lo/base, c.Hi/base; lo <= 0.1 && 0.1 <= hi {
				covered++
			}
		}
		t.Logf("%d samples: the interval covers in %d of %d runs", samples, covered, trials())
		if limit := 0.95*n - 3*math.Sqrt(0.05*0.95*n); float64(covered) < limit {
			t.Errorf("%d samples: the interval covers in %d of %d runs, want 95%%", samples, covered, trials())
		}
	}
}

// Hand-made p-values against the procedure as its paper states it.
func TestAdjust(t *testing.T) {
	p := []float64{0.01, 0.04, 0.03, 0.005, 0.55}
	var rows []judgement
	for _, v := range p {
		c := &Change{}
		c.P = v
		rows = append(rows, judgement{change: c})
	}
	rows = append(rows, judgement{change: &Change{Verdict: Missing}}, judgement{change: &Change{}, exact: true}) // no tests
	adjust(rows)
	for i, want := range []float64{0.025, 0.05, 0.05, 0.025, 0.55} {
		if got := rows[i].change.Q; math.Abs(got-want) > 1e-12 {
			t.Errorf("p=%v: q = %v, want %v", p[i], got, want)
		}
	}
}

// A machine that differs from itself by 5% must not fail a change of 4%; one
// that does not must.
func TestNoiseFloor(t *testing.T) {
	m := madeUp{rows: 8, samples: 20, sigma: 0.005, slowdown: map[int]float64{}}
	for row := range m.rows {
		m.slowdown[row] = 1.04
	}
	if g := m.judge(t, 1, Policy{MinEffect: 0.02}); g.Counts[Slower] != 8 {
		t.Errorf("without a floor: %v, want 8 slower", g.Counts)
	}
	same := madeUp{rows: 8, samples: 20, sigma: 0.005, columns: []string{"base", "again"}}
	quiet, err := NewNoise(same.report(t, 2))
	if err != nil {
		t.Fatal(err)
	}
	if g := m.judge(t, 1, Policy{MinEffect: 0.02, Noise: quiet}); g.Counts[Slower] != 8 {
		t.Errorf("on a quiet machine: %v, want 8 slower", g.Counts)
	}
	same.slowdown = map[int]float64{0: 1.05, 1: 0.95, 2: 1.05, 3: 0.95, 4: 1.05, 5: 0.95, 6: 1.05, 7: 0.95}
	restless, err := NewNoise(same.report(t, 2))
	if err != nil {
		t.Fatal(err)
	}
	if g := m.judge(t, 1, Policy{MinEffect: 0.02, Noise: restless}); g.Counts[Slower] != 0 || !g.Pass() {
		t.Errorf("on a restless machine: %v, want none slower", g.Counts)
	}
}

func TestMissingAndBlindFail(t *testing.T) {
	b, err := New(Options{})
	if err != nil {
		t.Fatal(err)
	}
	for range 10 {
		add(t, b, "base", "Kept", "sec/op", 1)
		add(t, b, "base", "Gone", "sec/op", 1)
		add(t, b, "head", "Kept", "sec/op", 1)
		add(t, b, "head", "New", "sec/op", 1)
	}
	r, err := b.Report()
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Judge(Policy{}); err != nil {
		t.Fatal(err)
	}
	if r.Gate.Pass() || r.Gate.Counts[Missing] != 1 || r.Gate.Rows != 2 || r.Gate.Findings[0].Benchmark != "Gone" {
		t.Errorf("gate %+v: want Gone to be missing, New to be left alone", r.Gate)
	}
	few := madeUp{rows: 2, samples: 3, sigma: 0.02}.judge(t, 1, Policy{})
	if few.Pass() || few.Counts[Ambiguous] != 2 {
		t.Errorf("three samples can show nothing, and yet the gate says %s", few.Headline())
	}
}

func TestNothingToJudge(t *testing.T) {
	one := madeUp{rows: 1, samples: 3, sigma: 0.1, columns: []string{"base"}}.report(t, 1)
	if err := one.Judge(Policy{}); !errors.Is(err, ErrNothing) {
		t.Errorf("one column: error %v, want one that says that nothing was measured", err)
	}
	m := madeUp{rows: 1, samples: 10, sigma: 0.02}
	if err := m.report(t, 1).Judge(Policy{Budgets: []Budget{{Unit: "furlongs"}}}); !errors.Is(err, ErrNothing) {
		t.Errorf("no such unit: error %v, want one that says that nothing was measured", err)
	}
	g := m.judge(t, 1, Policy{Budgets: []Budget{{Unit: "sec/op", Limit: 1, Relative: true}, {Unit: "B/op"}}})
	if g.Pass() || g.Findings[0].Unit != "B/op" {
		t.Errorf("a budget of a unit that nothing has: %+v, want a failure", g)
	}
}

// Counts need no statistics: one more is one more.
func TestExactBudgets(t *testing.T) {
	for _, x := range []struct {
		base, head float64
		budget     string
		want       Verdict
	}{
		{100, 100, "workspace-B:0%", Same},
		{100, 101, "workspace-B:0%", Worse},
		{100, 101, "workspace-B:1%", Same},
		{100, 102, "workspace-B:1%", Worse},
		{100, 50, "workspace-B:1%", Better},
		{0, 1, "workspace-B:50%", Worse},
		{0, 1, "workspace-B:1", Same},
		{0, 2, "workspace-B:1", Worse},
		{0, 0, "workspace-B:0", Same},
	} {
		b, err := New(Options{})
		if err != nil {
			t.Fatal(err)
		}
		add(t, b, "base", "X", "workspace-B", x.base)
		add(t, b, "head", "X", "workspace-B", x.head)
		r, err := b.Report()
		if err != nil {
			t.Fatal(err)
		}
		r.Tables[0].Better, r.Tables[0].Exact = -1, true
		budgets, err := ParseBudgets(x.budget)
		if err != nil {
			t.Fatal(err)
		}
		if err := r.Judge(Policy{Budgets: budgets}); err != nil {
			t.Fatal(err)
		}
		if got := r.Tables[0].Rows[0].Changes[1].Verdict; got != x.want {
			t.Errorf("%v → %v with %s: %s, want %s", x.base, x.head, x.budget, got, x.want)
		}
	}
}

func TestParseBudgets(t *testing.T) {
	got, err := ParseBudgets("FLOP/s:3%, workspace-B:0%,allocs/op:0,exponent:0.05,ns/op:1%")
	want := []Budget{{"FLOP/s", 0.03, true}, {"workspace-B", 0, true}, {"allocs/op", 0, false}, {"exponent", 0.05, false}, {"sec/op", 0.01, true}}
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("budgets %v, error %v; want %v", got, err, want)
	}
	for _, bad := range []string{"", "sec/op", ":3%", "sec/op:", "sec/op:-1%", "sec/op:NaN", "sec/op:1,sec/op:2", "exponent:5%", "sec/op:3%%", "sec/op:inf"} {
		if got, err := ParseBudgets(bad); err == nil {
			t.Errorf("budget %q gives %v, want an error", bad, got)
		}
	}
}
