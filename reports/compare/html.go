package compare

import (
	_ "embed"
	"html/template"
	"io"

	"github.com/attnbench/attnbench/reports"
)

//go:embed compare.html
var pageText string

var page = template.Must(template.New("compare").Parse(pageText))

// A pageTable is a grid with what the template must tell apart.
type pageTable struct {
	*reports.Table
	Cells [][]pageCell
}

type pageCell struct {
	Text, Class string
}

// writeHTML writes one page that needs nothing else: no script, no network.
func (r *Report) writeHTML(w io.Writer) error {
	data := struct {
		Headline string
		Pass     bool
		Gated    bool
		Lines    []string
		Tables   []pageTable
	}{Headline: "Comparison", Lines: r.detail()}
	if r.Gate != nil {
		data.Headline, data.Pass, data.Gated = r.Gate.Headline(), r.Gate.Pass(), true
	}
	for _, t := range r.Tables {
		data.Tables = append(data.Tables, pageTableOf(r.grid(t)))
	}
	return page.Execute(w, data)
}

func pageTableOf(g *reports.Table) pageTable {
	t := pageTable{Table: g}
	for _, row := range g.Rows {
		var cells []pageCell
		for i, text := range row {
			class := "number"
			if i < g.Left {
				class = "name"
			}
			switch Verdict(text) {
			case Slower, Worse, Missing:
				class += " bad"
			case Faster, Better:
				class += " good"
			}
			cells = append(cells, pageCell{text, class})
		}
		t.Cells = append(t.Cells, cells)
	}
	return t
}
