package page

import (
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"

	"github.com/attnbench/attnbench/reports"
	"github.com/attnbench/attnbench/reports/chart"
	"github.com/attnbench/attnbench/reports/history"
	"github.com/attnbench/attnbench/reports/runs"
)

// A historyView is a history as the page lays it out.
type historyView struct {
	Commits  table
	Notes    []string
	Changes  *table // nil for none
	Sections []historySection
}

// A historySection is one shape on one machine.
type historySection struct {
	ID, Title string
	Facts     []runs.Fact
	Figures   []figure
	Trend     table
}

// WriteHistory writes the page of a history.
func WriteHistory(w io.Writer, h *history.History) error {
	v := historyView{Notes: h.Notes, Commits: commitTable(h)}
	if changes := h.Changes(); len(changes) > 0 {
		t := newTable("changes", "Changes, each with the commit where it began", h.ChangeTable("", changes))
		v.Changes = &t
	}
	tables := h.TrendTables()
	for i, group := range h.Groups() {
		s := historySection{ID: fmt.Sprintf("shape%d", i+1), Title: describe(group[0].Shape)}
		if m := group[0].Machine; m != "" {
			s.Facts = []runs.Fact{{Key: "machine", Values: []string{m}}}
		}
		for _, tracks := range byKernel(group) {
			if c := trend(fmt.Sprintf("%s-%d", s.ID, len(s.Figures)+1), h, tracks); c != nil {
				s.Figures = append(s.Figures, newFigure(c))
			}
		}
		s.Trend = newTable(s.ID+"-trend", "First and last commit", tables[i])
		v.Sections = append(v.Sections, s)
	}
	return write(w, "history", shell{Title: "attnbench history", Body: v})
}

func commitTable(h *history.History) table {
	t := &reports.Table{Header: []string{"number", "commit", "time", "files"}, Left: 4}
	for i, c := range h.Commits {
		when := "unavailable"
		if !c.Time.IsZero() {
			when = c.Time.UTC().Format("2006-01-02 15:04")
		}
		t.Rows = append(t.Rows, []string{strconv.Itoa(i + 1), c.Name, when, strings.Join(c.Files, ", ")})
	}
	out := newTable("commits", "Commits", t)
	for _, row := range out.Rows {
		row[1].Sort, row[2].Sort, row[3].Sort = "", "", ""
	}
	return out
}

// byKernel splits tracks of one shape where unit, kernel or ISA change.
func byKernel(group []*history.Track) [][]*history.Track {
	var out [][]*history.Track
	for i, t := range group {
		if i == 0 || t.Unit != group[i-1].Unit || t.Kernel != group[i-1].Kernel || t.ISA != group[i-1].ISA {
			out = append(out, nil)
		}
		out[len(out)-1] = append(out[len(out)-1], t)
	}
	return out
}

// trend draws the levels of one kernel at all lengths, relative to where they
// began. It returns nil for a metric other than time that never changed.
func trend(id string, h *history.History, tracks []*history.Track) *chart.Chart {
	first := tracks[0]
	c := &chart.Chart{ID: id, Title: fmt.Sprintf("%s, %s: %s", first.Kernel, first.ISA, first.Unit), Of: describe(first.Shape),
		X: commitAxis(h), Y: chart.Axis{Format: signed}}
	changed := first.Unit == reports.Time
	for i, t := range tracks {
		base := beginning(t)
		if base == 0 {
			continue
		}
		s := chart.Series{Name: fmt.Sprintf("n = %d", t.N), Slot: chart.Slot(i), Join: true}
		for _, l := range t.Levels {
			m := l.Median
			s.Points = append(s.Points, chart.Point{X: float64(l.Commit), Y: m.Value/base - 1, Lo: m.Lo/base - 1, Hi: m.Hi/base - 1,
				Tip: fmt.Sprintf("%s, n = %d: %s", h.Commits[l.Commit].Short(), t.N, estimate(m, l.Samples, func(v float64) string { return history.Format(v, t.Unit) }))})
		}
		c.Series = append(c.Series, s)
		changed = changed || len(t.Changes) > 0
	}
	c.Flags = flags(h, tracks)
	c.Comment = "Relative to the level at the start. Dashed: a change begins."
	if !changed {
		return nil
	}
	return c
}

// signed formats a share with its sign.
func signed(v float64) string {
	if math.Abs(v) < 1e-9 {
		return "0%"
	}
	return short(fmt.Sprintf("%+.3g", 100*v)) + "%"
}

// beginning returns the level before the first change, or that of all commits.
func beginning(t *history.Track) float64 {
	if len(t.Changes) > 0 {
		return t.Changes[0].Before
	}
	var levels []float64
	for _, l := range t.Levels {
		levels = append(levels, l.Median.Value)
	}
	return reports.Median(levels).Value
}

// commitAxis counts the commits; its ticks are their names, cut to what fits.
func commitAxis(h *history.History) chart.Axis {
	a := chart.Axis{Name: "commit", Format: func(v float64) string { return cut(h.Commits[int(v)].Short(), 7) }}
	for i := range h.Commits {
		a.Ticks = append(a.Ticks, float64(i))
	}
	return a
}

func cut(text string, n int) string {
	if r := []rune(text); len(r) > n {
		return string(r[:n])
	}
	return text
}

// flags marks where tracks of a chart change, once for each commit.
func flags(h *history.History, tracks []*history.Track) []chart.Flag {
	var out []chart.Flag
	seen := map[int]bool{}
	for _, t := range tracks {
		for _, c := range t.Changes {
			if seen[c.First] {
				continue
			}
			seen[c.First] = true
			out = append(out, chart.Flag{X: float64(c.First) - 0.5, Bad: c.Worse(), Name: cut(h.Commits[c.First].Short(), 9) + " " + c.Verdict()})
		}
	}
	return out
}
