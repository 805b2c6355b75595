package page

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/attnbench/attnbench/reports"
	"github.com/attnbench/attnbench/reports/chart"
)

// A scope is one shape of one run, with what its charts share.
type scope struct {
	id    string // prefix of the IDs on the page
	of    string // the shape in words
	group []*reports.Series
	label func(*reports.Series) string
	slot  func(kernel string) chart.Slot
	seed  uint64
}

// lengthAxis is that of n: a power of two has no use for a prefix.
func (s *scope) lengthAxis() chart.Axis {
	var ticks []float64
	for _, n := range reports.Lengths(s.group) {
		ticks = append(ticks, float64(n))
	}
	return chart.Axis{Name: "sequence length n", Log: true, Ticks: ticks,
		Format: func(v float64) string { return strconv.Itoa(int(v)) }}
}

func quantityAxis(unit string) chart.Axis {
	return chart.Axis{Log: true, Binary: unit == reports.Workspace, Format: func(v float64) string { return short(reports.Quantity(v, unit)) }}
}

// short drops zeros after the decimal point, which ticks have no use for.
func short(text string) string {
	digits, rest, ok := strings.Cut(text, " ")
	if strings.Contains(digits, ".") {
		digits = strings.TrimRight(strings.TrimRight(digits, "0"), ".")
	}
	if !ok {
		return digits
	}
	return digits + " " + rest
}

// chart returns an empty one of the scope.
func (s *scope) chart(id, title string, x, y chart.Axis) *chart.Chart {
	return &chart.Chart{ID: s.id + "-" + id, Title: title, Of: s.of, X: x, Y: y}
}

// growth draws the medians of a unit over n with the law that fits them.
func (s *scope) growth(id, title, unit string) *chart.Chart {
	c := s.chart(id, title, s.lengthAxis(), quantityAxis(unit))
	for _, x := range s.group {
		series := s.series(x, unit, func(v float64) string { return reports.Quantity(v, unit) })
		if scaling, err := reports.Scale(x, unit, s.seed); err == nil {
			series.Curve = s.curve(x, unit, scaling.Law)
			series.Name += " · n^" + scaling.ExponentText()
		} else {
			series.Join = true
		}
		c.Series = append(c.Series, series)
	}
	c.Comment = "Points: medians, with the 95% interval of each. Lines: the fitted law a + b·n + c·n², with its 95% bootstrap band. n^: exponent of the growth [95%]."
	return c
}

// series returns the medians of a unit at each length that has it.
func (s *scope) series(x *reports.Series, unit string, format func(float64) string) chart.Series {
	out := chart.Series{Name: s.label(x), Slot: s.slot(s.label(x))}
	for _, p := range x.Points {
		if values := p.Samples[unit]; len(values) > 0 {
			m := reports.Median(values)
			out.Points = append(out.Points, chart.Point{X: float64(p.N), Y: m.Value, Lo: m.Lo, Hi: m.Hi,
				Tip: fmt.Sprintf("%s, n = %d: %s", out.Name, p.N, estimate(m, len(values), format))})
		}
	}
	return out
}

// estimate puts a median with its interval into words.
func estimate(m reports.Estimate, samples int, format func(float64) string) string {
	text := format(m.Value)
	switch {
	case math.IsNaN(m.Lo) || math.IsInf(m.Lo, 0) || math.IsInf(m.Hi, 0):
		return fmt.Sprintf("%s, %d samples: too few for an interval", text, samples)
	case m.Lo == m.Hi:
		return fmt.Sprintf("%s in all of %d samples", text, samples)
	}
	return fmt.Sprintf("%s [%s, %s], %d samples", text, format(m.Lo), format(m.Hi), samples)
}

// curveNodes is the number of places at which a law is drawn.
const curveNodes = 49

func (s *scope) curve(x *reports.Series, unit string, law reports.Law) []chart.Node {
	first, last := float64(x.Points[0].N), float64(x.Points[len(x.Points)-1].N)
	at := make([]float64, curveNodes)
	for i := range at {
		at[i] = first * math.Pow(last/first, float64(i)/(curveNodes-1))
	}
	lo, hi, ok := reports.LawBand(x, unit, s.seed, at)
	nodes := make([]chart.Node, len(at))
	for i, n := range at {
		nodes[i] = chart.Node{X: n, Y: law.At(n), Lo: math.NaN(), Hi: math.NaN()}
		if ok {
			nodes[i].Lo, nodes[i].Hi = lo[i], hi[i]
		}
	}
	return nodes
}

// accuracy draws the error over n, as a share of what is allowed.
func (s *scope) accuracy() *chart.Chart {
	percent := func(v float64) string { return short(fmt.Sprintf("%.3g", 100*v)) + "%" }
	c := s.chart("error", "Error, of what verification allows", s.lengthAxis(), chart.Axis{Log: true, Format: percent})
	for _, x := range s.group {
		series := s.series(x, reports.ErrorRatio, percent)
		series.Join = true
		c.Series = append(c.Series, series)
	}
	lengths := reports.Lengths(s.group)
	c.Rules = []chart.Rule{{Name: "all that is allowed", Label: "allowed", Nodes: []chart.Node{
		{X: float64(lengths[0]), Y: 1}, {X: float64(lengths[len(lengths)-1]), Y: 1}}}}
	c.Comment = "Against the float64 oracle. A kernel above the dotted line fails and prints no time."
	return c
}

// kernelSlots gives every kernel of a page a slot, the same in all charts.
func kernelSlots(labels []string) func(string) chart.Slot {
	sorted := slices.Compact(slices.Sorted(slices.Values(labels)))
	return func(label string) chart.Slot {
		i, _ := slices.BinarySearch(sorted, label)
		return chart.Slot(i)
	}
}
