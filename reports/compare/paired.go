package compare

import (
	"errors"
	"fmt"
	"math"
	"strings"

	"golang.org/x/perf/benchfmt"
	"golang.org/x/perf/benchmath"

	"github.com/attnbench/attnbench/reports"
	"github.com/attnbench/attnbench/reports/paired"
)

// FromPaired makes a report of rows that were measured side by side, already
// judged. Its cells have a value a round; its changes are those of the paired
// ratios, and not of the cells' medians.
func FromPaired(rows []*paired.Row, opts paired.Options, base, head string, strict bool) *Report {
	if base == head {
		base, head = base+" (base)", head+" (head)"
	}
	r := &Report{Cols: []string{base, head}, Alpha: opts.Alpha, Confidence: opts.Confidence}
	r.Gate = &Gate{Counts: map[Verdict]int{}, Rows: len(rows), alpha: opts.Alpha, noise: true,
		Budgets: []Budget{{reports.Time, opts.MinEffect, true}}}
	tables := map[string]*Table{}
	for _, row := range rows {
		t := tables[row.Config]
		if t == nil {
			t = &Table{Config: configFields(row.Config), Unit: reports.Time, Better: -1, Totals: noTotals()}
			tables[row.Config] = t
			r.Tables = append(r.Tables, t)
		}
		out := pairedRow(row, opts, head)
		t.Rows = append(t.Rows, out)
		r.Gate.take(r, judgement{table: t, row: out, col: 1, change: out.Changes[1]}, strict)
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

func pairedRow(row *paired.Row, opts paired.Options, head string) *Row {
	out := &Row{Name: row.Name, Fields: nameFields(benchfmt.Name(row.Name)), Cells: make([]*Cell, 2), Changes: make([]*Change, 2)}
	c := &Change{Judged: true, Floor: math.NaN(), Verdict: Verdict(row.Decision)}
	out.Changes[1] = c
	if row.Decision == paired.Missing {
		c.Reason = head + " does not have it"
		return out
	}
	for i, values := range [][]float64{row.Base, row.Head} {
		sample := benchmath.NewSample(append([]float64{}, values...), &benchmath.Thresholds{CompareAlpha: opts.Alpha})
		out.Cells[i] = &Cell{Values: values, sample: sample, Summary: benchmath.AssumeNothing.Summary(sample, opts.Confidence)}
		out.Cells[i].Notes = append([]error{}, out.Cells[i].Summary.Warnings...)
	}
	center := out.Cells[0].Summary.Center
	of := func(log float64) float64 { return center * math.Expm1(log) }
	c.Comparison = benchmath.Comparison{P: row.P, N1: row.Rounds, N2: row.Rounds, Alpha: opts.Alpha}
	c.Delta, c.Lo, c.Hi, c.Ratio, c.Q = of(row.Effect.Value), of(row.Effect.Lo), of(row.Effect.Hi), math.Exp(row.Effect.Value), row.Q
	c.Allowed, c.Floor = of(row.Allowed), of(max(math.Abs(row.Noise.Lo), math.Abs(row.Noise.Hi)))
	if row.Decision != paired.Same {
		c.Reason = judgement{table: &Table{Unit: reports.Time}, row: out, change: c}.reason(opts.Alpha)
	}
	if row.Decision == paired.Ambiguous {
		c.Reason += fmt.Sprintf(" after %d rounds: more than is allowed is neither shown nor excluded", row.Rounds)
	}
	if row.Rounds < paired.MinRounds {
		out.Cells[1].Notes = append(out.Cells[1].Notes, errors.New("too few rounds to decide anything"))
	}
	return out
}
