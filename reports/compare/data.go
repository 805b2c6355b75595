package compare

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"strconv"
)

// writeCSV writes a line for each row and column: numbers in base units, blank
// where there is none.
func (r *Report) writeCSV(w io.Writer) error {
	out := csv.NewWriter(w)
	out.Write([]string{"config", "benchmark", "unit", "column", "center", "lo", "hi", "range", "n",
		"base", "change", "change-lo", "change-hi", "p", "q", "floor", "allowed", "verdict", "reason"})
	for _, t := range r.Tables {
		for _, row := range t.Rows {
			for i := range r.Cols {
				out.Write(r.csvRow(t, row, i))
			}
		}
	}
	out.Flush()
	return out.Error()
}

func (r *Report) csvRow(t *Table, row *Row, i int) []string {
	line := []string{configText(t.Config), row.Name, t.Unit, r.Cols[i]}
	if c := row.Cells[i]; c != nil {
		line = append(line, number(c.Summary.Center), number(c.Summary.Lo), number(c.Summary.Hi), c.Summary.PctRangeString(), strconv.Itoa(len(c.Values)))
	} else {
		line = append(line, "", "", "", "", "0")
	}
	c := row.Changes[i]
	if c == nil {
		return append(line, "", "", "", "", "", "", "", "", "", "")
	}
	if c.Verdict == Missing {
		return append(line, r.Cols[0], "", "", "", "", "", "", "", string(c.Verdict), c.Reason)
	}
	line = append(line, r.Cols[0], number(c.Delta), number(c.Lo), number(c.Hi))
	if t.Exact {
		line = append(line, "")
	} else {
		line = append(line, number(c.P))
	}
	if !c.Judged {
		return append(line, "", "", "", string(c.Verdict), c.Reason)
	}
	return append(line, number(c.Q), number(c.Floor), number(c.Allowed), string(c.Verdict), c.Reason)
}

func configText(config []Field) string {
	text := ""
	for i, f := range config {
		if i > 0 {
			text += " "
		}
		text += f.Key + ":" + f.Value
	}
	return text
}

// number is blank where there is none.
func number(v float64) string {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return ""
	}
	return fmt.Sprint(v)
}

// The JSON form. A number that does not exist is null.
type (
	jsonReport struct {
		Columns    []string    `json:"columns"`
		Alpha      float64     `json:"alpha"`
		Confidence float64     `json:"confidence"`
		Tables     []jsonTable `json:"tables"`
		Notes      []string    `json:"notes,omitempty"`
		Gate       *jsonGate   `json:"gate,omitempty"`
	}
	jsonTable struct {
		Config map[string]string `json:"config"`
		Unit   string            `json:"unit"`
		Better string            `json:"better"` // lower, higher or unknown
		Rows   []jsonRow         `json:"rows"`
	}
	jsonRow struct {
		Name  string            `json:"name"`
		Parts map[string]string `json:"parts"`
		Cells []*jsonCell       `json:"cells"` // one a column
	}
	jsonCell struct {
		Samples  []float64   `json:"samples"`
		Center   *float64    `json:"center"`
		Lo       *float64    `json:"lo"`
		Hi       *float64    `json:"hi"`
		Warnings []string    `json:"warnings,omitempty"`
		Change   *jsonChange `json:"change,omitempty"` // from the first column
	}
	jsonChange struct {
		Difference *float64 `json:"difference"`
		Lo         *float64 `json:"lo"`
		Hi         *float64 `json:"hi"`
		Ratio      *float64 `json:"ratio"`
		P          *float64 `json:"p"` // null of an exact unit
		Q          *float64 `json:"q,omitempty"`
		Floor      *float64 `json:"floor,omitempty"`
		Allowed    *float64 `json:"allowed,omitempty"`
		Verdict    Verdict  `json:"verdict,omitempty"`
		Reason     string   `json:"reason,omitempty"`
	}
	jsonGate struct {
		Pass     bool            `json:"pass"`
		Headline string          `json:"headline"`
		Counts   map[Verdict]int `json:"counts"`
		Findings []Finding       `json:"findings"`
	}
)

func (r *Report) writeJSON(w io.Writer) error {
	j := jsonReport{Columns: r.Cols, Alpha: r.Alpha, Confidence: r.Confidence, Notes: r.Notes, Tables: []jsonTable{}}
	for _, t := range r.Tables {
		j.Tables = append(j.Tables, jsonTableOf(t))
	}
	if g := r.Gate; g != nil {
		j.Gate = &jsonGate{g.Pass(), g.Headline(), g.Counts, append([]Finding{}, g.Findings...)}
	}
	out := json.NewEncoder(w)
	out.SetIndent("", "  ")
	return out.Encode(j)
}

func jsonTableOf(t *Table) jsonTable {
	j := jsonTable{Config: map[string]string{}, Unit: t.Unit, Better: [...]string{"lower", "unknown", "higher"}[t.Better+1]}
	for _, f := range t.Config {
		j.Config[f.Key] = f.Value
	}
	for _, row := range t.Rows {
		jr := jsonRow{Name: row.Name, Parts: map[string]string{}}
		for _, f := range row.Fields {
			jr.Parts[f.Key] = f.Value
		}
		for i := range row.Cells {
			jr.Cells = append(jr.Cells, jsonCellOf(t, row, i))
		}
		j.Rows = append(j.Rows, jr)
	}
	return j
}

func jsonCellOf(t *Table, row *Row, i int) *jsonCell {
	c, change := row.Cells[i], row.Changes[i]
	if c == nil && change == nil {
		return nil
	}
	j := &jsonCell{Samples: []float64{}}
	if c != nil {
		j.Samples = append(j.Samples, c.Values...)
		j.Center, j.Lo, j.Hi = finite(c.Summary.Center), finite(c.Summary.Lo), finite(c.Summary.Hi)
		for _, w := range c.Notes {
			j.Warnings = append(j.Warnings, w.Error())
		}
	}
	if change != nil {
		j.Change = jsonChangeOf(t, change)
	}
	return j
}

func jsonChangeOf(t *Table, c *Change) *jsonChange {
	j := &jsonChange{Verdict: c.Verdict, Reason: c.Reason}
	if c.N2 > 0 {
		j.Difference, j.Lo, j.Hi, j.Ratio = finite(c.Delta), finite(c.Lo), finite(c.Hi), finite(c.Ratio)
		if !t.Exact {
			j.P = finite(c.P)
		}
	}
	if c.Judged && c.N2 > 0 {
		j.Q, j.Floor, j.Allowed = finite(c.Q), finite(c.Floor), finite(c.Allowed)
	}
	return j
}

func finite(v float64) *float64 {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return nil
	}
	return &v
}
