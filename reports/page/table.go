package page

import (
	"regexp"
	"strconv"
	"strings"

	"github.com/attnbench/attnbench/reports"
)

// A table is one as the page shows it, with what its columns are sorted by.
type table struct {
	ID, Caption string
	Header      []string
	Left        int
	Rows        [][]cell
	Notes       []string
}

// A cell has a text and, where that is a quantity, its value in base units.
type cell struct {
	Text string
	Sort string
}

// newTable takes over a table of package reports. Its title becomes the
// caption unless there is another.
func newTable(id, caption string, t *reports.Table) table {
	out := table{ID: id, Caption: caption, Header: t.Header, Left: t.Left, Notes: t.Notes()}
	for _, row := range t.Rows {
		cells := make([]cell, len(row))
		for i, text := range row {
			cells[i] = newCell(text)
		}
		out.Rows = append(out.Rows, cells)
	}
	return out
}

func newCell(text string) cell {
	c := cell{Text: text}
	if v, ok := quantity(text); ok {
		c.Sort = strconv.FormatFloat(v, 'g', -1, 64)
	}
	return c
}

// number and quantities match a quantity as reports write it, at the start of a
// text: first a mark before it, then the digits and the prefix of the unit.
var number = regexp.MustCompile(`^[~<>] *|^`)
var quantities = regexp.MustCompile(`^([-+]?[0-9.]+(?:e[-+]?[0-9]+)?)(?: ([nµmkKMGTPE]i?)(?:[A-Za-z]|$))?`)

// prefixes are the factors of the units' prefixes.
var prefixes = map[string]float64{
	"n": 1e-9, "µ": 1e-6, "m": 1e-3, "k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12, "P": 1e15, "E": 1e18,
	"Ki": 1 << 10, "Mi": 1 << 20, "Gi": 1 << 30, "Ti": 1 << 40,
}

// quantity returns the value that a text starts with, in base units.
func quantity(text string) (float64, bool) {
	text = text[len(number.FindString(text)):]
	m := quantities.FindStringSubmatch(text)
	if m == nil {
		return 0, false
	}
	v, err := strconv.ParseFloat(strings.TrimPrefix(m[1], "+"), 64)
	if err != nil {
		return 0, false
	}
	if f, ok := prefixes[m[2]]; ok {
		v *= f
	}
	return v, true
}
