package reports

import (
	"bytes"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/olekukonko/tablewriter"
	"github.com/olekukonko/tablewriter/renderer"
	"github.com/olekukonko/tablewriter/tw"
)

// A Table is text in columns under a title, with notes below.
type Table struct {
	Title  string
	Header []string
	Left   int // columns that are aligned left; the rest hold numbers
	Rows   [][]string

	notes []string
}

// Note adds a line below the table, once.
func (t *Table) Note(format string, args ...any) {
	if line := fmt.Sprintf(format, args...); !slices.Contains(t.notes, line) {
		t.notes = append(t.notes, line)
	}
}

// Notes returns the lines below the table.
func (t *Table) Notes() []string { return t.notes }

// Write renders the table. Lines carry no trailing blanks.
func (t *Table) Write(w io.Writer) error {
	var buf bytes.Buffer
	table := tablewriter.NewTable(&buf, tablewriter.WithConfig(t.config()), tablewriter.WithRenderer(rule()))
	table.Header(t.Header)
	for _, row := range t.Rows {
		if err := table.Append(row); err != nil {
			return err
		}
	}
	if err := table.Render(); err != nil {
		return err
	}
	var out strings.Builder
	fmt.Fprintln(&out, t.Title)
	for line := range strings.Lines(buf.String()) {
		fmt.Fprintln(&out, strings.TrimRight(line, " \n"))
	}
	for _, note := range t.notes {
		fmt.Fprintf(&out, "  %s\n", note)
	}
	_, err := io.WriteString(w, out.String())
	return err
}

// config aligns the columns and leaves text as it is.
func (t *Table) config() tablewriter.Config {
	align := make(tw.Alignment, len(t.Header))
	for i := range align {
		if align[i] = tw.AlignRight; i < t.Left {
			align[i] = tw.AlignLeft
		}
	}
	cell := tw.CellConfig{
		Formatting: tw.CellFormatting{AutoFormat: tw.Off, AutoWrap: tw.WrapNone},
		Alignment:  tw.CellAlignment{PerColumn: align},
		Padding:    tw.CellPadding{Global: tw.Padding{Left: " ", Right: " ", Overwrite: true}},
	}
	return tablewriter.Config{Header: cell, Row: cell, Behavior: tw.Behavior{TrimSpace: tw.Off}}
}

// rule renders a line below the header and nothing else around the text.
func rule() tw.Renderer {
	return renderer.NewBlueprint(tw.Rendition{
		Borders: tw.BorderNone,
		Symbols: tw.NewSymbols(tw.StyleLight),
		Settings: tw.Settings{
			Lines:      tw.Lines{ShowHeaderLine: tw.On, ShowTop: tw.Off, ShowBottom: tw.Off, ShowFooterLine: tw.Off},
			Separators: tw.Separators{BetweenColumns: tw.Off, BetweenRows: tw.Off, ShowHeader: tw.On, ShowFooter: tw.Off},
		},
	})
}
