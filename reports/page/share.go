package page

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/attnbench/attnbench/reports"
	"github.com/attnbench/attnbench/reports/chart"
	"github.com/attnbench/attnbench/reports/runs"
)

// attention is the phase whose share is drawn.
const attention = "attention"

// A share is attention's part of a model's forward pass.
type share struct {
	Figure  figure
	Table   table
	Missing string
}

// newShare draws it for every model and kernel of a run.
func newShare(id string, r *runs.Run, slot func(string) chart.Slot) share {
	passes := passesOf(r)
	if len(passes) == 0 {
		return share{Missing: "Unavailable: the records have no times of a forward pass by phase."}
	}
	percent := func(v float64) string { return short(fmt.Sprintf("%.3g", 100*v)) + "%" }
	c := &chart.Chart{ID: id + "-share", Title: "Attention's share of the forward pass",
		X: chart.Axis{Name: "tokens", Log: true, Format: func(v float64) string { return strconv.Itoa(int(v)) }},
		Y: chart.Axis{Zero: true, Format: percent}}
	c.Comment = "The median of the phase over that of the whole pass."
	for _, p := range passes {
		c.X.Ticks = append(c.X.Ticks, float64(p.N))
		total, part := p.total()
		if part == 0 || !(total > 0) {
			continue
		}
		s := seriesOf(c, p.name(), slot(p.label()))
		s.Points = append(s.Points, chart.Point{X: float64(p.N), Y: part / total, Lo: nan, Hi: nan,
			Tip: fmt.Sprintf("%s, %d tokens: %s of %s", s.Name, p.N, percent(part/total), reports.Quantity(total, reports.Time))})
	}
	slices.Sort(c.X.Ticks)
	c.X.Ticks = slices.Compact(c.X.Ticks)
	return share{Figure: newFigure(c), Table: phaseTable(id, passes)}
}

// A pass is a forward pass with its phases, in the order of the records.
type pass struct {
	runs.Pass
	phases []runs.Phase
}

func passesOf(r *runs.Run) []pass {
	var out []pass
	for _, p := range r.Phases {
		i := slices.IndexFunc(out, func(q pass) bool { return q.Pass == p.Pass })
		if i < 0 {
			i = len(out)
			out = append(out, pass{Pass: p.Pass})
		}
		out[i].phases = append(out[i].phases, p)
	}
	slices.SortStableFunc(out, func(a, b pass) int { return a.Compare(b.Pass) })
	return out
}

// label names the kernel as charts of kernels do.
func (p pass) label() string { return p.Kernel }

func (p pass) name() string {
	return strings.TrimSpace(fmt.Sprintf("%s %s %s, %d threads", p.Kernel, p.ISA, p.Model, p.Threads))
}

// total returns the seconds of the whole pass, or else of all its phases
// together, and those of attention.
func (p pass) total() (total, part float64) {
	whole := 0.0
	for _, x := range p.phases {
		switch m := reports.Median(x.Samples).Value; x.Phase {
		case "":
			whole = m
		case attention:
			part = m
			total += m
		default:
			total += m
		}
	}
	if whole > 0 {
		return whole, part
	}
	return total, part
}

// seriesOf returns the series of a name and makes it if it is new.
func seriesOf(c *chart.Chart, name string, slot chart.Slot) *chart.Series {
	for i := range c.Series {
		if c.Series[i].Name == name {
			return &c.Series[i]
		}
	}
	c.Series = append(c.Series, chart.Series{Name: name, Slot: slot, Join: true})
	return &c.Series[len(c.Series)-1]
}

// phaseTable lists each phase of each pass, with its share.
func phaseTable(id string, passes []pass) table {
	t := &reports.Table{Header: []string{"model", "kernel", "isa", "tokens", "threads", "phase", "time", "of the pass"}, Left: 3}
	for _, p := range passes {
		total, _ := p.total()
		for _, x := range p.phases {
			m, phase := reports.Median(x.Samples).Value, x.Phase
			if phase == "" {
				phase = "whole pass"
			}
			t.Rows = append(t.Rows, []string{p.Model, p.Kernel, p.ISA, strconv.Itoa(p.N), strconv.Itoa(p.Threads), phase,
				reports.Quantity(m, reports.Time), fmt.Sprintf("%.1f%%", 100*m/total)})
		}
	}
	return newTable(id+"-phases", "Time by phase", t)
}
