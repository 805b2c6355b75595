package compare

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/aclements/go-moremath/stats"
	"golang.org/x/perf/benchfmt"
	"golang.org/x/perf/benchmath"
	"golang.org/x/perf/benchproc"

	"github.com/attnbench/attnbench/reports"
)

// A Report is a comparison of columns, the first of which is the base.
type Report struct {
	Cols       []string // labels
	Tables     []*Table
	Alpha      float64
	Confidence float64
	Notes      []string // what a reader must know
	Gate       *Gate    // nil where none was asked for

	sets []*reports.Set // one a column, nil where it has no lengths
}

// A Field is a key with its value.
type Field struct{ Key, Value string }

// A Table has the rows of one unit and one configuration.
type Table struct {
	Config []Field
	Unit   string
	Better int  // +1 where higher is better, −1 where lower is, 0 where no one knows
	Exact  bool // measured once is known: no noise
	Rows   []*Row
	Totals []Total // one a column
}

// A Row is one benchmark.
type Row struct {
	Name    string
	Fields  []Field   // the parts of the name, for columns of a table
	Cells   []*Cell   // one a column; nil where it lacks the benchmark
	Changes []*Change // one a column; nil for the base, and where there is nothing to compare
}

// A Cell is the sample of one benchmark in one column.
type Cell struct {
	Values  []float64 // in the order of the records; nil of a value that was derived
	Summary benchmath.Summary
	Notes   []error

	sample *benchmath.Sample
}

// A Total is the geometric mean of a column, and of its ratios to the base.
type Total struct {
	Mean, Ratio float64 // NaN where there is none
}

// Report summarises what was added. Its error wraps [ErrNothing] when there is
// nothing.
func (b *Builder) Report() (*Report, error) {
	if len(b.tables) == 0 {
		return nil, fmt.Errorf("%w: no record matches filter %q", ErrNothing, b.opts.Filter)
	}
	r := &Report{Alpha: b.opts.Alpha, Confidence: b.opts.Confidence}
	cols := sorted(b.cols)
	for _, c := range cols {
		r.Cols = append(r.Cols, label(c))
		r.sets = append(r.sets, b.sets[c])
	}
	for _, key := range sorted(b.tables) {
		r.Tables = append(r.Tables, b.build(key, cols))
	}
	for i := 1; i < len(r.Cols); i++ {
		if keys := r.apart(i); len(keys) > 0 {
			r.Notes = append(r.Notes, fmt.Sprintf("%s and %s differ in %s and have no row in common; --ignore %s compares them all the same",
				r.Cols[0], r.Cols[i], strings.Join(keys, ", "), strings.Join(keys, ",")))
		}
	}
	return r, nil
}

func sorted[V any](m map[benchproc.Key]V) []benchproc.Key {
	keys := slices.Collect(maps.Keys(m))
	benchproc.SortKeys(keys)
	return keys
}

// label names a column, or says that there is only one.
func label(key benchproc.Key) string {
	if s := strings.TrimSpace(key.StringValues()); s != "" {
		return s
	}
	return "all"
}

func (b *Builder) build(key benchproc.Key, cols []benchproc.Key) *Table {
	raw, units := b.tables[key], b.reader.Units()
	t := &Table{Unit: key.Get(b.unit)}
	t.Better, t.Exact = better(units, t.Unit), exact(units, t.Unit)
	for _, f := range b.table.FlattenedFields() {
		if v := key.Get(f); f != b.unit && v != "" {
			t.Config = append(t.Config, Field{f.Name, v})
		}
	}
	for _, row := range sorted(raw.rows) {
		r := &Row{Name: row.StringValues(), Fields: fields(row)}
		for _, col := range cols {
			r.Cells = append(r.Cells, b.summarise(raw.cells[cellKey{row, col}], t.assumption()))
		}
		t.Rows = append(t.Rows, r)
	}
	t.compare(b.opts.Confidence)
	return t
}

func (t *Table) assumption() benchmath.Assumption {
	if t.Exact {
		return benchmath.AssumeExact
	}
	return benchmath.AssumeNothing
}

// exact reports whether a unit is marked as one that does not vary.
func exact(units benchfmt.UnitMetadataMap, unit string) bool {
	return units.GetAssumption(unit) == benchmath.AssumeExact
}

// better returns the direction that the records state, or what the unit's name
// tells.
func better(units benchfmt.UnitMetadataMap, unit string) int {
	if d := units.GetBetter(unit); d != 0 || units.Get(unit, "better") != nil {
		return d
	}
	switch {
	case strings.HasSuffix(unit, "/s"):
		return 1
	case strings.HasSuffix(unit, "/op"):
		return -1
	}
	return 0
}

func (b *Builder) summarise(raw *rawCell, a benchmath.Assumption) *Cell {
	if raw == nil {
		return nil
	}
	sample := benchmath.NewSample(slices.Clone(raw.values), &benchmath.Thresholds{CompareAlpha: b.opts.Alpha})
	c := &Cell{Values: raw.values, sample: sample, Summary: a.Summary(sample, b.opts.Confidence)}
	c.Notes = slices.Clone(c.Summary.Warnings)
	if vary := benchproc.NonSingularFields(slices.Collect(maps.Keys(raw.residue))); len(vary) > 0 {
		var names []string
		for _, f := range vary {
			names = append(names, f.Name)
		}
		slices.Sort(names)
		c.Notes = append(c.Notes, errors.New("benchmarks vary in "+strings.Join(names, ", ")))
	}
	return c
}

// compare fills in the changes of each row and the totals of each column.
func (t *Table) compare(confidence float64) {
	for _, r := range t.Rows {
		r.Changes = make([]*Change, len(r.Cells))
		for i, c := range r.Cells {
			if i > 0 && c != nil && r.Cells[0] != nil {
				r.Changes[i] = newChange(r.Cells[0], c, t.assumption(), confidence)
			}
		}
	}
	t.Totals = make([]Total, len(t.Rows[0].Cells))
	for i := range t.Totals {
		t.Totals[i] = t.total(i)
	}
}

// total follows benchstat: the mean of the ratios, and not the ratio of the
// means, which two sets of benchmarks that differ would spoil.
func (t *Table) total(col int) Total {
	var centers, ratios []float64
	for _, r := range t.Rows {
		c, base := r.Cells[col], r.Cells[0]
		if c == nil {
			continue
		}
		centers = append(centers, c.Summary.Center)
		if base == nil || col == 0 {
			continue
		}
		ratio := 1.0 // 0/0 is no change
		if a := c.Summary.Center; a != base.Summary.Center {
			ratio = a / base.Summary.Center
		}
		ratios = append(ratios, ratio)
	}
	return Total{stats.GeoMean(centers), stats.GeoMean(ratios)}
}

// apart returns the configuration keys that keep a column from sharing any
// table with the base.
func (r *Report) apart(col int) []string {
	var keys []string
	values := map[string][2]string{}
	for _, t := range r.Tables {
		base, other := t.has(0), t.has(col)
		if base && other {
			return nil
		}
		for _, f := range t.Config {
			if !slices.Contains(keys, f.Key) {
				keys = append(keys, f.Key)
			}
			v := values[f.Key]
			if base {
				v[0] += f.Value + "\n"
			}
			if other {
				v[1] += f.Value + "\n"
			}
			values[f.Key] = v
		}
	}
	return slices.DeleteFunc(keys, func(k string) bool { return values[k][0] == values[k][1] })
}

func (t *Table) has(col int) bool {
	return slices.ContainsFunc(t.Rows, func(r *Row) bool { return r.Cells[col] != nil })
}
