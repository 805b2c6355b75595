// Package paired decides whether one program is slower than another from
// rounds in which both were measured side by side.
//
// A round runs three programs in fresh processes: the base, the base again, and
// the head; their samples take turns. What slows the machine for a while slows
// all three, and what a process has by luck, such as its place in memory, is
// drawn anew in each round. So a round is one observation of each row, in
// logarithms:
//
//	effect = head − (base + again)/2
//	noise  = again − base
//
// of the second percentile of each program's times, which is the least of fewer
// than 50. Interference only ever adds, so the low samples are those that it spared
// (Chen and Revels, "Robust benchmarking in noisy environments", arXiv 1608.04295,
// who take the least). For normal errors the two are independent.
//
// Note: on two cores that twenty processes wanted, samples came in two kinds, as
// the other core was busy or not, 35% apart. The interval over 40 rounds of 150
// samples was ±5.5% wide with their lower decile, ±0.9% with the least, which a
// boost of the clock moves, and ±0.8% with the second least. Samples that are
// themselves the least of a few runs narrowed it again: see run --least.
//
// Over rounds, the estimate is a trimmed mean with its bootstrap-t interval, the
// test Wilcoxon's signed ranks, corrected for the number of rows after Benjamini
// and Hochberg and for the number of looks that an experiment takes before it may
// stop. The noise's interval is the floor below which nothing is believed; and
// while that floor is far above what matters, nothing is called the same either.
//
// Any unit is judged so, of rates the high samples; where some value is not
// positive, by differences and not by ratios. Counts that do not vary within
// either program need none of it: one more is one more.
package paired

import (
	"cmp"
	"maps"
	"slices"
	"strings"
)

// A Key names a row: a benchmark with its configuration, in one unit.
type Key struct{ Config, Name, Unit string }

// Samples are the values of one program in one round, by row, in order. They
// are finite.
type Samples map[Key][]float64

// A Round is what three fresh processes measured side by side.
type Round struct{ Base, Again, Head Samples }

// A Metric is a unit that is judged.
type Metric struct {
	Unit    string
	Better  int                        // +1 where more of it is better, −1 where less is
	Exact   bool                       // a count: where it does not vary, it is known
	Allowed func(base float64) float64 // how much worse it may get, in the unit
}

// A Decision is what is known of a row.
type Decision string

// A row is ambiguous while more than is allowed is neither shown nor excluded.
const (
	Same      Decision = "same"
	Better    Decision = "better"
	Worse     Decision = "worse"
	Ambiguous Decision = "ambiguous"
	Missing   Decision = "missing" // the base has it, the head does not
)

// Options state when a row is decided.
type Options struct {
	Metrics    []*Metric
	Alpha      float64 // of the whole experiment, over all rows and looks
	Looks      int     // how often it may be asked whether all is decided
	Confidence float64 // of the intervals
	Seed       uint64  // of resampling
}

// Judge returns the rows of the metrics, in their order, that the base has in
// any round, by name. The order in which rounds are given does not matter.
func Judge(rounds []Round, opts Options) []*Row {
	var rows []*Row
	for _, m := range opts.Metrics {
		for _, key := range keys(m, rounds) {
			row := &Row{Key: key, Metric: m, Decision: Missing}
			if seen := row.observe(rounds); len(seen) > 0 {
				row.measure(seen, opts)
			}
			rows = append(rows, row)
		}
	}
	adjust(rows)
	for _, r := range rows {
		r.decide(opts)
	}
	return rows
}

func keys(m *Metric, rounds []Round) []Key {
	seen := map[Key]bool{}
	for _, r := range rounds {
		for k := range r.Base {
			if k.Unit == m.Unit {
				seen[k] = true
			}
		}
	}
	return slices.SortedFunc(maps.Keys(seen), func(a, b Key) int {
		return cmp.Or(strings.Compare(a.Config, b.Config), byNumbers(a.Name, b.Name), strings.Compare(a.Name, b.Name))
	})
}

// byNumbers orders texts with the numbers in them by value: n=256 comes before
// n=1024.
func byNumbers(a, b string) int {
	for a != "" && b != "" {
		i, j := digits(a), digits(b)
		if i > 0 && j > 0 {
			x, y := strings.TrimLeft(a[:i], "0"), strings.TrimLeft(b[:j], "0")
			if c := cmp.Or(cmp.Compare(len(x), len(y)), strings.Compare(x, y)); c != 0 {
				return c
			}
			a, b = a[i:], b[j:]
			continue
		}
		if a[0] != b[0] {
			return cmp.Compare(a[0], b[0])
		}
		a, b = a[1:], b[1:]
	}
	return cmp.Compare(len(a), len(b))
}

// digits returns how many of them a text begins with.
func digits(text string) int { return len(text) - len(strings.TrimLeft(text, "0123456789")) }

// adjust turns p into the false discovery rate over all rows that were tested.
func adjust(rows []*Row) {
	var tests []*Row
	for _, r := range rows {
		if r.Decision != Missing && !r.Exact {
			tests = append(tests, r)
		}
	}
	slices.SortStableFunc(tests, func(a, b *Row) int { return cmp.Compare(a.P, b.P) })
	q := 1.0
	for i := len(tests) - 1; i >= 0; i-- {
		q = min(q, tests[i].P*float64(len(tests))/float64(i+1))
		tests[i].Q = q
	}
}

// MinRounds is the least that anything is decided on: with fewer, not even
// rounds that all agree are significant at 0.05.
const MinRounds = 6
