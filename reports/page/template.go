package page

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"html/template"
	"io"

	"github.com/attnbench/attnbench/reports/chart"
)

//go:embed page.html
var layout string

//go:embed page.css
var style string

//go:embed page.js
var script string

var pages = template.Must(template.New("page").Parse(layout))

// A shell is what every page has.
type shell struct {
	Title string
	Intro string
	Body  any
}

// CSS returns the style with the colours of both themes.
func (shell) CSS() template.CSS {
	return template.CSS(":root{" + chart.Variables(false) + "}" +
		"@media (prefers-color-scheme:dark){:root:not([data-theme=light]){" + chart.Variables(true) + "}}" +
		":root[data-theme=dark]{" + chart.Variables(true) + "}" + style)
}

// JS returns the script.
func (shell) JS() template.JS { return template.JS(script) }

// Policy allows the page its own script and no other, and no request at all.
func (shell) Policy() string {
	sum := sha256.Sum256([]byte(script))
	return "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'; script-src 'sha256-" +
		base64.StdEncoding.EncodeToString(sum[:]) + "'"
}

// write executes the template that a page is made of, whole or not at all.
func write(w io.Writer, name string, s shell) error {
	var buf bytes.Buffer
	if err := pages.ExecuteTemplate(&buf, name, s); err != nil {
		return err
	}
	_, err := w.Write(buf.Bytes())
	return err
}
