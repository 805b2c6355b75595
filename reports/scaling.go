package reports

import (
	"fmt"
	"io"
	"math"
)

// WriteScaling prints, for each shape, how the kernels' time and workspace grow
// with n, and from which n on one kernel is faster than another. The seed
// decides the bootstrap's draws.
func WriteScaling(w io.Writer, s *Set, seed uint64) error {
	for i, group := range s.Groups() {
		if i > 0 {
			fmt.Fprintln(w)
		}
		if err := writeGrowth(w, group, seed); err != nil {
			return err
		}
		crossovers := crossoverTable(group, seed)
		if len(crossovers.Rows) == 0 {
			continue
		}
		fmt.Fprintln(w)
		if err := crossovers.Write(w); err != nil {
			return err
		}
	}
	return nil
}

// writeGrowth prints the table of a group, or one line where there are too few
// lengths for any fit.
func writeGrowth(w io.Writer, group []*Series, seed uint64) error {
	if n := len(lengths(group)); n < minLengths {
		_, err := fmt.Fprintf(w, "Growth with n: %v: %s: %s, a fit needs at least %d\n", group[0].Shape, unavailable, Count(n, "length"), minLengths)
		return err
	}
	return scalingTable(group, seed).Write(w)
}

func scalingTable(group []*Series, seed uint64) *Table {
	t := &Table{
		Title:  "Growth with n: " + group[0].Shape.String(),
		Header: []string{"kernel", "isa", "metric", "exponent [95%]", "a + b·n + c·n²", "misfit", "c·n² leads from n", "interval [95%]"},
		Left:   3,
	}
	for _, s := range group {
		t.Rows = append(t.Rows, t.scalingRow(s, "time", Time, seed))
	}
	for _, s := range group {
		t.Rows = append(t.Rows, t.scalingRow(s.perThread(Workspace), "workspace/thread", Workspace, seed))
	}
	return t
}

func (t *Table) scalingRow(s *Series, name, unit string, seed uint64) []string {
	row := []string{s.Kernel, s.ISA, name}
	scaling, err := Scale(s, unit, seed)
	if err != nil {
		t.Note("%s %s: %s: %v", s.Kernel, name, unavailable, err)
		return append(row, unavailable, unavailable, unavailable, unavailable, unavailable)
	}
	if !scaling.Exponent.hasInterval() {
		t.Note("no interval: a bootstrap needs at least %d samples at each length", minSamples)
	}
	first, last := s.Points[0].N, s.Points[len(s.Points)-1].N
	return append(row, scaling.Exponent.exponent(), scaling.Law.Text(unit, lengths([]*Series{s})), fmt.Sprintf("%.1f%%", 100*scaling.Misfit),
		quadratic(scaling.Quadratic.Value, first, last), scaling.Quadratic.intervalIn(first, last))
}

// quadratic formats the length from which the quadratic term leads.
func quadratic(n float64, shortest, longest int) string {
	if math.IsInf(n, 1) {
		return "never"
	}
	return lengthIn(n, shortest, longest)
}

func crossoverTable(group []*Series, seed uint64) *Table {
	t := &Table{
		Title:  "Crossovers: " + group[0].Shape.String(),
		Header: []string{"faster", "slower", "from n", "interval [95%]"},
		Left:   2,
	}
	label := labels(group)
	for _, c := range Crossovers(group, seed) {
		t.Rows = append(t.Rows, []string{label(c.Faster), label(c.Slower), c.from(), c.From.intervalIn(c.Shortest, c.Longest)})
	}
	return t
}

// from formats the length, or what stands in its place.
func (c Crossover) from() string {
	switch {
	case c.Undecided():
		return "undecided"
	case c.From.Value == 0:
		return "every n"
	}
	return lengthIn(c.From.Value, c.Shortest, c.Longest)
}

// labels names the series of a group: by kernel, with the ISA where one kernel
// has several.
func labels(group []*Series) func(*Series) string {
	count := map[string]int{}
	for _, s := range group {
		count[s.Kernel]++
	}
	return func(s *Series) string {
		if count[s.Kernel] > 1 {
			return s.Kernel + "/" + s.ISA
		}
		return s.Kernel
	}
}

// perThread returns s with the samples of one unit divided by its threads, and
// no others.
func (s *Series) perThread(unit string) *Series {
	out := &Series{Key: s.Key}
	for _, p := range s.Points {
		share := make([]float64, len(p.Samples[unit]))
		for i, v := range p.Samples[unit] {
			share[i] = v / float64(s.Threads)
		}
		out.Points = append(out.Points, Point{N: p.N, Samples: map[string][]float64{unit: share}})
	}
	return out
}
