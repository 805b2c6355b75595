package compare

import (
	"errors"
	"fmt"
	"math"
	"strings"

	"golang.org/x/perf/benchfmt"
	"golang.org/x/perf/benchmath"

	"github.com/attnbench/attnbench/reports/paired"
)

// Metrics returns what a measurement side by side has to judge for the budgets,
// given what its records say of their units. Its error is a budget that can't be
// judged so.
func (p Policy) Metrics(units benchfmt.UnitMetadataMap) ([]*paired.Metric, error) {
	var list []*paired.Metric
	for _, b := range p.budgets() {
		m := &paired.Metric{Unit: b.Unit, Better: better(units, b.Unit), Exact: exact(units, b.Unit) || countable(b.Unit), Allowed: b.of}
		if m.Better == 0 {
			return nil, directionError(b)
		}
		list = append(list, m)
	}
	return list, nil
}

// FromPaired makes a report of rows that were measured side by side, already
// judged by the metrics of a policy. Its cells have a value a round; its changes
// are those of the paired values, and not of the cells' medians.
func FromPaired(rows []*paired.Row, p Policy, opts paired.Options, base, head string) *Report {
	if base == head {
		base, head = base+" (base)", head+" (head)"
	}
	r := &Report{Cols: []string{base, head}, Alpha: opts.Alpha, Confidence: opts.Confidence}
	r.Gate = &Gate{Counts: map[Verdict]int{}, Rows: len(rows), alpha: opts.Alpha, noise: true, Budgets: p.budgets()}
	tables := map[paired.Key]*Table{}
	for _, row := range rows {
		place := paired.Key{Config: row.Config, Unit: row.Unit}
		t := tables[place]
		if t == nil {
			t = &Table{Config: configFields(row.Config), Unit: row.Unit, Better: row.Metric.Better, Exact: true, Totals: noTotals()}
			tables[place] = t
			r.Tables = append(r.Tables, t)
		}
		t.Exact = t.Exact && (row.Exact || row.Decision == paired.Missing)
		t.Rows = append(t.Rows, t.pairedRow(row, opts, head))
	}
	for _, t := range r.Tables {
		for _, row := range t.Rows {
			r.Gate.take(r, judgement{table: t, row: row, col: 1, change: row.Changes[1]}, p.Strict)
		}
	}
	r.Gate.sort()
	return r
}

func noTotals() []Total {
	return []Total{{math.NaN(), math.NaN()}, {math.NaN(), math.NaN()}}
}

func configFields(config string) []Field {
	var list []Field
	for part := range strings.Lines(config) {
		if k, v, ok := strings.Cut(part, ": "); ok {
			list = append(list, Field{k, strings.TrimRight(v, "\n")})
		}
	}
	return list
}

// VerdictOf returns the word for what was decided of a row: a time is slower
// where bytes are worse.
func VerdictOf(row *paired.Row) Verdict {
	switch row.Decision {
	case paired.Worse:
		return worse(row.Unit)
	case paired.Better:
		return improved(row.Unit)
	}
	return Verdict(row.Decision)
}

func (t *Table) pairedRow(row *paired.Row, opts paired.Options, head string) *Row {
	out := &Row{Name: row.Name, Fields: nameFields(benchfmt.Name(row.Name)), Cells: make([]*Cell, 2), Changes: make([]*Change, 2)}
	c := &Change{Judged: true, Floor: math.NaN(), Verdict: VerdictOf(row)}
	out.Changes[1] = c
	if row.Decision == paired.Missing {
		c.Reason = head + " does not have it"
		return out
	}
	for i, values := range [][]float64{row.Base, row.Head} {
		out.Cells[i] = pairedCell(values, row.Exact, opts)
	}
	c.Comparison = benchmath.Comparison{P: row.P, N1: row.Rounds, N2: row.Rounds, Alpha: opts.Alpha}
	c.Delta, c.Lo, c.Hi, c.Q = row.Change(row.Effect.Value), row.Change(row.Effect.Lo), row.Change(row.Effect.Hi), row.Q
	base := out.Cells[0].Summary.Center
	c.Ratio = ratio(base, base+c.Delta)
	worst := -float64(row.Metric.Better)
	if c.Allowed = math.Abs(row.Change(worst * row.Allowed)); !row.Exact {
		c.Floor = math.Abs(row.Change(worst * row.Floor()))
	}
	if row.Decision != paired.Same {
		c.Reason = judgement{table: t, row: out, change: c, exact: row.Exact}.reason(opts.Alpha)
	}
	if row.Decision == paired.Ambiguous {
		c.Reason += fmt.Sprintf(" after %d rounds: more than is allowed is neither shown nor excluded", row.Rounds)
	}
	if row.Rounds < paired.MinRounds {
		out.Cells[1].Notes = append(out.Cells[1].Notes, errors.New("too few rounds to decide anything"))
	}
	return out
}

// pairedCell has a value a round, and a single one where it is exact.
func pairedCell(values []float64, exact bool, opts paired.Options) *Cell {
	a := benchmath.Assumption(benchmath.AssumeNothing)
	if exact {
		a = benchmath.AssumeExact
	}
	sample := benchmath.NewSample(append([]float64{}, values...), &benchmath.Thresholds{CompareAlpha: opts.Alpha})
	c := &Cell{Values: values, sample: sample, Summary: a.Summary(sample, opts.Confidence)}
	c.Notes = append([]error{}, c.Summary.Warnings...)
	return c
}
