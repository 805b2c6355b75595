package chart

import "math"

// A Slot is the colour and the shape that tells a series from others. Slots
// beyond the last repeat.
type Slot int

// A Point is one mark.
type Point struct {
	X, Y   float64
	Lo, Hi float64 // the ends of its interval; NaN draws none
	Tip    string  // what a reader is told who points at it
}

// A Node is a place on a curve with its interval, which may be NaN.
type Node struct{ X, Y, Lo, Hi float64 }

// A Series is what is drawn in one colour.
type Series struct {
	Name   string
	Slot   Slot
	Points []Point
	Join   bool   // a line from point to point
	Curve  []Node // a fitted curve with the band of its intervals
}

// A Rule is a line of reference, such as a limit of the machine.
type Rule struct {
	Name  string
	Label string // beside the line, shorter
	Nodes []Node // at least two
}

// A Flag is a place on the x axis that wants attention, such as a change.
type Flag struct {
	X    float64
	Name string
	Bad  bool // and not good
}

// An Axis says how values become places and text.
type Axis struct {
	Name   string
	Log    bool
	Format func(float64) string
	Ticks  []float64 // where a tick may stand; nil picks round values
	Zero   bool      // a linear axis that starts at 0
	Binary bool      // round values are powers of two
}

// A Chart is a picture of some series.
type Chart struct {
	ID      string // unique on a page; letters, digits and hyphens
	Title   string
	Of      string // what is measured, as a subtitle where a chart stands alone
	X, Y    Axis
	Series  []Series
	Rules   []Rule
	Flags   []Flag
	Comment string // what can't be seen in it, or how to read it
}

// A Size is that of a drawing, in CSS pixels.
type Size struct{ Width, Height float64 }

// The sizes of charts on a page. Text has the same size in both.
var (
	Wide   = Size{560, 350}
	Narrow = Size{342, 300}
)

// extreme is beyond every value that is measured, and far enough from the
// greatest number that an axis may end a little further out.
const extreme = 1e250

// drawable reports whether an axis has a place for v.
func (a Axis) drawable(v float64) bool {
	return math.Abs(v) < extreme && (!a.Log || v > 1/extreme) // false for NaN
}

// Empty reports whether the chart has no point that can be drawn.
func (c *Chart) Empty() bool {
	for _, s := range c.Series {
		if len(c.visible(s)) > 0 {
			return false
		}
	}
	return true
}

// Hidden counts the points that have no place on the axes: a 0 on a
// logarithmic one, an infinity on any.
func (c *Chart) Hidden() int {
	n := 0
	for _, s := range c.Series {
		n += len(s.Points) - len(c.visible(s))
	}
	return n
}

// visible returns the points that can be drawn.
func (c *Chart) visible(s Series) []Point {
	var out []Point
	for _, p := range s.Points {
		if c.X.drawable(p.X) && c.Y.drawable(p.Y) {
			if !c.Y.drawable(p.Lo) || !c.Y.drawable(p.Hi) {
				p.Lo, p.Hi = math.NaN(), math.NaN()
			}
			out = append(out, p)
		}
	}
	return out
}

// nodes returns those of a curve that can be drawn.
func (c *Chart) nodes(list []Node) []Node {
	var out []Node
	for _, n := range list {
		if c.X.drawable(n.X) && c.Y.drawable(n.Y) {
			out = append(out, n)
		}
	}
	return out
}
