package chart

import (
	"fmt"
	"image/color"
)

// A role is what a colour is for.
type role int

// The roles that are not a series: text and axes, secondary text, the grid,
// the background, and changes for the worse and the better.
const (
	ink role = iota
	muted
	grid
	surface
	bad
	good
	firstSlot
)

// slots is the number of colours for series.
const slots = 8

func (s Slot) index() int { return (int(s)%slots + slots) % slots }
func (s Slot) role() role { return firstSlot + role(s.index()) }

// A palette gives each role a colour.
type palette func(role) color.NRGBA

// The CSS variables of the roles, without the leading "--".
var variables = [...]string{"ink", "muted", "grid", "surface", "bad", "good", "s0", "s1", "s2", "s3", "s4", "s5", "s6", "s7"}

// The colours of each role by theme. All of the series have a contrast of at
// least 3:1 with the surface, text 4.5:1, as WCAG 2.1 wants of graphics and text.
var (
	light = [...]string{"#1b1f24", "#57606a", "#e3e6ea", "#ffffff", "#c5221f", "#127a3d",
		"#1565c0", "#b54708", "#00796b", "#7b3fc4", "#c2185b", "#6b7400", "#455a64", "#0086a8"}
	dark = [...]string{"#e6e9ed", "#9aa4b0", "#2b323b", "#14181d", "#ff8a80", "#6fd08c",
		"#6cb0ff", "#ff9f59", "#4fd1bd", "#c3a2ff", "#ff86b4", "#ccd35c", "#a9bac6", "#5fd3f3"}
)

// Variables returns CSS declarations of the colours of a theme.
func Variables(darkTheme bool) string {
	text := ""
	for i, name := range variables {
		value := light[i]
		if darkTheme {
			value = dark[i]
		}
		text += fmt.Sprintf("--%s:%s;", name, value)
	}
	return text
}

// lightPalette is that of files, which stand on white.
func lightPalette(r role) color.NRGBA { return parse(light[r]) }

func parse(hex string) color.NRGBA {
	c := color.NRGBA{A: 255}
	fmt.Sscanf(hex, "#%02x%02x%02x", &c.R, &c.G, &c.B)
	return c
}

// sentinels is a palette of colours that nothing else uses, so that they can
// be told apart in the drawing and replaced by variables. The roles are eight
// apart, for colours that let others through come out a little darker.
func sentinels(r role) color.NRGBA { return color.NRGBA{0xA7, 0x5E, byte(8*r + 4), 255} }

// faded returns a colour that lets the ones below shine through.
func faded(c color.NRGBA, alpha float64) color.NRGBA {
	c.A = uint8(255 * alpha)
	return c
}
