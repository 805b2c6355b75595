package command

import (
	"bytes"
	"compress/flate"
	_ "embed"
	"encoding/base64"
	"fmt"
	"math"
	"strings"

	"github.com/attnbench/attnbench/model/budget"
	"github.com/attnbench/attnbench/reports"
	"github.com/attnbench/attnbench/reports/chart"
	"github.com/attnbench/attnbench/reports/page"
)

//go:embed budgetpage/map.js
var budgetScript string

//go:embed budgetpage/map.css
var budgetStyle string

// decades is the range of a map's colours, which are logarithmic: a weight below
// 10^−decades is shown as none.
const decades = 4

// A pageHead is a head as the page's script reads it.
type pageHead struct {
	Layer   int       `json:"layer"`
	Head    int       `json:"head"`
	Mass    []float64 `json:"mass"`
	Entropy float64   `json:"entropy"`
	First   float64   `json:"first"`
	Pull    float64   `json:"pull"`
	Map     string    `json:"map"` // a byte a cell, deflated, in base64
}

// A pageData is all that the page's script reads.
type pageData struct {
	Tokens   []string   `json:"tokens"`
	Owner    []int      `json:"owner"`
	Segments []string   `json:"segments"`
	Layers   int        `json:"layers"`
	Heads    int        `json:"heads"`
	Side     int        `json:"side"`
	Decades  int        `json:"decades"`
	All      []pageHead `json:"all"`
}

// document lays the budget out as a page.
func (b *budgetRun) document() (*page.Document, error) {
	data, err := b.pageData()
	if err != nil {
		return nil, err
	}
	tables := b.tables()
	cost, growth, prediction, flow := tables[0], tables[1], tables[2], tables[3]
	return &page.Document{
		Title: "Attention budget of a prompt",
		Sections: []page.Section{
			{Title: "What the segments cost", Note: fmt.Sprintf("%d tokens, %s model.", len(b.text.IDs), b.subject.name), Tables: []*reports.Table{cost}},
			{Title: "How the prefill grows", Charts: []*chart.Chart{b.growthChart()}, Tables: []*reports.Table{growth, prediction}},
			{Title: "Where the attention goes", HTML: `<div id="attention"></div><noscript><p class="note">The maps need the page's script.</p></noscript>`,
				Tables: append([]*reports.Table{flow}, b.layerTable(), b.headTable())},
		},
		Style: budgetStyle, Script: budgetScript, Data: data,
	}, nil
}

func (b *budgetRun) pageData() (*pageData, error) {
	shape := b.subject.model.Shape()
	d := &pageData{Owner: b.text.Owner, Segments: b.text.Segments, Layers: shape.Layers, Heads: shape.Heads, Side: b.attention.Heads[0].Map.Side, Decades: decades}
	for _, id := range b.text.IDs {
		text := fmt.Sprintf("⟨%d⟩", id)
		if s, err := b.subject.tokenizer.Decode([]int{id}); err == nil && s != "" {
			text = strings.ToValidUTF8(s, "\uFFFD")
		}
		d.Tokens = append(d.Tokens, text)
	}
	for _, h := range b.attention.Heads {
		packed, err := packMap(h.Map)
		if err != nil {
			return nil, err
		}
		d.All = append(d.All, pageHead{h.Layer, h.Head, h.Mass, h.Entropy, h.First, h.Pull, packed})
	}
	return d, nil
}

// packMap keeps a byte a cell, the logarithm of its weight.
func packMap(m budget.Map) (string, error) {
	cells := make([]byte, len(m.Cells))
	for i, v := range m.Cells {
		cells[i] = byte(max(0, min(255, math.Round(255*(1+math.Log10(max(float64(v), 1e-30))/decades)))))
	}
	var buf bytes.Buffer
	w, err := flate.NewWriter(&buf, flate.BestCompression)
	if err != nil {
		return "", err
	}
	if _, err := w.Write(cells); err != nil {
		return "", err
	}
	if err := w.Close(); err != nil {
		return "", err
	}
	return base64.StdEncoding.EncodeToString(buf.Bytes()), nil
}

// growthChart draws the two laws through what was measured.
func (b *budgetRun) growthChart() *chart.Chart {
	seconds := func(v float64) string { return reports.Quantity(v, reports.Time) }
	c := &chart.Chart{ID: "growth", Title: "Time of attention, and of everything else",
		X: chart.Axis{Name: "tokens", Log: true, Format: func(v float64) string { return fmt.Sprintf("%.0f", v) }},
		Y: chart.Axis{Log: true, Format: seconds}}
	for i, x := range []struct {
		name string
		part budget.Component
	}{{"attention", b.growth.Attention}, {"everything else", b.growth.Rest}} {
		s := chart.Series{Name: x.name, Slot: chart.Slot(i)}
		for j, n := range b.growth.Lengths {
			s.Points = append(s.Points, chart.Point{X: float64(n), Y: x.part.Medians[j], Lo: math.NaN(), Hi: math.NaN(), Tip: fmt.Sprintf("%s, %d tokens: %s", x.name, n, seconds(x.part.Medians[j]))})
		}
		const nodes = 40
		first, last := float64(b.growth.Lengths[0]), float64(2*b.growth.Longest())
		for j := range nodes {
			n := first * math.Pow(last/first, float64(j)/(nodes-1))
			s.Curve = append(s.Curve, chart.Node{X: n, Y: x.part.Law.At(n), Lo: math.NaN(), Hi: math.NaN()})
		}
		c.Series = append(c.Series, s)
	}
	for _, n := range b.growth.Lengths {
		if t := c.X.Ticks; len(t) == 0 || float64(n) >= 1.5*t[len(t)-1] { // so that their labels have room
			c.X.Ticks = append(t, float64(n))
		}
	}
	c.Comment = "Points: " + b.typicalName() + ". Lines: the fitted laws, up to twice the longest length."
	return c
}
