package history

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/attnbench/attnbench/reports"
	"github.com/attnbench/attnbench/reports/runs"
)

// A Commit is one that was measured.
type Commit struct {
	Name  string    // its hash, or the name of its file where the records have none
	Time  time.Time // when it was made; zero where the records do not say
	Files []string
}

// Short returns the name as it fits a table: the first nine digits of a hash.
func (c Commit) Short() string {
	if hash, _, _ := strings.Cut(c.Name, "-dirty"); isHash(hash) {
		return hash[:9] + c.Name[len(hash):]
	}
	return c.Name
}

// isHash reports whether a name is one that git gives.
func isHash(name string) bool {
	return len(name) >= 40 && strings.Trim(name, "0123456789abcdef") == ""
}

// A Level is what a track has at one commit.
type Level struct {
	Commit  int // its place in the history
	Median  reports.Estimate
	Samples int
}

// A Change is where a track's level became another.
type Change struct {
	*Track
	Last, First  int     // the last commit of the old level and the first of the new one
	Before, From float64 // the median of either level
	P            float64
}

// Effect returns the change as a share of the level before.
func (c Change) Effect() float64 { return c.From/c.Before - 1 }

// Worse reports whether the change is for the worse. Of the metrics that are
// followed, only rates are better when they are higher.
func (c Change) Worse() bool { return (c.From > c.Before) == lowerIsBetter(c.Unit) }

func lowerIsBetter(unit string) bool {
	return unit != reports.PeakShare && !strings.HasSuffix(unit, "/s")
}

// A Track is one metric of one kernel at one length on one machine.
type Track struct {
	Machine string
	reports.Key
	N       int
	Unit    string
	Levels  []Level
	Changes []Change
}

// A History holds what is known of the commits, in their order.
type History struct {
	Options Options
	Commits []Commit
	Tracks  []*Track
	Notes   []string // what a reader must know of the order
}

// Units are the metrics that are followed unless others are asked for.
var Units = []string{reports.Time, reports.Workspace, reports.ErrorRatio}

// Order says how commits follow each other.
type Order string

// The orders. Auto is by time where all records state it, else by name.
const (
	Auto   Order = "auto"
	ByTime Order = "time"
	ByName Order = "name"
)

// New follows units through files, and finds the changes. Its errors are those
// of [runs.Read], and one for an order that the records do not allow.
func New(files []runs.File, units []string, order Order, o Options) (*History, error) {
	h := &History{Options: o}
	b := builder{history: h, units: units, index: map[string]int{}, tracks: map[trackKey]*Track{}, samples: map[sampleKey][]float64{}}
	for _, f := range files {
		list, err := runs.Read([]runs.File{f})
		if errors.Is(err, runs.ErrNothing) {
			h.Notes = append(h.Notes, fmt.Sprintf("left out: %v", err))
			continue
		}
		if err != nil {
			return nil, err
		}
		for _, r := range list {
			b.run(r, len(list))
		}
	}
	if len(b.tracks) == 0 {
		return nil, fmt.Errorf("%d files: %w of attention with %s", len(files), runs.ErrNothing, strings.Join(units, ", "))
	}
	if err := b.finish(order); err != nil {
		return nil, err
	}
	h.detect()
	return h, nil
}

type trackKey struct {
	machine string
	reports.Key
	n    int
	unit string
}

type sampleKey struct {
	trackKey
	commit string
}

// A builder pools the samples of each commit before it knows the order.
type builder struct {
	history *History
	units   []string
	index   map[string]int // of commits by name
	tracks  map[trackKey]*Track
	samples map[sampleKey][]float64
}

// run takes one run of a file that holds so many.
func (b *builder) run(r *runs.Run, inFile int) {
	name := b.commit(r, inFile)
	for _, s := range r.Set.Series {
		for _, p := range s.Points {
			for _, unit := range b.units {
				if values := p.Samples[unit]; len(values) > 0 {
					key := trackKey{machine(r), s.Key, p.N, unit}
					b.tracks[key] = &Track{Machine: key.machine, Key: s.Key, N: p.N, Unit: unit}
					k := sampleKey{key, name}
					b.samples[k] = append(b.samples[k], values...)
				}
			}
		}
	}
}

// commit enters the commit of a run and returns its name.
func (b *builder) commit(r *runs.Run, inFile int) string {
	name := r.Fact("commit")
	if name == "" || strings.HasPrefix(name, "unavailable") {
		if name = r.Files[0]; inFile > 1 {
			name += " " + machine(r)
		}
	}
	i, ok := b.index[name]
	if !ok {
		i = len(b.history.Commits)
		b.index[name] = i
		b.history.Commits = append(b.history.Commits, Commit{Name: name})
	}
	c := &b.history.Commits[i]
	c.Files = append(c.Files, r.Files...)
	if t, err := time.Parse(time.RFC3339, r.Fact("commit-time")); err == nil {
		c.Time = t
	}
	return name
}

// machine names what else may not be pooled or compared.
func machine(r *runs.Run) string {
	var parts []string
	for _, key := range []string{"cpu", "device", "goos", "goarch", "input"} {
		if v := r.Fact(key); v != "" {
			parts = append(parts, v)
		}
	}
	return strings.Join(parts, ", ")
}

// finish puts the commits in order, and the samples into levels.
func (b *builder) finish(order Order) error {
	if err := b.history.sort(order); err != nil {
		return err
	}
	for key, t := range b.tracks {
		for i, c := range b.history.Commits {
			if values := b.samples[sampleKey{key, c.Name}]; len(values) > 0 {
				t.Levels = append(t.Levels, Level{i, reports.Median(values), len(values)})
			}
		}
		b.history.Tracks = append(b.history.Tracks, t)
	}
	slices.SortFunc(b.history.Tracks, func(x, y *Track) int {
		return cmp.Or(cmp.Compare(x.Machine, y.Machine), cmp.Compare(x.Shape.String(), y.Shape.String()),
			cmp.Compare(slices.Index(b.units, x.Unit), slices.Index(b.units, y.Unit)),
			cmp.Compare(x.Kernel, y.Kernel), cmp.Compare(x.ISA, y.ISA), cmp.Compare(x.N, y.N))
	})
	return nil
}

// sort orders the commits by time, or else by the names of their files.
func (h *History) sort(order Order) error {
	undated := slices.IndexFunc(h.Commits, func(c Commit) bool { return c.Time.IsZero() })
	switch {
	case order == ByTime && undated >= 0:
		return fmt.Errorf("order %q: the records of %s have no commit-time", order, strings.Join(h.Commits[undated].Files, ", "))
	case order == ByName || undated >= 0:
		slices.SortStableFunc(h.Commits, func(a, b Commit) int { return natural(a.Files[0], b.Files[0]) })
		h.Notes = append(h.Notes, "commits are in the order of their files' names")
	default:
		slices.SortStableFunc(h.Commits, func(a, b Commit) int { return cmp.Or(a.Time.Compare(b.Time), natural(a.Files[0], b.Files[0])) })
	}
	return nil
}

// detect finds the changes of all tracks.
func (h *History) detect() {
	sequences := make([][]float64, len(h.Tracks))
	for i, t := range h.Tracks {
		for _, l := range t.Levels {
			sequences[i] = append(sequences[i], l.Median.Value)
		}
	}
	for i, found := range Detect(sequences, h.Options) {
		t := h.Tracks[i]
		for _, f := range found {
			t.Changes = append(t.Changes, Change{t, t.Levels[f.At-1].Commit, t.Levels[f.At].Commit, f.Before, f.From, f.P})
		}
	}
	if n := len(h.Commits); n < h.Options.least() {
		h.Notes = append(h.Notes, fmt.Sprintf("%d commits: too few for a change to be told from chance, which takes %d", n, h.Options.least()))
	}
}

// least returns the number of commits from which on a change can be
// significant: a split of fewer is as good by chance too often.
func (o Options) least() int {
	for n := 2 * o.Guard; ; n++ {
		if orders := binomial(n, n/2); 2/orders <= o.Alpha || n > 40 {
			return n
		}
	}
}

func binomial(n, k int) float64 {
	out := 1.0
	for i := 1; i <= k; i++ {
		out *= float64(n-k+i) / float64(i)
	}
	return out
}

// Changes returns those of all tracks, by the commit where they began.
func (h *History) Changes() []Change {
	var out []Change
	for _, t := range h.Tracks {
		out = append(out, t.Changes...)
	}
	slices.SortStableFunc(out, func(a, b Change) int { return cmp.Compare(a.First, b.First) })
	return out
}

// natural compares texts with the numbers within them as numbers, so that
// run9 comes before run10.
func natural(a, b string) int {
	for a != "" && b != "" {
		da, db := digits(a), digits(b)
		if da > 0 && db > 0 {
			x, y := strings.TrimLeft(a[:da], "0"), strings.TrimLeft(b[:db], "0")
			if c := cmp.Or(cmp.Compare(len(x), len(y)), cmp.Compare(x, y)); c != 0 {
				return c
			}
			a, b = a[da:], b[db:]
			continue
		}
		if a[0] != b[0] {
			return cmp.Compare(a[0], b[0])
		}
		a, b = a[1:], b[1:]
	}
	return cmp.Compare(len(a), len(b))
}

func digits(s string) int { return len(s) - len(strings.TrimLeft(s, "0123456789")) }
