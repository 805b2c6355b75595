package paired

import (
	"fmt"
	"math"
	"slices"
	"time"
)

// An Experiment runs rounds until every row is decided, and confirms what came
// out worse.
type Experiment struct {
	Options     // Looks is set by Run
	Rounds  int // after which to stop even so; at least MinRounds
	Next    func() (Round, error)
	Limit   time.Duration                             // of exploring, and again of confirming; 0 means none
	Look    func(confirming bool, n int, rows []*Row) // told of each look; may be nil
}

// A Result is what an experiment found.
type Result struct {
	Rows  []*Row
	Notes []string // of rows that looked worse and were not confirmed
}

// Run explores all rows. Those that came out worse go through an experiment of
// their own, whose figures take the place of theirs: the ones that raised an
// alarm are biased by having raised it. A row is worse only if it is so twice,
// or if it is exact.
func (e *Experiment) Run() (Result, error) {
	var res Result
	var err error
	if res.Rows, err = e.explore(false, nil); err != nil {
		return res, err
	}
	suspects := map[Key]bool{}
	for _, r := range res.Rows {
		if r.Decision == Worse && !r.Exact {
			suspects[r.Key] = true
		}
	}
	if len(suspects) == 0 {
		return res, nil
	}
	again, err := e.explore(true, suspects)
	if err != nil {
		return res, err
	}
	for i, first := range res.Rows {
		at := slices.IndexFunc(again, func(r *Row) bool { return r.Key == first.Key })
		if at < 0 || !suspects[first.Key] {
			continue
		}
		res.Rows[i] = again[at]
		if d := again[at].Decision; d != Worse {
			res.Notes = append(res.Notes, fmt.Sprintf("%s looked worse, by %s; measured again it was %s", first.title(), first.change(), d))
		}
	}
	return res, nil
}

func (r *Row) title() string { return r.Name + " " + r.Unit }

// change tells the effect for the worse.
func (r *Row) change() string {
	v := math.Abs(r.Change(r.Effect.Value))
	if r.Ratio {
		return fmt.Sprintf("%.2f%%", 100*v/median(r.Base))
	}
	return fmt.Sprintf("%.4g %s", v, r.Unit)
}

// looks returns the rounds after which it is asked whether all is decided: few,
// for each look costs a share of α.
func looks(most int) []int {
	var list []int
	for n := MinRounds + 2; n < most; n += n / 2 {
		list = append(list, n)
	}
	return append(list, most)
}

// explore runs rounds until all rows are decided, or those in only.
func (e *Experiment) explore(confirming bool, only map[Key]bool) ([]*Row, error) {
	at, opts := looks(e.Rounds), e.Options
	opts.Looks = len(at)
	var rounds []Round
	start := time.Now()
	for n := 1; ; n++ {
		r, err := e.Next()
		if err != nil {
			return nil, err
		}
		r.keep(only)
		rounds = append(rounds, r)
		last := n == e.Rounds || n >= MinRounds && e.Limit > 0 && time.Since(start) > e.Limit
		if !last && !slices.Contains(at, n) {
			continue
		}
		rows := Judge(rounds, opts)
		if e.Look != nil {
			e.Look(confirming, n, rows)
		}
		if last || decided(rows) {
			return rows, nil
		}
	}
}

// keep drops the rows that are not in only, unless that is nil.
func (r Round) keep(only map[Key]bool) {
	if only == nil {
		return
	}
	for _, s := range []Samples{r.Base, r.Again, r.Head} {
		for k := range s {
			if !only[k] {
				delete(s, k)
			}
		}
	}
}

// decided reports whether no further round can be of use.
func decided(rows []*Row) bool {
	return !slices.ContainsFunc(rows, func(r *Row) bool { return r.Decision == Ambiguous })
}
