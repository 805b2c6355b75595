package compare

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/attnbench/attnbench/reports"
)

// grid lays a table out for a person. A blank cell was not measured; what was
// left out is told in the notes.
func (r *Report) grid(t *Table) *reports.Table {
	keys, shared := t.columns()
	g := &reports.Table{Title: r.title(t, shared), Left: len(keys)}
	for _, k := range keys {
		g.Header = append(g.Header, heading(k))
	}
	judged := t.judged()
	for i, col := range r.Cols {
		g.Header = append(g.Header, plain(col))
		if i > 0 {
			g.Header = append(g.Header, "change", fmt.Sprintf("[%.4g%%]", 100*r.Confidence), "p", "n")
		}
		if i > 0 && judged {
			g.Header = append(g.Header, "allowed", "verdict")
		}
	}
	for _, row := range t.Rows {
		g.Rows = append(g.Rows, r.gridRow(g, t, row, keys))
	}
	if len(t.Rows) > 1 && !math.IsNaN(t.Totals[0].Mean) {
		g.Rows = append(g.Rows, r.totalRow(t, len(keys)))
	}
	return g
}

// judged reports whether the gate looked at the table.
func (t *Table) judged() bool {
	for _, row := range t.Rows {
		for _, c := range row.Changes {
			if c != nil && c.Judged {
				return true
			}
		}
	}
	return false
}

// title has the configuration where it changes, then the unit and what all rows share.
func (r *Report) title(t *Table, shared []Field) string {
	var config, line []string
	for _, f := range t.Config {
		if at := slices.Index(r.Tables, t); at < 1 || configText(r.Tables[at-1].Config) != configText(t.Config) {
			config = append(config, plain(f.Key)+": "+strings.TrimSpace(plain(f.Value)))
		}
	}
	line = append(line, plain(t.Unit))
	if d := [...]string{"lower is better", "", "higher is better"}[t.Better+1]; d != "" {
		line[0] += ", " + d
	}
	for _, f := range shared {
		switch {
		case f.Key == "name":
			line = append(line, plain(f.Value))
		case f.Value != "":
			line = append(line, plain(f.Key)+"="+plain(f.Value))
		}
	}
	title := strings.Join(line, "  ")
	if len(config) > 0 {
		title = strings.Join(config, "  ") + "\n" + title
	}
	return title
}

func (r *Report) gridRow(g *reports.Table, t *Table, row *Row, keys []string) []string {
	var out []string
	for _, k := range keys {
		out = append(out, plain(row.field(k)))
	}
	judged := t.judged()
	for i, c := range row.Cells {
		out = append(out, c.text(g, t))
		if i == 0 {
			continue
		}
		change := row.Changes[i]
		out = append(out, change.text(t, row)...)
		if judged {
			out = append(out, change.allowed(t, row), change.verdict())
		}
		if change != nil && change.Verdict != Missing {
			note(g, change.Warnings)
			if change.Delta < change.Lo || change.Delta > change.Hi {
				g.Note("a change of medians outside of its interval: the samples differ in shape, as on a machine with two speeds; attnbench ab measures side by side")
			}
		}
	}
	return out
}

func note(g *reports.Table, list []error) {
	for _, w := range list {
		g.Note("%s", plain(w.Error()))
	}
}

// text is the median with the wider half of its interval, as benchstat has it.
func (c *Cell) text(g *reports.Table, t *Table) string {
	if c == nil {
		return ""
	}
	note(g, c.Notes)
	if t.Exact {
		return quantity(c.Summary.Center, t.Unit)
	}
	return quantity(c.Summary.Center, t.Unit) + " ± " + c.Summary.PctRangeString()
}

func quantity(v float64, unit string) string {
	switch {
	case unit == Exponent:
		return fmt.Sprintf("%.3f", v)
	case strings.HasSuffix(unit, "-ratio"):
		return fmt.Sprintf("%.2f%%", 100*v)
	case v < 0:
		return "-" + quantity(-v, unit)
	case strings.HasSuffix(unit, "-B"): // bytes of any kind
		return reports.Quantity(v, reports.Workspace)
	}
	return plain(reports.Quantity(v, unit))
}

// text is the change, its interval, p and n.
func (c *Change) text(t *Table, row *Row) []string {
	if c == nil || row.Cells[0] == nil || c.N2 == 0 {
		return []string{"", "", "", ""}
	}
	base := row.Cells[0].Summary.Center
	n := fmt.Sprint(c.N1)
	if c.N1 != c.N2 {
		n = fmt.Sprintf("%d+%d", c.N1, c.N2)
	}
	if t.Exact || math.IsNaN(c.P) {
		return []string{c.percent(c.Delta, base, t.Unit), "exact", "", n}
	}
	change := c.percent(c.Delta, base, t.Unit)
	if c.P > c.Alpha {
		change = "~ " + change
	}
	interval := "unavailable"
	if !math.IsInf(c.Lo, 0) {
		interval = c.percent(c.Lo, base, t.Unit) + " … " + c.percent(c.Hi, base, t.Unit)
	}
	return []string{change, interval, fmt.Sprintf("%.3f", c.P), n}
}

// percent is a difference as a share of the base, or as it is where that says
// nothing.
func (c *Change) percent(d, base float64, unit string) string {
	if unit == Exponent {
		return fmt.Sprintf("%+.3f", d)
	}
	if d != 0 && base == 0 {
		return "+" + quantity(d, unit)
	}
	return fmt.Sprintf("%+.2f%%", 100*c.relative(d, base))
}

func (c *Change) allowed(t *Table, row *Row) string {
	if c == nil || !c.Judged || c.Verdict == Missing || row.Cells[0] == nil {
		return ""
	}
	base := row.Cells[0].Summary.Center
	switch {
	case t.Unit == Exponent:
		return fmt.Sprintf("%.3f", c.Allowed)
	case base == 0:
		return quantity(c.Allowed, t.Unit)
	}
	return fmt.Sprintf("%.2f%%", 100*c.relative(c.Allowed, base))
}

func (c *Change) verdict() string {
	if c == nil {
		return ""
	}
	return string(c.Verdict)
}

// totalRow is the geometric mean of each column.
func (r *Report) totalRow(t *Table, keys int) []string {
	out := make([]string, keys)
	out[0] = "geomean"
	judged := t.judged()
	for i, total := range t.Totals {
		cell := ""
		if !math.IsNaN(total.Mean) {
			cell = quantity(total.Mean, t.Unit)
		}
		out = append(out, cell)
		if i == 0 {
			continue
		}
		change := ""
		if !math.IsNaN(total.Ratio) {
			change = fmt.Sprintf("%+.2f%%", 100*(total.Ratio-1))
		}
		out = append(out, change, "", "", "")
		if judged {
			out = append(out, "", "")
		}
	}
	return out
}
