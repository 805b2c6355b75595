// Package runs sorts the records of files into runs: what was measured on one
// machine, from one commit, on one kind of input.
//
// A benchmark's name says what was measured; the file's configuration and the
// remarks among its comments ("# commit: …") say where. Only samples that
// agree in the latter may be pooled, so files of one run may come in shards,
// and a file may hold several runs.
package runs

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/perf/benchfmt"

	"github.com/attnbench/attnbench/reports"
)

// ErrNothing says that there is not one record that could be shown.
var ErrNothing = errors.New("no benchmark records")

// A File is one of records, whole.
type File struct{ Name, Text string }

// A Fact is something that a run's records say of where they come from. A run
// may have several values of what it is not told apart by.
type Fact struct {
	Key    string
	Values []string
}

// A Run holds the records that belong together.
type Run struct {
	Facts  []Fact // in the order of the records
	Set    *reports.Set
	Peaks  []Peak
	Phases []Phase
	Files  []string // the names of the files that it comes from
	Others int      // records of benchmarks that reports know nothing of
}

// Fact returns the values of a fact as one text, or "".
func (r *Run) Fact(key string) string {
	for _, f := range r.Facts {
		if f.Key == key {
			return strings.Join(f.Values, ", ")
		}
	}
	return ""
}

// asides are the facts that do not tell one run from another.
var asides = []string{"seed", "pkg", "flags", "go", "incomplete", "shard", "commit-time"}

// aside reports whether a fact is one of these, or a peak, which differs a
// little whenever it is measured.
func aside(key string) bool { return slices.Contains(asides, key) || strings.HasPrefix(key, "peak-") }

// Read sorts the records of the files into runs, in the order in which they
// appear. Its errors name the place; a file without any record is one,
// [ErrNothing].
func Read(files []File) ([]*Run, error) {
	b := builder{}
	for _, f := range files {
		n := b.records
		if err := b.file(f); err != nil {
			return nil, err
		}
		if b.records == n {
			return nil, fmt.Errorf("%s: %w", f.Name, ErrNothing)
		}
	}
	return b.runs, nil
}

type builder struct {
	runs    []*Run
	ids     []identity // one for each run
	records int
}

func (b *builder) file(f File) error {
	reader := benchfmt.NewReader(strings.NewReader(f.Text), f.Name)
	remarks := reports.NewRemarks(f.Text)
	for reader.Scan() {
		switch rec := reader.Result().(type) {
		case *benchfmt.SyntaxError:
			return rec
		case *benchfmt.Result:
			_, line := rec.Pos()
			if err := b.record(f.Name, rec, remarks.Before(line)); err != nil {
				return fmt.Errorf("%s:%d: %w", f.Name, line, err)
			}
		}
	}
	return reports.ReadError(reader.Err(), f.Name)
}

func (b *builder) record(file string, rec *benchfmt.Result, remarks []reports.Remark) error {
	var facts []pair
	for _, c := range rec.Config {
		facts = append(facts, pair{c.Key, strings.TrimSpace(string(c.Value))})
	}
	for _, r := range remarks {
		facts = append(facts, pair{r.Key, r.Value})
	}
	if err := errors.Join(checkUnits(rec), reports.CheckValues(rec)); err != nil {
		return err
	}
	b.records++
	run := b.run(facts)
	if !slices.Contains(run.Files, file) {
		run.Files = append(run.Files, file)
	}
	return run.add(rec)
}

// checkUnits refuses a record that states one metric twice.
func checkUnits(rec *benchfmt.Result) error {
	for i, v := range rec.Values {
		for _, w := range rec.Values[:i] {
			if v.Unit == w.Unit {
				return fmt.Errorf("benchmark %q: has two values of %s", rec.Name, v.Unit)
			}
		}
	}
	return nil
}

// run returns the run that facts belong to and makes it if it is new. What
// was not measured on an input, such as a model's pass, may join any.
func (b *builder) run(facts []pair) *Run {
	var rest []string
	id := identity{}
	for _, f := range facts {
		switch {
		case f.key == "input":
			id.input = f.value
		case !aside(f.key):
			rest = append(rest, f.key+"="+f.value)
		}
	}
	slices.Sort(rest)
	id.rest = strings.Join(rest, "\x00")
	i := slices.IndexFunc(b.ids, id.joins)
	if i < 0 {
		i = len(b.ids)
		b.ids = append(b.ids, id)
		b.runs = append(b.runs, &Run{Set: &reports.Set{}})
	}
	b.ids[i].input = cmp.Or(b.ids[i].input, id.input)
	for _, f := range facts {
		b.runs[i].learn(f)
	}
	return b.runs[i]
}

// An identity is what tells one run from another.
type identity struct{ rest, input string }

func (a identity) joins(b identity) bool {
	return a.rest == b.rest && (a.input == b.input || a.input == "" || b.input == "")
}

func (r *Run) learn(p pair) {
	i := slices.IndexFunc(r.Facts, func(f Fact) bool { return f.Key == p.key })
	if i < 0 {
		i = len(r.Facts)
		r.Facts = append(r.Facts, Fact{Key: p.key})
	}
	if f := &r.Facts[i]; !slices.Contains(f.Values, p.value) {
		f.Values = append(f.Values, p.value)
	}
}

// add sorts a record by what it is of.
func (r *Run) add(rec *benchfmt.Result) error {
	if ok, err := r.addPhase(rec); ok || err != nil {
		return err
	}
	switch string(rec.Name.Base()) {
	case reports.Base:
		return r.Set.Add(rec)
	case "Peak":
		r.addPeak(rec)
	default:
		r.Others++
	}
	return nil
}

// Tells reports whether runs are told apart by a fact.
func Tells(key string) bool { return !aside(key) }
