package page

import (
	"fmt"
	"html/template"

	"github.com/attnbench/attnbench/reports/chart"
)

// A figure is a chart as the page shows it.
type figure struct {
	*chart.Chart
	Missing string // why there is no chart
}

func newFigure(c *chart.Chart) figure {
	f := figure{Chart: c}
	if n := c.Hidden(); n > 0 && !c.Empty() {
		f.Comment += fmt.Sprintf(" Not drawn: %d points that are 0 or no number.", n)
	}
	if c.Empty() {
		f.Missing = "Unavailable: the records have nothing to draw here."
	}
	return f
}

// Wide and Narrow return the drawing for either width of the page.
func (f figure) Wide() template.HTML   { return template.HTML(f.SVG(chart.Wide)) }
func (f figure) Narrow() template.HTML { return template.HTML(f.SVG(chart.Narrow)) }

// A legendItem is a mark and its name.
type legendItem struct {
	Swatch template.HTML
	Name   string
}

// Legend lists the series that have marks, and the rules.
func (f figure) Legend() []legendItem {
	var list []legendItem
	for _, s := range f.Series {
		if len(s.Points) > 0 {
			list = append(list, legendItem{template.HTML(chart.Swatch(s.Slot)), s.Name})
		}
	}
	for _, r := range f.Rules {
		list = append(list, legendItem{`<svg class="swatch" viewBox="0 0 24 12" width="24" height="12" aria-hidden="true"><path d="M0 6H24" stroke="var(--ink)" stroke-dasharray="2 3"/></svg>`, r.Name})
	}
	return list
}
