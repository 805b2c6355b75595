// Package chart draws series of points over an axis: with gonum.org/v1/plot,
// as SVG that takes its colours from the page around it, and as SVG and PNG
// files that stand alone.
//
// A [Chart] says what is to be seen and nothing of how. It is drawn at two
// sizes, [Wide] and [Narrow], because text that is scaled down with a drawing
// can't be read on a phone. Each series has a [Slot], which decides its colour
// and the shape of its marks, so that nothing is told by colour alone.
package chart
