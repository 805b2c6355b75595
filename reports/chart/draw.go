package chart

import (
	"math"
	"slices"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// fontSize is that of all text in a drawing, in CSS pixels.
const fontSize = 12

// markSize is the radius of a mark.
const markSize = 4

// A drawing is a chart with its colours, ready for a canvas.
type drawing struct {
	*Chart
	colour palette
	plot   *plot.Plot
}

func (c *Chart) drawing(size Size, colour palette) *drawing {
	d := &drawing{c, colour, plot.New()}
	d.plot.BackgroundColor = nil
	x, y := c.spans()
	d.plot.X.Min, d.plot.X.Max, d.plot.Y.Min, d.plot.Y.Max = x.lo, x.hi, y.lo, y.hi
	d.axis(&d.plot.X, c.X, x, int(size.Width/64))
	d.axis(&d.plot.Y, c.Y, y, int(size.Height/44))
	d.plot.X.Label.Text = c.X.Name
	d.grid()
	for _, f := range c.Flags {
		d.flag(f, y)
	}
	for _, r := range c.Rules {
		d.rule(r)
	}
	for _, s := range c.Series {
		d.curve(s)
	}
	for _, s := range c.Series {
		d.marks(s)
	}
	// What was added has widened the axes; bands may leave the picture.
	d.plot.X.Min, d.plot.X.Max, d.plot.Y.Min, d.plot.Y.Max = x.lo, x.hi, y.lo, y.hi
	return d
}

func (d *drawing) text(r role) text.Style {
	style := d.plot.X.Label.TextStyle
	style.Font = font.Font{Typeface: "Liberation", Variant: "Sans", Size: fontSize}
	style.Color = d.colour(r)
	style.XAlign, style.YAlign = draw.XLeft, draw.YBottom
	return style
}

func (d *drawing) line(r role, width vg.Length) draw.LineStyle {
	return draw.LineStyle{Color: d.colour(r), Width: width}
}

// axis styles one, with its ticks fixed.
func (d *drawing) axis(to *plot.Axis, a Axis, s span, ticks int) {
	aligned := to.Tick.Label
	to.Tick.Label = d.text(muted)
	to.Tick.Label.XAlign, to.Tick.Label.YAlign = aligned.XAlign, aligned.YAlign
	to.Label.TextStyle = d.text(muted)
	to.Label.TextStyle.XAlign, to.Label.TextStyle.YAlign = draw.XCenter, draw.YBottom
	to.Label.Padding = 4
	to.LineStyle, to.Tick.LineStyle = d.line(muted, 1), d.line(muted, 1)
	to.Tick.Length, to.Padding = 4, 0
	to.Tick.Marker = plot.ConstantTicks(a.ticks(s, ticks))
	if a.Log {
		to.Scale = plot.LogScale{}
	}
}

func (d *drawing) grid() {
	g := plotter.NewGrid()
	g.Vertical, g.Horizontal = d.line(grid, 1), d.line(grid, 1)
	d.plot.Add(g)
}

// flag draws a dashed line from the bottom to the top.
func (d *drawing) flag(f Flag, y span) {
	r := good
	if f.Bad {
		r = bad
	}
	style := d.line(r, 1.5)
	style.Dashes = []vg.Length{5, 3}
	d.plot.Add(&plotter.Line{XYs: plotter.XYs{{X: f.X, Y: y.lo}, {X: f.X, Y: y.hi}}, LineStyle: style})
}

func (d *drawing) rule(r Rule) {
	style := d.line(ink, 1)
	style.Dashes = []vg.Length{2, 3}
	d.plot.Add(&plotter.Line{XYs: middle(d.nodes(r.Nodes)), LineStyle: style})
}

// curve draws a fitted curve over its band.
func (d *drawing) curve(s Series) {
	nodes := d.nodes(s.Curve)
	if len(nodes) == 0 {
		return
	}
	if band := d.band(nodes); len(band) > 0 {
		d.plot.Add(&plotter.Polygon{XYs: []plotter.XYs{band}, Color: faded(d.colour(s.Slot.role()), 0.18)})
	}
	d.plot.Add(&plotter.Line{XYs: middle(nodes), LineStyle: d.line(s.Slot.role(), 1.5)})
}

// band returns the outline of the intervals of a curve.
func (d *drawing) band(nodes []Node) plotter.XYs {
	var up, down plotter.XYs
	for i := range nodes {
		last := nodes[len(nodes)-1-i]
		if !d.Y.drawable(nodes[i].Hi) || !d.Y.drawable(last.Lo) {
			return nil
		}
		up = append(up, plotter.XY{X: nodes[i].X, Y: nodes[i].Hi})
		down = append(down, plotter.XY{X: last.X, Y: last.Lo})
	}
	return append(up, down...)
}

func middle(nodes []Node) plotter.XYs {
	out := make(plotter.XYs, len(nodes))
	for i, n := range nodes {
		out[i] = plotter.XY{X: n.X, Y: n.Y}
	}
	return out
}

// marks draws the points of a series, with bars for their intervals.
func (d *drawing) marks(s Series) {
	points := d.visible(s)
	xys := make(plotter.XYs, len(points))
	for i, p := range points {
		xys[i] = plotter.XY{X: p.X, Y: p.Y}
		if !math.IsNaN(p.Lo) {
			bar := plotter.XYs{{X: p.X, Y: p.Lo}, {X: p.X, Y: p.Hi}}
			style := d.line(s.Slot.role(), 1.5)
			style.Color = faded(d.colour(s.Slot.role()), d.strength())
			d.plot.Add(&plotter.Line{XYs: bar, LineStyle: style})
		}
	}
	if len(points) == 0 {
		return
	}
	if s.Join {
		d.plot.Add(&plotter.Line{XYs: xys, LineStyle: d.line(s.Slot.role(), 1.5)})
	}
	glyph := d.glyph(s.Slot)
	if d.dense() {
		glyph.Radius *= 0.6
	}
	d.plot.Add(&plotter.Scatter{XYs: xys, GlyphStyle: glyph})
}

// dense reports whether marks and intervals would hide one another.
func (d *drawing) dense() bool {
	return slices.ContainsFunc(d.Series, func(s Series) bool { return len(s.Points) > 20 })
}

// strength is the opacity of intervals.
func (d *drawing) strength() float64 {
	if d.dense() {
		return 0.35
	}
	return 1
}

func (d *drawing) glyph(s Slot) draw.GlyphStyle {
	shape := glyph{corners: corners[s.index()%len(corners)]}
	if s.index() >= len(corners) {
		shape.hollow = d.colour(surface)
	}
	return draw.GlyphStyle{Color: d.colour(s.role()), Radius: markSize, Shape: shape}
}
