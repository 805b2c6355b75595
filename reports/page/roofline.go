package page

import (
	"fmt"
	"math"

	"github.com/attnbench/attnbench/reports"
	"github.com/attnbench/attnbench/reports/chart"
)

// roofline draws the rate of each kernel over the intensity of its work: the
// useful operations for each byte that any kernel must move. Above it stand
// the machine's limits, with as many threads: multiply-adds by instruction
// set, and what memory can feed. See "Roofline: an insightful visual
// performance model", doi:10.1145/1498765.1498785.
func (s *scope) roofline(bandwidth float64) *chart.Chart {
	x := chart.Axis{Name: "FLOP for each byte that must move", Log: true, Format: func(v float64) string { return short(fmt.Sprintf("%.4g", v)) }}
	c := s.chart("roofline", "Roofline", x, quantityAxis(reports.Rate))
	for _, series := range s.group {
		c.Series = append(c.Series, s.rates(series))
	}
	lo, hi := extent(c.Series)
	if lo == 0 {
		return c
	}
	for _, isa := range isas(s.group) {
		if peak := s.peak(isa); peak > 0 {
			c.Rules = append(c.Rules, roof(isa, peak, bandwidth, lo, hi))
		}
	}
	c.Comment = "One point a length, longer ones further right. Dotted: what the machine can do at most, as measured in the same run. Workspace that does not fit the caches moves more bytes than counted here."
	if bandwidth == 0 {
		c.Comment += " Memory's limit is unavailable: the records do not state its bandwidth."
	}
	return c
}

// rates returns the points of one kernel.
func (s *scope) rates(x *reports.Series) chart.Series {
	out := chart.Series{Name: s.label(x), Slot: s.slot(s.label(x)), Join: true}
	format := func(v float64) string { return reports.Quantity(v, reports.Rate) }
	for _, p := range x.Points {
		rate, seconds, bytes := p.Samples[reports.Rate], p.Samples[reports.Time], p.Samples[reports.Compulsory]
		if len(rate) == 0 || len(seconds) == 0 || len(bytes) == 0 {
			continue
		}
		m := reports.Median(rate)
		intensity := m.Value * reports.Median(seconds).Value / reports.Median(bytes).Value
		out.Points = append(out.Points, chart.Point{X: intensity, Y: m.Value, Lo: m.Lo, Hi: m.Hi,
			Tip: fmt.Sprintf("%s, n = %d: %s at %.3g FLOP/B", out.Name, p.N, estimate(m, len(rate), format), intensity)})
	}
	return out
}

// extent returns the least and the greatest x of points, or 0.
func extent(series []chart.Series) (lo, hi float64) {
	for _, s := range series {
		for _, p := range s.Points {
			if !(p.X > 0) || math.IsInf(p.X, 1) {
				continue
			}
			if lo == 0 || p.X < lo {
				lo = p.X
			}
			hi = max(hi, p.X)
		}
	}
	return lo, hi
}

// isas returns those of a group, in its order.
func isas(group []*reports.Series) []string {
	var out []string
	seen := map[string]bool{}
	for _, x := range group {
		if !seen[x.ISA] {
			seen[x.ISA] = true
			out = append(out, x.ISA)
		}
	}
	return out
}

// peak returns the multiply-add limit of an ISA that the records' shares of
// the peak rest on, or 0.
func (s *scope) peak(isa string) float64 {
	for _, x := range s.group {
		if x.ISA != isa {
			continue
		}
		for _, p := range x.Points {
			rate, share := p.Samples[reports.Rate], p.Samples[reports.PeakShare]
			if len(rate) > 0 && len(share) > 0 && share[0] > 0 && rate[0] > 0 {
				return rate[0] / share[0]
			}
		}
	}
	return 0
}

// roof returns the line min(peak, bandwidth·x), from a little before its bend.
func roof(isa string, peak, bandwidth, lo, hi float64) chart.Rule {
	name := fmt.Sprintf("%s: %s", isa, reports.Quantity(peak, reports.Rate))
	if bandwidth == 0 {
		return chart.Rule{Name: name, Label: isa, Nodes: []chart.Node{{X: lo, Y: peak}, {X: hi, Y: peak}}}
	}
	bend := peak / bandwidth
	start := min(lo, bend/2)
	return chart.Rule{Name: name, Label: isa, Nodes: []chart.Node{
		{X: start, Y: min(peak, bandwidth*start)}, {X: bend, Y: peak}, {X: max(hi, bend*2), Y: peak}}}
}
