package compare

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"golang.org/x/perf/benchmath"
)

// DefaultMinEffect is the share of the base below which a slowdown is let pass.
const DefaultMinEffect = 0.02

// A Policy says what the gate lets pass.
type Policy struct {
	// MinEffect is the least change of sec/op that matters, as a share of the
	// base. It holds where Budgets is empty.
	MinEffect float64

	// Budgets name the units that are judged, and how much worse each may get.
	Budgets []Budget

	// Noise is how much the same code differs from itself; nil where that was
	// not measured.
	Noise *Noise

	// Strict lets ambiguous rows fail too.
	Strict bool

	// Seed decides the bootstrap's draws, of which only the exponent has any.
	Seed uint64
}

func (p Policy) budgets() []Budget {
	if len(p.Budgets) > 0 {
		return p.Budgets
	}
	return []Budget{{Unit: "sec/op", Limit: p.MinEffect, Relative: true}}
}

// Units returns those of the budgets.
func (p Policy) Units() []string {
	var list []string
	for _, b := range p.budgets() {
		list = append(list, b.Unit)
	}
	return list
}

// A Gate is the result of a Policy on a Report.
type Gate struct {
	Counts   map[Verdict]int
	Findings []Finding // what is not same, worst first
	Budgets  []Budget
	Rows     int // that were judged

	alpha float64
	noise bool
}

// A Finding is a row that is not the same, or why the gate can't judge.
type Finding struct {
	Benchmark string  `json:"benchmark"`
	Column    string  `json:"column,omitempty"`
	Unit      string  `json:"unit"`
	Verdict   Verdict `json:"verdict"`
	Reason    string  `json:"reason"`
	Fails     bool    `json:"fails"`
}

func (f Finding) String() string {
	if f.Benchmark == "" {
		return plain(fmt.Sprintf("%s: %s", f.Unit, f.Reason))
	}
	return plain(fmt.Sprintf("%s: %s %s: %s", f.Verdict, f.Benchmark, f.Unit, f.Reason))
}

// Pass reports whether nothing fails.
func (g *Gate) Pass() bool {
	return !slices.ContainsFunc(g.Findings, func(f Finding) bool { return f.Fails })
}

// Tally lists how often each verdict was given, the worst first.
func Tally(counts map[Verdict]int) string {
	var parts []string
	for _, v := range verdicts {
		if n := counts[v]; n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, v))
		}
	}
	return strings.Join(parts, ", ")
}

// Headline is the result in one line.
func (g *Gate) Headline() string {
	var limits []string
	for _, b := range g.Budgets {
		limits = append(limits, plain(b.String()))
	}
	result, floor := "passed", "noise floor not measured"
	if !g.Pass() {
		result = "FAILED"
	}
	if g.noise {
		floor = "above the measured noise floor"
	}
	return fmt.Sprintf("gate %s: %s of %d rows (allowed: %s; α = %v over all rows; %s)",
		result, Tally(g.Counts), g.Rows, strings.Join(limits, ", "), g.alpha, floor)
}

// Judge gives each row of the budgets' units a verdict, and the report its
// gate. Its error wraps [ErrNothing] when no table has any of the units or there
// is no column to compare with; it is of another kind when a policy makes no
// sense for the records.
func (r *Report) Judge(p Policy) error {
	if len(r.Cols) < 2 {
		return fmt.Errorf("%w: only column %q: a gate needs a base and a head", ErrNothing, r.Cols[0])
	}
	g := &Gate{Counts: map[Verdict]int{}, Budgets: p.budgets(), alpha: r.Alpha, noise: p.Noise != nil}
	var rows []judgement
	for _, b := range g.Budgets {
		found, err := r.rowsOf(b, p)
		if err != nil {
			return err
		}
		if len(found) == 0 {
			g.Findings = append(g.Findings, Finding{Unit: b.Unit, Verdict: Missing, Fails: true,
				Reason: "no benchmark has it, and a budget that judges nothing is no pass"})
		}
		rows = append(rows, found...)
	}
	if len(rows) == 0 {
		return fmt.Errorf("%w: no record has %s; there are %s", ErrNothing, strings.Join(p.Units(), ", "), strings.Join(r.units(), ", "))
	}
	adjust(rows)
	for _, j := range rows {
		j.decide(r.Alpha)
		g.take(r, j, p.Strict)
	}
	g.Rows = len(rows)
	g.sort()
	r.Gate = g
	return nil
}

func (r *Report) units() []string {
	var list []string
	for _, t := range r.Tables {
		if !slices.Contains(list, t.Unit) {
			list = append(list, t.Unit)
		}
	}
	return list
}

// A judgement is one row and column before the gate.
type judgement struct {
	table  *Table
	row    *Row
	col    int
	change *Change
	exact  bool
	least  float64 // the smallest p that samples of this size can have
}

// rowsOf returns what a budget is about, and makes it where it is derived.
func (r *Report) rowsOf(b Budget, p Policy) ([]judgement, error) {
	if b.Unit == Exponent {
		if err := r.addExponents(p.Seed); err != nil {
			return nil, err
		}
	}
	var list []judgement
	for _, t := range r.Tables {
		if t.Unit != b.Unit {
			continue
		}
		if t.Better == 0 {
			return nil, directionError(b)
		}
		for _, row := range t.Rows {
			list = append(list, r.rowOf(t, row, b, p.Noise)...)
		}
	}
	return list, nil
}

func directionError(b Budget) error {
	return fmt.Errorf("budget %s: no record says whether more or less of it is better: want a line \"Unit %s better=lower\"", b, b.Unit)
}

// countable reports whether a unit is exact without any record saying so.
func countable(unit string) bool { return unit == "allocs/op" }

// rowOf returns a judgement a column. A row that the base lacks is new, and
// none of the gate's business.
func (r *Report) rowOf(t *Table, row *Row, b Budget, noise *Noise) []judgement {
	if row.Cells[0] == nil {
		return nil
	}
	var list []judgement
	base := row.Cells[0]
	for i := 1; i < len(row.Cells); i++ {
		j := judgement{table: t, row: row, col: i, change: row.Changes[i]}
		if row.Cells[i] == nil {
			j.change = &Change{Judged: true, Verdict: Missing, Floor: math.NaN(), Reason: fmt.Sprintf("%s has it, %s does not", r.Cols[0], r.Cols[i])}
			row.Changes[i] = j.change
			list = append(list, j)
			continue
		}
		j.change.Judged, j.change.Allowed, j.change.Q = true, b.of(base.Summary.Center), j.change.P
		if floor, ok := noise.floor(t, row); ok {
			j.change.Floor = floor * math.Abs(base.Summary.Center)
			j.change.Allowed = max(j.change.Allowed, j.change.Floor)
		}
		j.exact = t.Unit != Exponent && (t.Exact || countable(t.Unit)) && constant(base, row.Cells[i])
		if j.least = leastP(j.change.N1, j.change.N2); t.Unit == Exponent {
			j.least = 0
		}
		list = append(list, j)
	}
	return list
}

// leastP returns the p of two samples that do not overlap.
func leastP(n1, n2 int) float64 {
	low, high := make([]float64, n1), make([]float64, n2)
	for i := range low {
		low[i] = float64(i)
	}
	for i := range high {
		high[i] = float64(n1 + i)
	}
	t := &benchmath.DefaultThresholds
	return benchmath.AssumeNothing.Compare(benchmath.NewSample(low, t), benchmath.NewSample(high, t)).P
}

// adjust replaces each p by the least false discovery rate at which its row
// would be rejected (Benjamini and Hochberg, "Controlling the false discovery
// rate", 1995). Where no code changed at all, that is the chance of any false
// alarm in the whole report.
func adjust(rows []judgement) {
	var tests []*Change
	for _, j := range rows {
		if !j.exact && j.change.Verdict != Missing {
			tests = append(tests, j.change)
		}
	}
	slices.SortStableFunc(tests, func(a, b *Change) int {
		switch {
		case a.P < b.P:
			return -1
		case a.P > b.P:
			return 1
		}
		return 0
	})
	q := 1.0
	for i := len(tests) - 1; i >= 0; i-- {
		q = min(q, tests[i].P*float64(len(tests))/float64(i+1))
		tests[i].Q = q
	}
}

// decide gives the verdict. All differences are turned so that more is worse.
func (j judgement) decide(alpha float64) {
	c := j.change
	if c.Verdict == Missing {
		return
	}
	sign := -float64(j.table.Better)
	delta, worst := sign*c.Delta, max(sign*c.Lo, sign*c.Hi)
	significant := j.exact || c.Q <= alpha
	switch {
	case significant && delta > c.Allowed:
		c.Verdict, c.Reason = worse(j.table.Unit), j.reason(alpha)
	case significant && -delta > c.Allowed:
		c.Verdict, c.Reason = improved(j.table.Unit), j.reason(alpha)
	case !j.exact && j.least > alpha:
		c.Verdict, c.Reason = Ambiguous, fmt.Sprintf("%d and %d samples can show nothing at α = %v: take more", c.N1, c.N2, alpha)
	case !j.exact && worst > c.Allowed:
		c.Verdict, c.Reason = Ambiguous, j.reason(alpha)+": more than is allowed is neither shown nor excluded"
	default:
		c.Verdict = Same
	}
}

// blind reports whether no samples of this size could have failed.
func (j judgement) blind(alpha float64) bool {
	return j.change.Verdict == Ambiguous && !j.exact && j.least > alpha
}

// reason tells the change, where it may lie, and what was allowed.
func (j judgement) reason(alpha float64) string {
	c, base, unit := j.change, j.row.Cells[0].Summary.Center, j.table.Unit
	text := c.percent(c.Delta, base, unit)
	if !j.exact && !math.IsInf(c.Lo, 0) {
		text += fmt.Sprintf(" [%s, %s]", c.percent(c.Lo, base, unit), c.percent(c.Hi, base, unit))
	}
	text += fmt.Sprintf(", allowed %s", c.allowed(j.table, j.row))
	if c.Floor == c.Allowed {
		text += " by the noise floor"
	}
	if !j.exact {
		text += fmt.Sprintf(", q=%.3f", c.Q)
	}
	return text
}

// take counts a judgement and notes what a person should see.
func (g *Gate) take(r *Report, j judgement, strict bool) {
	v := j.change.Verdict
	g.Counts[v]++
	if v == Same {
		return
	}
	f := Finding{Benchmark: j.row.Name, Unit: j.table.Unit, Verdict: v, Reason: j.change.Reason,
		Fails: v.fails() || j.blind(r.Alpha) || strict && v == Ambiguous}
	if len(r.Cols) > 2 {
		f.Column = r.Cols[j.col]
	}
	j.change.failing = f.Fails
	g.Findings = append(g.Findings, f)
}

func (c *Change) fails() bool { return c.failing }

// sort puts what fails first, in the order of the verdicts.
func (g *Gate) sort() {
	rank := func(f Finding) int {
		at := slices.Index(verdicts, f.Verdict)
		if f.Fails {
			return at - len(verdicts)
		}
		return at
	}
	slices.SortStableFunc(g.Findings, func(a, b Finding) int { return rank(a) - rank(b) })
}
