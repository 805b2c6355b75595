package page

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"

	"github.com/attnbench/attnbench/reports"
)

// tables returns those of a scope: medians, speed-ups, laws, crossovers.
func (s *scope) tables() []table {
	list := []table{
		newTable(s.id+"-summary", "Medians", reports.SummaryTable(s.group)),
		s.speedUps(),
		newTable(s.id+"-growth", "Growth with n", reports.GrowthTable(s.group, s.seed)),
		newTable(s.id+"-crossovers", "From which length on one kernel is faster", reports.CrossoverTable(s.group, s.seed)),
	}
	return slices.DeleteFunc(list, func(t table) bool { return len(t.Rows) == 0 })
}

// speedUps compares each kernel with the baseline at each length. Without the
// baseline among them, they are compared with the first.
func (s *scope) speedUps() table {
	base := s.group[0]
	for _, x := range s.group {
		if x.Kernel == reports.Baseline {
			base = x
			break
		}
	}
	t := &reports.Table{Header: []string{"kernel"}, Left: 1}
	lengths := reports.Lengths(s.group)
	for _, n := range lengths {
		t.Header = append(t.Header, fmt.Sprintf("n = %d", n))
	}
	for _, x := range s.group {
		if x == base {
			continue
		}
		row := []string{s.label(x)}
		for _, n := range lengths {
			row = append(row, s.speedUp(t, base.Point(n), x.Point(n)))
		}
		t.Rows = append(t.Rows, row)
	}
	return newTable(s.id+"-speedup", "How many times as fast as "+s.label(base)+", with the 95% interval", t)
}

func (s *scope) speedUp(t *reports.Table, base, p *reports.Point) string {
	if base == nil || p == nil || !positive(base.Samples[reports.Time]) || !positive(p.Samples[reports.Time]) {
		t.Note("unavailable: one of the two has no time there")
		return "unavailable"
	}
	b, v := base.Samples[reports.Time], p.Samples[reports.Time]
	e := reports.SpeedUp(b, v, s.seed)
	text := fmt.Sprintf("%.2f×", e.Value)
	if e.Lo == e.Lo {
		text = fmt.Sprintf("%.2f× [%.2f, %.2f]", e.Value, e.Lo, e.Hi)
	} else {
		t.Note("no interval: a bootstrap needs at least 6 samples at each length")
	}
	if !reports.ToldApart(b, v) {
		t.Note("~: the samples do not tell the two apart (Mann-Whitney)")
		return "~ " + text
	}
	return text
}

func positive(values []float64) bool {
	return len(values) > 0 && !slices.ContainsFunc(values, func(v float64) bool { return !(v > 0) })
}

// samples lists every sample of a scope, a row each.
func (s *scope) samples() table {
	units := s.units()
	t := table{ID: s.id + "-samples", Caption: "Every sample", Left: 2, Header: []string{"kernel", "isa", "n", "sample"}}
	t.Header = append(t.Header, units...)
	for _, x := range s.group {
		for _, p := range x.Points {
			for i := range rows(p) {
				row := []cell{{Text: x.Kernel}, {Text: x.ISA}, newCell(strconv.Itoa(p.N)), newCell(strconv.Itoa(i + 1))}
				t.Rows = append(t.Rows, append(row, values(p, units, i)...))
			}
		}
	}
	return t
}

// units returns those of a scope's samples, time first.
func (s *scope) units() []string {
	seen := map[string]bool{}
	var out []string
	for _, x := range s.group {
		for _, p := range x.Points {
			for unit := range p.Samples {
				if !seen[unit] {
					seen[unit] = true
					out = append(out, unit)
				}
			}
		}
	}
	slices.SortFunc(out, compareUnits)
	return out
}

// rows returns the number of samples of the unit that has the most.
func rows(p reports.Point) int {
	n := 0
	for _, v := range p.Samples {
		n = max(n, len(v))
	}
	return n
}

func values(p reports.Point, units []string, i int) []cell {
	var out []cell
	for _, unit := range units {
		c := cell{}
		if v := p.Samples[unit]; i < len(v) {
			c.Text = strconv.FormatFloat(v[i], 'g', 6, 64)
			c.Sort = strconv.FormatFloat(v[i], 'g', -1, 64)
		}
		out = append(out, c)
	}
	return out
}

// unitOrder has the known units as a reader wants them.
var unitOrder = []string{reports.Time, reports.Rate, reports.PeakShare, reports.ReadShare, reports.Workspace, reports.Compulsory, reports.ErrorRatio}

// compareUnits puts the known units first, and the others by name.
func compareUnits(a, b string) int {
	rank := func(unit string) int {
		if i := slices.Index(unitOrder, unit); i >= 0 {
			return i
		}
		return len(unitOrder)
	}
	return cmp.Or(cmp.Compare(rank(a), rank(b)), cmp.Compare(a, b))
}
