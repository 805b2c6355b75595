package chart

import (
	"fmt"
	"io"

	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgimg"
	"gonum.org/v1/plot/vg/vgsvg"
)

// File is the size of a chart that stands alone, without its legend.
var File = Size{720, 440}

// Formats are those of [Chart.Write].
var Formats = []string{"svg", "png"}

// Write writes the chart, with its title and legend, as a file of one of the
// [Formats]. The chart must not be empty.
func (c *Chart) Write(w io.Writer, format string) error {
	d := c.drawing(File, lightPalette)
	width := vg.Length(File.Width)
	height := vg.Length(File.Height) + d.legendHeight(width) + titleHeight
	switch format {
	case "svg":
		canvas := vgsvg.NewWith(vgsvg.UseWH(width, height), vgsvg.EmbedFonts(false))
		d.alone(draw.New(canvas))
		_, err := canvas.WriteTo(w)
		return err
	case "png":
		canvas := vgimg.PngCanvas{Canvas: vgimg.NewWith(vgimg.UseWH(width, height), vgimg.UseDPI(144))}
		d.alone(draw.New(canvas))
		_, err := canvas.WriteTo(w)
		return err
	}
	return fmt.Errorf("chart format %q: want svg or png", format)
}

// The heights of the strips above and below a chart that stands alone.
const (
	titleHeight = 52
	legendLine  = 20
	margin      = 14
)

// alone draws the title, the chart and the legend below one another.
func (d *drawing) alone(c draw.Canvas) {
	c.FillPolygon(d.colour(surface), []vg.Point{
		{X: c.Min.X, Y: c.Min.Y}, {X: c.Max.X, Y: c.Min.Y}, {X: c.Max.X, Y: c.Max.Y}, {X: c.Min.X, Y: c.Max.Y}})
	title, of := d.text(ink), d.text(muted)
	title.Font = font.From(title.Font, 16)
	title.YAlign, of.YAlign = draw.YTop, draw.YTop
	c.FillText(title, vg.Point{X: margin, Y: c.Max.Y - 10}, d.Title)
	c.FillText(of, vg.Point{X: margin, Y: c.Max.Y - 32}, d.Of)
	legend := d.legendHeight(c.Max.X - c.Min.X)
	d.plot.Draw(draw.Crop(c, margin, -margin, legend, -titleHeight))
	d.legend(c.Max.X-c.Min.X, func(at vg.Point, e entry) {
		at.Y = legend - at.Y - legendLine/2
		e.draw(&c, at)
		style := d.text(ink)
		style.YAlign = draw.YCenter
		c.FillText(style, vg.Point{X: at.X + swatch + 6, Y: at.Y}, e.name)
	})
}

// An entry is a line of the legend.
type entry struct {
	name string
	draw func(c *draw.Canvas, at vg.Point)
}

// swatch is the width of a mark in the legend.
const swatch = 24

// entries are the series, then the rules.
func (d *drawing) entries() []entry {
	var list []entry
	stroke := func(c *draw.Canvas, style draw.LineStyle, at vg.Point) {
		c.StrokeLine2(style, at.X, at.Y, at.X+swatch, at.Y)
	}
	for _, s := range d.Series {
		list = append(list, entry{s.Name, func(c *draw.Canvas, at vg.Point) {
			stroke(c, d.line(s.Slot.role(), 1.5), at)
			c.DrawGlyph(d.glyph(s.Slot), vg.Point{X: at.X + swatch/2, Y: at.Y})
		}})
	}
	for _, r := range d.Rules {
		list = append(list, entry{r.Name, func(c *draw.Canvas, at vg.Point) {
			style := d.line(ink, 1)
			style.Dashes = []vg.Length{2, 3}
			stroke(c, style, at)
		}})
	}
	return list
}

// legend calls put with the place of each entry, counted from the top left,
// and returns the number of lines.
func (d *drawing) legend(width vg.Length, put func(at vg.Point, e entry)) int {
	x, line := vg.Length(margin), 0
	for _, e := range d.entries() {
		w := swatch + 6 + d.text(ink).Width(e.name) + 18
		if x+w > width && x > margin {
			x, line = margin, line+1
		}
		put(vg.Point{X: x, Y: vg.Length(line) * legendLine}, e)
		x += w
	}
	return line + 1
}

func (d *drawing) legendHeight(width vg.Length) vg.Length {
	return vg.Length(d.legend(width, func(vg.Point, entry) {}))*legendLine + margin
}
