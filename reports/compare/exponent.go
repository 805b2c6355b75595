package compare

import (
	"fmt"
	"math"
	"strconv"

	"golang.org/x/perf/benchmath"

	"github.com/attnbench/attnbench/reports"
)

// addExponents appends a table of the growth of time with n: a row for each
// kernel and shape of the base.
func (r *Report) addExponents(seed uint64) error {
	base := r.sets[0]
	if base == nil {
		return fmt.Errorf("budget %s: %s has no benchmark %s/kernel=…/kvlen=…", Exponent, r.Cols[0], reports.Base)
	}
	if n := r.configs(); n > 1 {
		return fmt.Errorf("budget %s: the records have %d configurations: choose one with a filter", Exponent, n)
	}
	t := &Table{Unit: Exponent, Better: -1}
	for _, t2 := range r.Tables {
		t.Config = t2.Config
	}
	for _, s := range base.Series {
		row, err := r.exponentRow(s, seed)
		if err != nil {
			return fmt.Errorf("budget %s: %s %s: %w", Exponent, s.Kernel, s.Shape, err)
		}
		t.Rows = append(t.Rows, row)
	}
	t.Totals = make([]Total, len(r.Cols))
	for i := range t.Totals {
		t.Totals[i] = Total{math.NaN(), math.NaN()}
	}
	r.Tables = append(r.Tables, t)
	return nil
}

func (r *Report) configs() int {
	seen := map[string]bool{}
	for _, t := range r.Tables {
		seen[configText(t.Config)] = true
	}
	return len(seen)
}

func (r *Report) exponentRow(base *reports.Series, seed uint64) (*Row, error) {
	row := &Row{
		Name:    fmt.Sprintf("kernel=%s/isa=%s %s", base.Kernel, base.ISA, base.Shape),
		Fields:  exponentFields(base),
		Cells:   make([]*Cell, len(r.Cols)),
		Changes: make([]*Change, len(r.Cols)),
	}
	for i := 1; i < len(r.Cols); i++ {
		head := find(r.sets[i], base.Key)
		if head == nil {
			if s, err := reports.Scale(base, reports.Time, seed); err == nil && row.Cells[0] == nil {
				row.Cells[0] = derived(s.Exponent)
			}
			continue // missing
		}
		c, err := reports.CompareExponents(base, head, reports.Time, seed)
		if err != nil {
			return nil, err
		}
		n := len(c.Lengths)
		row.Cells[0], row.Cells[i] = derived(c.Base), derived(c.Head)
		row.Changes[i] = &Change{
			Comparison: benchmath.Comparison{P: c.P, N1: n, N2: n, Alpha: r.Alpha}, Floor: math.NaN(),
			Delta: c.Difference.Value, Lo: c.Difference.Lo, Hi: c.Difference.Hi, Ratio: c.Head.Value / c.Base.Value,
		}
	}
	return row, nil
}

func exponentFields(s *reports.Series) []Field {
	qLen := "n"
	if s.QLen != 0 {
		qLen = strconv.Itoa(s.QLen)
	}
	return []Field{
		{"kernel", s.Kernel}, {"isa", s.ISA}, {"mask", s.Mask}, {"batch", strconv.Itoa(s.Batch)}, {"heads", strconv.Itoa(s.Heads)},
		{"kvheads", strconv.Itoa(s.KVHeads)}, {"dim", strconv.Itoa(s.Dim)}, {"queries", qLen}, {"threads", strconv.Itoa(s.Threads)},
	}
}

func find(set *reports.Set, key reports.Key) *reports.Series {
	if set == nil {
		return nil
	}
	for _, s := range set.Series {
		if s.Key == key {
			return s
		}
	}
	return nil
}

// derived is a cell without samples of its own.
func derived(e reports.Estimate) *Cell {
	return &Cell{Summary: benchmath.Summary{Center: e.Value, Lo: e.Lo, Hi: e.Hi}}
}
