package chart

import (
	"bytes"
	"fmt"
	"html"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgsvg"
)

// SVG returns the chart as an element of a page that declares [Variables].
// Each point has a target of class "hit" with what it is in data-tip and as
// its accessible name. The chart must not be empty.
func (c *Chart) SVG(size Size) string {
	canvas := vgsvg.New(vg.Length(size.Width), vg.Length(size.Height))
	area := draw.Crop(draw.New(canvas), 1, -8, 1, -6)
	d := c.drawing(size, sentinels)
	d.plot.Draw(area)
	var out strings.Builder
	fmt.Fprintf(&out, `<svg class="plot" viewBox="0 0 %g %g" role="group" aria-label="%s" data-w="%g">`,
		size.Width, size.Height, html.EscapeString(c.Title), size.Width)
	fmt.Fprintf(&out, `<g aria-hidden="true">%s</g>`, themed(inner(canvas)))
	d.flagNames(&out, area, size)
	d.ruleNames(&out, area, size)
	d.hits(&out, area, size)
	out.WriteString("</svg>")
	return out.String()
}

// inner returns what stands within the svg element of a canvas.
func inner(canvas *vgsvg.Canvas) string {
	var buf bytes.Buffer
	canvas.WriteTo(&buf) // a buffer takes everything
	text := buf.String()
	start := strings.Index(text, "<svg")
	start += strings.Index(text[start:], ">") + 1
	return text[start:strings.LastIndex(text, "</svg>")]
}

var (
	sentinel = regexp.MustCompile(`(?i)#A[67]5[DE]([0-9A-F]{2})`)
	family   = regexp.MustCompile(`font-family:[^;"]*;font-variant:[^;"]*;font-weight:[^;"]*;font-style:[^;"]*;?`)
)

// themed replaces the sentinels by variables, and leaves the font to the page.
func themed(svg string) string {
	svg = family.ReplaceAllString(svg, "")
	return sentinel.ReplaceAllStringFunc(svg, func(s string) string {
		i, err := strconv.ParseUint(s[len(s)-2:], 16, 8)
		if err != nil || int(i/8) >= len(variables) {
			return s
		}
		return "var(--" + variables[i/8] + ")"
	})
}

// hitSize is the radius of what can be pointed at.
const hitSize = 11

// hits writes a target over each point, one group a series. The first of all
// can be reached by the Tab key, the others from it by arrow keys.
func (d *drawing) hits(out *strings.Builder, area draw.Canvas, size Size) {
	data := d.plot.DataCanvas(area)
	toX, toY := d.plot.Transforms(&data)
	stop := 0
	for _, s := range d.Series {
		fmt.Fprintf(out, `<g class="hits" style="--c:var(--s%d)">`, s.Slot.index())
		for _, p := range d.visible(s) {
			fmt.Fprintf(out, `<circle class="hit" cx="%.1f" cy="%.1f" r="%d" tabindex="%d" role="img" aria-label="%s" data-tip="%[5]s"/>`,
				toX(p.X).Points(), size.Height-toY(p.Y).Points(), hitSize, stop, html.EscapeString(p.Tip))
			stop = -1
		}
		out.WriteString("</g>")
	}
}

// flagNames writes the flags' names beside the tops of their lines.
func (d *drawing) flagNames(out *strings.Builder, area draw.Canvas, size Size) {
	data := d.plot.DataCanvas(area)
	toX, _ := d.plot.Transforms(&data)
	for i, f := range d.Flags {
		x, anchor, dx := toX(f.X).Points(), "start", 4.0
		if x > size.Width/2 {
			anchor, dx = "end", -4
		}
		class := "good"
		if f.Bad {
			class = "bad"
		}
		fmt.Fprintf(out, `<text class="flag %s" x="%.1f" y="%d" text-anchor="%s">%s</text>`,
			class, x+dx, 16+14*(i%3), anchor, html.EscapeString(f.Name))
	}
}

// ruleNames writes the rules' labels above where their last parts begin, but for those that would
// lie upon another.
func (d *drawing) ruleNames(out *strings.Builder, area draw.Canvas, size Size) {
	data := d.plot.DataCanvas(area)
	toX, toY := d.plot.Transforms(&data)
	var taken []float64
	for _, r := range d.Rules {
		start := r.Nodes[len(r.Nodes)-2]
		y := size.Height - toY(start.Y).Points() - 4
		if slices.ContainsFunc(taken, func(other float64) bool { return math.Abs(other-y) < fontSize+2 }) {
			continue
		}
		taken = append(taken, y)
		fmt.Fprintf(out, `<text class="rule" x="%.1f" y="%.1f" text-anchor="start">%s</text>`, toX(start.X).Points()+3, y, html.EscapeString(r.Label))
	}
}

// Swatch returns the mark of a slot as a small element, for a legend.
func Swatch(s Slot) string {
	const w, h = 24, 12
	canvas := vgsvg.New(w, h)
	c := draw.New(canvas)
	d := &drawing{colour: sentinels}
	c.StrokeLine2(d.line(s.role(), 1.5), 0, h/2, w, h/2)
	c.DrawGlyph(d.glyph(s), vg.Point{X: w / 2, Y: h / 2})
	return fmt.Sprintf(`<svg class="swatch" viewBox="0 0 %d %d" width="%[1]d" height="%[2]d" aria-hidden="true">%s</svg>`,
		w, h, themed(inner(canvas)))
}
