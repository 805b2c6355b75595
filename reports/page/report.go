package page

import (
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"

	"github.com/attnbench/attnbench/reports"
	"github.com/attnbench/attnbench/reports/chart"
	"github.com/attnbench/attnbench/reports/runs"
)

var nan = math.NaN()

// A Report is the page of one or several runs.
type Report struct {
	Runs  []*section
	Files []runs.File
}

// A section is a run on the page.
type section struct {
	ID, Heading string
	Facts       []runs.Fact
	Shapes      []*shape
	Share       share
	Others      int
}

// A shape is what the kernels of one comparison have in common.
type shape struct {
	ID, Title string
	Figures   []figure
	Tables    []table
	Samples   table
}

// New lays out the records of files. The seed decides the draws of all
// bootstraps, so that equal records give an equal page. Its errors are those
// of [runs.Read].
func New(files []runs.File, seed uint64) (*Report, error) {
	list, err := runs.Read(files)
	if err != nil {
		return nil, err
	}
	r := &Report{Files: files}
	slot := kernelSlots(allLabels(list))
	for i, run := range list {
		r.Runs = append(r.Runs, newSection(fmt.Sprintf("run%d", i+1), run, slot, seed))
	}
	if len(list) > 1 {
		for i, s := range r.Runs {
			s.Heading = fmt.Sprintf("Run %d: %s", i+1, difference(list, i))
		}
	}
	return r, nil
}

// allLabels returns the names of every series of every run.
func allLabels(list []*runs.Run) []string {
	var out []string
	for _, run := range list {
		for _, group := range run.Set.Groups() {
			label := reports.Labels(group)
			for _, x := range group {
				out = append(out, label(x))
			}
		}
		for _, p := range run.Phases {
			out = append(out, p.Kernel)
		}
	}
	return out
}

// difference says what a run has that another one has not.
func difference(list []*runs.Run, i int) string {
	var parts []string
	for _, f := range list[i].Facts {
		text := list[i].Fact(f.Key)
		for _, other := range list {
			if runs.Tells(f.Key) && other.Fact(f.Key) != text {
				parts = append(parts, f.Key+" "+text)
				break
			}
		}
	}
	if parts == nil {
		return strings.Join(list[i].Files, ", ")
	}
	return strings.Join(parts, ", ")
}

func newSection(id string, run *runs.Run, slot func(string) chart.Slot, seed uint64) *section {
	s := &section{ID: id, Heading: "Measurements", Facts: facts(run), Others: run.Others}
	for i, group := range run.Set.Groups() {
		x := &scope{id: fmt.Sprintf("%s-%d", id, i+1), of: describe(group[0].Shape), group: group,
			label: reports.Labels(group), slot: slot, seed: seed}
		bandwidth, _ := run.Bandwidth(group[0].Threads)
		s.Shapes = append(s.Shapes, &shape{
			ID: x.id, Title: x.of, Figures: x.figures(bandwidth), Tables: x.tables(), Samples: x.samples(),
		})
	}
	s.Share = newShare(id, run, slot)
	return s
}

// facts are those of a run as a reader wants them.
func facts(run *runs.Run) []runs.Fact {
	out := []runs.Fact{{Key: "files", Values: run.Files}}
	for _, f := range run.Facts {
		g := runs.Fact{Key: f.Key}
		for _, v := range f.Values {
			g.Values = append(g.Values, rounded(v))
		}
		out = append(out, g)
	}
	return out
}

// rounded gives a rate, such as a peak, the prefix that suits it.
func rounded(value string) string {
	digits, unit, ok := strings.Cut(value, " ")
	v, err := strconv.ParseFloat(digits, 64)
	if !ok || err != nil || unit != reports.Rate && unit != "B/s" {
		return value
	}
	return reports.Quantity(v, unit)
}

func (s *scope) figures(bandwidth float64) []figure {
	roofline := newFigure(s.roofline(bandwidth))
	if roofline.Missing != "" {
		roofline.Missing = "Unavailable: the records lack " + reports.Rate + " or " + reports.Compulsory + "."
	}
	return []figure{
		newFigure(s.growth("time", "Time of a call", reports.Time)),
		newFigure(s.growth("memory", "Workspace, beyond inputs and output", reports.Workspace)),
		roofline,
		newFigure(s.accuracy()),
	}
}

// describe puts a shape into words.
func describe(s reports.Shape) string {
	heads := fmt.Sprintf("%d heads", s.Heads)
	if s.KVHeads != s.Heads {
		heads = fmt.Sprintf("%d heads on %d of K and V", s.Heads, s.KVHeads)
	}
	queries := ""
	if s.QLen != 0 {
		queries = fmt.Sprintf(", %s", plural(s.QLen, "query", "queries"))
	}
	text := fmt.Sprintf("%s mask, batch %d, %s of %d%s, %s", s.Mask, s.Batch, heads, s.Dim, queries, plural(s.Threads, "thread", "threads"))
	if s.Options != "" {
		text += ", " + s.Options
	}
	return text
}

func plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

// Charts returns every chart that has points, for [chart.Chart.Write].
func (r *Report) Charts() []*chart.Chart {
	var out []*chart.Chart
	for _, run := range r.Runs {
		figures := []figure{run.Share.Figure}
		for _, s := range run.Shapes {
			figures = append(figures, s.Figures...)
		}
		for _, f := range figures {
			if f.Chart != nil && f.Missing == "" {
				out = append(out, f.Chart)
			}
		}
	}
	return out
}

// WriteHTML writes the page.
func (r *Report) WriteHTML(w io.Writer) error {
	return write(w, "report", shell{Title: "attnbench report", Body: r})
}
