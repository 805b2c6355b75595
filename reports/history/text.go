package history

import (
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"

	"github.com/attnbench/attnbench/reports"
)

// WriteText prints the changes and the trend of every track.
func (h *History) WriteText(w io.Writer) error {
	first, last := h.Commits[0], h.Commits[len(h.Commits)-1]
	fmt.Fprintf(w, "%d commits, %s … %s\n", len(h.Commits), first.Short(), last.Short())
	for _, note := range h.Notes {
		fmt.Fprintf(w, "note: %s\n", note)
	}
	fmt.Fprintln(w)
	if changes := h.Changes(); len(changes) > 0 {
		if err := h.ChangeTable("Changes", changes).Write(w); err != nil {
			return err
		}
	} else {
		fmt.Fprintln(w, "No change.")
	}
	for _, t := range h.TrendTables() {
		fmt.Fprintln(w)
		if err := t.Write(w); err != nil {
			return err
		}
	}
	return nil
}

// ChangeTable lists changes, each with the commit where it began. The shape is
// a column where there are several.
func (h *History) ChangeTable(title string, changes []Change) *reports.Table {
	t := &reports.Table{Title: title, Left: 6, Header: []string{"since", "after", "verdict", "kernel", "isa", "metric"}}
	shapes := h.shapes()
	if shapes > 1 {
		t.Left++
		t.Header = append(t.Header, "shape")
	}
	t.Header = append(t.Header, "n", "before", "from then on", "change", "p")
	for _, c := range changes {
		row := []string{h.Commits[c.First].Short(), h.Commits[c.Last].Short(), c.Verdict(), c.Kernel, c.ISA, c.Unit}
		if shapes > 1 {
			row = append(row, c.Shape.String())
		}
		t.Rows = append(t.Rows, append(row, strconv.Itoa(c.N), Format(c.Before, c.Unit), Format(c.From, c.Unit), c.effect(), fmt.Sprintf("%.3f", c.P)))
		if c.First-c.Last > 1 {
			t.Note("%s: commits between it and %s were not measured", h.Commits[c.First].Short(), h.Commits[c.Last].Short())
		}
	}
	t.Note("level of the tests %v over all tracks; changes below %.3g%% are not shown; the first and last %d commits can't begin one",
		h.Options.Alpha, 100*h.Options.MinEffect, h.Options.Guard-1)
	return t
}

// shapes counts those of the tracks.
func (h *History) shapes() int {
	seen := map[string]bool{}
	for _, t := range h.Tracks {
		seen[t.Machine+t.Shape.String()] = true
	}
	return len(seen)
}

// Verdict returns "worse" or "better".
func (c Change) Verdict() string {
	if c.Worse() {
		return "worse"
	}
	return "better"
}

func (c Change) effect() string {
	if c.Before == 0 {
		return "from 0"
	}
	return fmt.Sprintf("%+.1f%%", 100*c.Effect())
}

// Format formats a value of a unit as it stands in the tables.
func Format(v float64, unit string) string {
	if unit == reports.ErrorRatio || unit == reports.PeakShare {
		return fmt.Sprintf("%.3g%%", 100*v)
	}
	return reports.Quantity(v, unit)
}

// TrendTables returns a table for each shape on each machine.
func (h *History) TrendTables() []*reports.Table {
	var out []*reports.Table
	for _, group := range h.Groups() {
		t := &reports.Table{Title: "Trend: " + group[0].Shape.String(), Left: 3,
			Header: []string{"kernel", "isa", "metric", "n", "first", "last", "change", "trend", "changes"}}
		if group[0].Machine != "" {
			t.Title += " on " + group[0].Machine
		}
		for _, x := range group {
			first, last := x.Levels[0].Median.Value, x.Levels[len(x.Levels)-1].Median.Value
			t.Rows = append(t.Rows, []string{x.Kernel, x.ISA, x.Unit, strconv.Itoa(x.N), Format(first, x.Unit), Format(last, x.Unit),
				Change{Before: first, From: last}.effect(), h.spark(x), strconv.Itoa(len(x.Changes))})
		}
		out = append(out, t)
	}
	return out
}

// Groups returns the tracks by machine and shape.
func (h *History) Groups() [][]*Track {
	var out [][]*Track
	for i, t := range h.Tracks {
		if i == 0 || t.Machine != h.Tracks[i-1].Machine || t.Shape != h.Tracks[i-1].Shape {
			out = append(out, nil)
		}
		out[len(out)-1] = append(out[len(out)-1], t)
	}
	return out
}

// sparkWidth is the number of characters of a trend.
const sparkWidth = 24

// spark draws the levels of a track from left to right, in eight heights from
// the lowest to the highest. A gap is where nothing was measured.
func (h *History) spark(t *Track) string {
	width := min(sparkWidth, len(h.Commits))
	cells := make([][]float64, width)
	lo, hi := math.Inf(1), math.Inf(-1)
	for _, l := range t.Levels {
		i := l.Commit * width / len(h.Commits)
		cells[i] = append(cells[i], l.Median.Value)
	}
	for i, c := range cells {
		if len(c) > 0 {
			cells[i] = []float64{median(c)}
			lo, hi = min(lo, cells[i][0]), max(hi, cells[i][0])
		}
	}
	var out strings.Builder
	for _, c := range cells {
		out.WriteRune(height(c, lo, hi))
	}
	return out.String()
}

// height returns the character of a level between the lowest and the highest,
// but a low one where these are as good as equal.
func height(c []float64, lo, hi float64) rune {
	bars := []rune("▁▂▃▄▅▆▇█")
	switch {
	case len(c) == 0:
		return ' '
	case hi <= lo*1.001:
		return bars[0]
	}
	return bars[min(len(bars)-1, int((c[0]-lo)/(hi-lo)*float64(len(bars))))]
}
