package compare

import (
	"fmt"
	"strings"

	"golang.org/x/perf/benchfmt"
	"golang.org/x/perf/benchproc"

	"github.com/attnbench/attnbench/reports"
)

// Options state what is compared with what. A field that is empty takes the
// value that its comment names. Filter and projections are those of benchstat;
// see golang.org/x/perf/benchproc/syntax.
type Options struct {
	Filter     string  // "*"
	Table      string  // ".config"
	Row        string  // ".fullname"
	Col        string  // ".file"
	Ignore     string  // none
	Alpha      float64 // of the tests; 0.05
	Confidence float64 // of the intervals; 0.95
}

func (o Options) withDefaults() Options {
	for _, f := range []struct {
		field *string
		value string
	}{{&o.Filter, "*"}, {&o.Table, ".config"}, {&o.Row, ".fullname"}, {&o.Col, ".file"}} {
		if *f.field == "" {
			*f.field = f.value
		}
	}
	if o.Alpha == 0 {
		o.Alpha = 0.05
	}
	if o.Confidence == 0 {
		o.Confidence = 0.95
	}
	return o
}

// A Builder puts records into cells. It is not safe for concurrent use.
type Builder struct {
	opts                     Options
	filter                   *benchproc.Filter
	table, row, col, residue *benchproc.Projection
	unit                     *benchproc.Field
	reader                   benchfmt.Reader

	tables map[benchproc.Key]*rawTable
	cols   map[benchproc.Key]bool
	sets   map[benchproc.Key]*reports.Set // by column: what has a length
}

// A rawTable holds the cells of one table before they are summarised.
type rawTable struct {
	rows  map[benchproc.Key]bool
	cells map[cellKey]*rawCell
}

type cellKey struct{ row, col benchproc.Key }

type rawCell struct {
	values  []float64
	residue map[benchproc.Key]bool
}

// New returns a Builder. Its error names the option that is wrong.
func New(opts Options) (*Builder, error) {
	opts = opts.withDefaults()
	for _, x := range []struct {
		name  string
		value float64
	}{{"alpha", opts.Alpha}, {"confidence", opts.Confidence}} {
		if !(x.value > 0 && x.value < 1) {
			return nil, fmt.Errorf("%s %v: must be above 0 and below 1", x.name, x.value)
		}
	}
	b := &Builder{opts: opts, tables: map[benchproc.Key]*rawTable{}, cols: map[benchproc.Key]bool{}, sets: map[benchproc.Key]*reports.Set{}}
	var err error
	if b.filter, err = benchproc.NewFilter(opts.Filter); err != nil {
		return nil, optionError("filter", opts.Filter, err)
	}
	var parser benchproc.ProjectionParser
	if b.table, b.unit, err = parser.ParseWithUnit(opts.Table, b.filter); err != nil {
		return nil, optionError("table", opts.Table, err)
	}
	for _, p := range []struct {
		name, text string
		to         **benchproc.Projection
	}{{"row", opts.Row, &b.row}, {"col", opts.Col, &b.col}, {"ignore", opts.Ignore, new(*benchproc.Projection)}} {
		if *p.to, err = parser.Parse(p.text, b.filter); err != nil {
			return nil, optionError(p.name, p.text, err)
		}
	}
	b.residue = parser.Residue()
	return b, nil
}

// optionError brings the parser's error, which draws a caret below the text,
// onto one line.
func optionError(name, text string, err error) error {
	message, _, _ := strings.Cut(err.Error(), "\n")
	return fmt.Errorf("%s %q: %s", name, text, strings.TrimSuffix(message, ":"))
}

// Add puts the values of one record into their cells.
func (b *Builder) Add(res *benchfmt.Result) error {
	if err := reports.CheckValues(res); err != nil {
		return err
	}
	if ok, err := b.filter.Apply(res); !ok {
		return err
	}
	row, col, residue := b.row.Project(res), b.col.Project(res), b.residue.Project(res)
	b.cols[col] = true
	for i, table := range b.table.ProjectValues(res) {
		c := b.cell(table, cellKey{row, col})
		c.values = append(c.values, res.Values[i].Value)
		c.residue[residue] = true
	}
	b.addToSet(col, res)
	return nil
}

func (b *Builder) cell(table benchproc.Key, key cellKey) *rawCell {
	t := b.tables[table]
	if t == nil {
		t = &rawTable{rows: map[benchproc.Key]bool{}, cells: map[cellKey]*rawCell{}}
		b.tables[table] = t
	}
	c := t.cells[key]
	if c == nil {
		c = &rawCell{residue: map[benchproc.Key]bool{}}
		t.cells[key] = c
		t.rows[key.row] = true
	}
	return c
}

// addToSet keeps what the growth with the length can be fitted to. Records
// that have no length are no concern of it.
func (b *Builder) addToSet(col benchproc.Key, res *benchfmt.Result) {
	if string(res.Name.Base()) != reports.Base {
		return
	}
	if b.sets[col] == nil {
		b.sets[col] = &reports.Set{}
	}
	_ = b.sets[col].Add(res)
}
