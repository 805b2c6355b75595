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
// of the second percentile of each program's samples, which is the least of
// fewer than 50. Interference only ever adds, so the low samples are those that
// it spared (Chen and Revels, "Robust benchmarking in noisy environments", arXiv
// 1608.04295, who take the least). For normal errors the two are independent.
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
package paired

import (
	"math"
	"slices"
	"strings"
)

// A Key names a row: a benchmark with its configuration, in one unit.
type Key struct{ Config, Name string }

// Samples are the values of one program in one round, by row, in order.
type Samples map[Key][]float64

// A Round is what three fresh processes measured side by side.
type Round struct{ Base, Again, Head Samples }

// An Estimate is a logarithm of a ratio, with its interval.
type Estimate struct{ Value, Lo, Hi float64 }

// Percent returns the ratio that a logarithm stands for, as a change.
func Percent(log float64) float64 { return 100 * math.Expm1(log) }

// A Decision is what is known of a row.
type Decision string

// A row is ambiguous while a slowdown beyond what is allowed is neither shown
// nor excluded.
const (
	Same      Decision = "same"
	Faster    Decision = "faster"
	Slower    Decision = "slower"
	Ambiguous Decision = "ambiguous"
	Missing   Decision = "missing" // the base has it, the head does not
)

// A Row is the state of one row after some rounds.
type Row struct {
	Key
	Rounds   int
	Effect   Estimate // of the head against the base
	Noise    Estimate // of the base against itself
	P, Q     float64  // of no effect; Q is adjusted for all rows
	Allowed  float64  // the larger of what matters and of the noise, as a logarithm
	Decision Decision

	Base, Head []float64 // the low sample of each round
}

// Options state when a row is decided.
type Options struct {
	MinEffect  float64 // the least slowdown that matters, as a share
	Alpha      float64 // of the whole experiment, over all rows and looks
	Looks      int     // how often it may be asked whether all is decided
	Confidence float64 // of the intervals
	Seed       uint64  // of resampling
}

// Judge returns the rows that the base has in any round, by name. The order in
// which rounds are given does not matter.
func Judge(rounds []Round, opts Options) []*Row {
	var rows []*Row
	for _, key := range keys(rounds) {
		rows = append(rows, judge(key, rounds, opts))
	}
	adjust(rows)
	for _, r := range rows {
		r.decide(opts)
	}
	return rows
}

func keys(rounds []Round) []Key {
	seen := map[Key]bool{}
	var list []Key
	for _, r := range rounds {
		for k := range r.Base {
			if !seen[k] {
				seen[k] = true
				list = append(list, k)
			}
		}
	}
	slices.SortFunc(list, func(a, b Key) int {
		if c := strings.Compare(a.Config, b.Config); c != 0 {
			return c
		}
		return strings.Compare(a.Name, b.Name)
	})
	return list
}

func judge(key Key, rounds []Round, opts Options) *Row {
	row := &Row{Key: key}
	var effects, noises []float64
	for _, r := range rounds {
		base, again, head := r.Base[key], r.Again[key], r.Head[key]
		if len(base) == 0 || len(again) == 0 || len(head) == 0 {
			continue
		}
		b, a, h := low(base), low(again), low(head)
		if !(b > 0 && a > 0 && h > 0) {
			continue
		}
		row.Base, row.Head = append(row.Base, math.Sqrt(a*b)), append(row.Head, h)
		effects = append(effects, math.Log(h)-(math.Log(b)+math.Log(a))/2)
		noises = append(noises, math.Log(a)-math.Log(b))
	}
	if row.Rounds = len(effects); row.Rounds == 0 {
		row.Decision = Missing
		return row
	}
	row.Effect = estimate(effects, opts.Confidence, opts.Seed)
	row.Noise = estimate(noises, opts.Confidence, opts.Seed)
	row.P = SignedRank(effects)
	row.Allowed = max(math.Log1p(opts.MinEffect), math.Abs(row.Noise.Lo), math.Abs(row.Noise.Hi))
	return row
}

// adjust turns p into the false discovery rate over all rows.
func adjust(rows []*Row) {
	var tests []*Row
	for _, r := range rows {
		if r.Decision != Missing {
			tests = append(tests, r)
		}
	}
	slices.SortStableFunc(tests, func(a, b *Row) int {
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

// decide shares α among the looks: however often it is asked, the chance that a
// row without change was ever called one stays below α.
func (r *Row) decide(opts Options) {
	significant := r.Q <= opts.Alpha/float64(max(1, opts.Looks))
	switch {
	case r.Decision == Missing:
	case significant && r.Effect.Value > r.Allowed:
		r.Decision = Slower
	case significant && -r.Effect.Value > r.Allowed:
		r.Decision = Faster
	case r.Effect.Hi > r.Allowed || r.Allowed > restless*math.Log1p(opts.MinEffect):
		r.Decision = Ambiguous
	default:
		r.Decision = Same
	}
}

// restless is how many times what matters the noise may be for a row to be
// called the same. Above it a machine hides what is looked for.
const restless = 2

// MinRounds is the least that anything is decided on: with fewer, not even
// rounds that all agree are significant at 0.05.
const MinRounds = 6
