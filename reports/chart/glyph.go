package chart

import (
	"image/color"
	"math"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// corners are the shapes of marks; a circle has none. A diamond is a square on
// its corner.
var corners = [...]int{0, 4, 3, -4}

// A glyph is the shape of a mark: filled, or an outline around another colour.
//
// Note: gonum's own outlines are half a point wide, which a dark page swallows.
type glyph struct {
	corners int
	hollow  color.Color // nil for a filled one
}

// DrawGlyph implements [draw.GlyphDrawer].
func (g glyph) DrawGlyph(c *draw.Canvas, style draw.GlyphStyle, at vg.Point) {
	path := g.outline(style.Radius, at)
	c.SetColor(style.Color)
	if g.hollow == nil {
		c.Fill(path)
		return
	}
	c.SetColor(g.hollow)
	c.Fill(path)
	c.SetLineStyle(draw.LineStyle{Color: style.Color, Width: 1.5})
	c.Stroke(path)
}

// outline returns that of about the same area for every shape.
func (g glyph) outline(r vg.Length, at vg.Point) vg.Path {
	var p vg.Path
	if g.corners == 0 {
		p.Move(vg.Point{X: at.X + r, Y: at.Y})
		p.Arc(at, r, 0, 2*math.Pi)
		p.Close()
		return p
	}
	n, start := g.corners, math.Pi/2+math.Pi/4
	if n < 0 || n == 3 {
		n, start = max(n, -n), math.Pi/2
	}
	r *= 1.25
	for i := range n {
		sin, cos := math.Sincos(start + 2*math.Pi*float64(i)/float64(n))
		corner := vg.Point{X: at.X + r*vg.Length(cos), Y: at.Y + r*vg.Length(sin)}
		if i == 0 {
			p.Move(corner)
		} else {
			p.Line(corner)
		}
	}
	p.Close()
	return p
}
