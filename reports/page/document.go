package page

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"html/template"
	"io"

	"github.com/attnbench/attnbench/reports"
	"github.com/attnbench/attnbench/reports/chart"
)

// A Document is a page of sections that look like those of a report, with a
// part of its own that a script draws.
type Document struct {
	Title    string
	Sections []Section

	Style  string // beside that of all pages
	Script string
	Data   any // what the script reads, as JSON, from the element "data"
}

// A Section is a heading, and what stands below it.
type Section struct {
	Title, Note string
	HTML        template.HTML // trusted: no text of a user's may be in it
	Charts      []*chart.Chart
	Tables      []*reports.Table
}

var documents = template.Must(template.Must(pages.Clone()).Parse(`{{define "document"}}{{template "head" .}}
{{range .Sections}}<section>
<h2>{{.Title}}</h2>
{{with .Note}}<p class="note">{{.}}</p>{{end}}
{{.HTML}}
{{with .Figures}}<div class="charts">{{range .}}{{template "figure" .}}{{end}}</div>{{end}}
{{range .Tables}}{{template "table" .}}{{end}}
</section>
{{end}}<script type="application/json" id="data">{{.Data}}</script>
{{template "foot" .}}{{end}}`))

// A documentShell is a Document as its template wants it.
type documentShell struct {
	shell
	Sections []documentSection
	Data     any
	own      *Document
}

type documentSection struct {
	Title, Note string
	HTML        template.HTML
	Figures     []figure
	Tables      []table
}

// CSS returns the style of all pages, and the document's.
func (d documentShell) CSS() template.CSS { return d.shell.CSS() + template.CSS(d.own.Style) }

// JS returns the script of all pages, and the document's.
func (d documentShell) JS() template.JS { return template.JS(script + d.own.Script) }

// Policy allows these scripts and no other.
func (d documentShell) Policy() string {
	sum := sha256.Sum256([]byte(d.JS()))
	return "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'; script-src 'sha256-" +
		base64.StdEncoding.EncodeToString(sum[:]) + "'"
}

// WriteHTML writes the page, whole or not at all.
func (d *Document) WriteHTML(w io.Writer) error {
	s := documentShell{shell: shell{Title: d.Title}, Data: d.Data, own: d}
	id := 0
	for _, x := range d.Sections {
		out := documentSection{Title: x.Title, Note: x.Note, HTML: x.HTML}
		for _, c := range x.Charts {
			out.Figures = append(out.Figures, newFigure(c))
		}
		for _, t := range x.Tables {
			id++
			out.Tables = append(out.Tables, newTable(fmt.Sprintf("table%d", id), t.Title, t))
		}
		s.Sections = append(s.Sections, out)
	}
	var buf bytes.Buffer
	if err := documents.ExecuteTemplate(&buf, "document", s); err != nil {
		return err
	}
	_, err := w.Write(buf.Bytes())
	return err
}
