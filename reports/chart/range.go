package chart

import "math"

// A span is the part of an axis that is drawn.
type span struct{ lo, hi float64 }

func (s span) with(v float64) span { return span{min(s.lo, v), max(s.hi, v)} }

// narrow reports whether a span holds one value for all that can be drawn.
func (s span) narrow() bool { return s.hi-s.lo <= 1e-9*max(math.Abs(s.lo), math.Abs(s.hi)) }

// spans returns the extent of everything that has a place, padded so that no
// mark touches an edge. The chart must not be empty.
func (c *Chart) spans() (x, y span) {
	x, y = span{math.Inf(1), math.Inf(-1)}, span{math.Inf(1), math.Inf(-1)}
	include := func(vx, vy float64) {
		if c.X.drawable(vx) && c.Y.drawable(vy) {
			x, y = x.with(vx), y.with(vy)
		}
	}
	for _, s := range c.Series {
		for _, p := range c.visible(s) {
			include(p.X, p.Y)
			include(p.X, p.Lo)
			include(p.X, p.Hi)
		}
		for _, n := range c.nodes(s.Curve) {
			include(n.X, n.Y)
		}
	}
	for _, r := range c.Rules {
		for _, n := range c.nodes(r.Nodes) {
			include(n.X, n.Y)
		}
	}
	return c.X.pad(x, 0.04), c.Y.pad(y, 0.06)
}

// pad widens a span by a share of its length on either side.
func (a Axis) pad(s span, share float64) span {
	if a.Log {
		return s.padLog(share)
	}
	d := (s.hi - s.lo) * share
	if s.narrow() {
		d = max(math.Abs(s.hi), 1) * share
	}
	if a.Zero {
		return span{min(0, s.lo), s.hi + d}
	}
	return span{s.lo - d, s.hi + d}
}

// padLog pads the logarithms. A span of one value, or nearly so, becomes a factor of 2 wide.
func (s span) padLog(share float64) span {
	f := math.Exp(share * (math.Log(s.hi) - math.Log(s.lo)))
	if s.narrow() {
		f = math.Sqrt2
	}
	return span{s.lo / f, s.hi * f}
}
