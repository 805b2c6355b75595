package reports

import (
	"fmt"
	"io"
	"slices"
	"strconv"

	"golang.org/x/perf/benchmath"
)

// Baseline is the kernel that speed-ups are relative to.
const Baseline = "naive"

// WriteSummary prints one table a shape: for each length and kernel the median
// time with its interval, and the medians of the other metrics.
func WriteSummary(w io.Writer, s *Set) error {
	for i, group := range s.Groups() {
		if i > 0 {
			fmt.Fprintln(w)
		}
		if err := summary(group).Write(w); err != nil {
			return err
		}
	}
	return nil
}

func summary(group []*Series) *Table {
	t := &Table{
		Title:  "Time and memory: " + group[0].Shape.String(),
		Header: []string{"n", "kernel", "isa", "time/op", "FLOP/s", "of peak", "workspace", "of allowed error", "vs " + Baseline},
		Left:   3,
	}
	streams := slices.ContainsFunc(group, func(s *Series) bool {
		return slices.ContainsFunc(s.Points, func(p Point) bool { return len(p.Samples[Bandwidth]) > 0 })
	})
	if streams {
		t.Header = append(t.Header, "K and V read", "of read peak")
	}
	for _, n := range lengths(group) {
		base := samplesOf(group, n)
		for _, s := range group {
			p := s.Point(n)
			if p == nil {
				continue
			}
			row := summaryRow(t, s, p, base)
			if streams {
				row = append(row, t.median(p, Bandwidth, in(Bandwidth)), t.median(p, ReadShare, percent))
			}
			t.Rows = append(t.Rows, row)
		}
	}
	return t
}

func percent(v float64) string { return fmt.Sprintf("%.1f%%", 100*v) }

func in(unit string) func(float64) string {
	return func(v float64) string { return Quantity(v, unit) }
}

// lengths returns the n that any series of the group has, ascending.
func lengths(group []*Series) []int {
	var out []int
	for _, s := range group {
		for _, p := range s.Points {
			out = append(out, p.N)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// samplesOf returns the baseline's times at n, or nil.
func samplesOf(group []*Series, n int) []float64 {
	for _, s := range group {
		if p := s.Point(n); s.Kernel == Baseline && p != nil {
			return p.Samples[Time]
		}
	}
	return nil
}

func summaryRow(t *Table, s *Series, p *Point, base []float64) []string {
	return []string{
		strconv.Itoa(p.N), s.Kernel, s.ISA, t.time(p),
		t.median(p, Rate, in(Rate)), t.median(p, PeakShare, percent), t.median(p, Workspace, in(Workspace)),
		t.median(p, ErrorRatio, percent), t.speedUp(p.Samples[Time], base),
	}
}

// time formats the median time with the half-width of its interval.
func (t *Table) time(p *Point) string {
	values := p.Samples[Time]
	if len(values) == 0 {
		return t.without(Time)
	}
	sum := summarise(values)
	for _, warning := range sum.Warnings {
		t.Note("± ∞: %v", warning)
	}
	return Quantity(sum.Center, Time) + " ± " + sum.PctRangeString()
}

// median formats the median of a unit.
func (t *Table) median(p *Point, unit string, format func(float64) string) string {
	if len(p.Samples[unit]) == 0 {
		return t.without(unit)
	}
	return format(summarise(p.Samples[unit]).Center)
}

func (t *Table) without(unit string) string {
	t.Note("%s: the records have no %s there", unavailable, unit)
	return unavailable
}

// speedUp formats the ratio of the medians, marked where the samples do not
// tell the two apart.
func (t *Table) speedUp(values, base []float64) string {
	if len(values) == 0 || len(base) == 0 {
		t.Note("%s: no time of %s to compare with", unavailable, Baseline)
		return unavailable
	}
	ratio := summarise(base).Center / summarise(values).Center
	if &values[0] == &base[0] {
		return fmt.Sprintf("%.2f×", ratio)
	}
	cmp := benchmath.AssumeNothing.Compare(sample(base), sample(values))
	if cmp.P >= cmp.Alpha {
		t.Note("~: not told apart from %s (Mann-Whitney, α = %v)", Baseline, cmp.Alpha)
		return fmt.Sprintf("~ %.2f×", ratio)
	}
	return fmt.Sprintf("%.2f×", ratio)
}

func summarise(values []float64) benchmath.Summary {
	return benchmath.AssumeNothing.Summary(sample(values), confidence)
}

// sample copies: benchmath sorts in place, and records keep their order.
func sample(values []float64) *benchmath.Sample {
	return benchmath.NewSample(slices.Clone(values), &benchmath.DefaultThresholds)
}
