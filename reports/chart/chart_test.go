package chart

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"image/png"
	"io"
	"math"
	"regexp"
	"strings"
	"testing"

	"gonum.org/v1/plot"
)

func plain(v float64) string { return fmt.Sprintf("%.6g", v) }

// sketch is a chart with one of everything.
func sketch() *Chart {
	return &Chart{
		ID: "sketch", Title: `Time <of "all">`, Of: "a mask",
		X: Axis{Name: "n", Log: true, Format: plain}, Y: Axis{Log: true, Format: plain},
		Series: []Series{
			{Name: "<b>flash</b>", Slot: 0, Curve: []Node{{1, 2, 1.5, 2.5}, {100, 20, 15, 25}},
				Points: []Point{{X: 1, Y: 2, Lo: 1, Hi: 3, Tip: `<i>"tip"</i>`}, {X: 100, Y: 20, Lo: 19, Hi: math.Inf(1)}}},
			{Name: "naive", Slot: 6, Join: true, Points: []Point{{X: 1, Y: 0}, {X: 10, Y: 5, Lo: math.NaN(), Hi: math.NaN()}, {X: 50, Y: math.NaN()}}},
		},
		Rules: []Rule{{Name: "roof", Label: "r", Nodes: []Node{{X: 1, Y: 30}, {X: 100, Y: 30}}}},
		Flags: []Flag{{X: 50, Name: "worse", Bad: true}},
	}
}

// The SVG is well-formed, escaped, has a target for each drawable point, and
// its colours are variables of the page.
func TestSVG(t *testing.T) {
	svg := sketch().SVG(Wide)
	decoder := xml.NewDecoder(strings.NewReader(svg))
	targets := 0
	for {
		token, err := decoder.Token()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatalf("not well-formed: %v\n%s", err, svg)
		}
		if e, ok := token.(xml.StartElement); ok && e.Name.Local == "circle" {
			targets++
		}
		if e, ok := token.(xml.StartElement); ok && (e.Name.Local == "i" || e.Name.Local == "b") {
			t.Errorf("markup of a name became <%s>", e.Name.Local)
		}
	}
	if targets != 3 {
		t.Errorf("%d targets, want one for each of 3 points that have a place", targets)
	}
	if colour := regexp.MustCompile(`#[0-9A-Fa-f]{6}`).FindString(svg); colour != "" {
		t.Errorf("the colour %s is none of the page's", colour)
	}
	for _, want := range []string{"var(--s0)", "var(--s6)", "var(--bad)", "var(--grid)", "fill-opacity"} {
		if !strings.Contains(svg, want) {
			t.Errorf("lacks %s", want)
		}
	}
}

func TestHidden(t *testing.T) {
	c := sketch()
	if got := c.Hidden(); got != 2 {
		t.Errorf("Hidden() = %d, want the 0 and the NaN", got)
	}
	if c.Empty() {
		t.Error("a chart with points is Empty")
	}
	c.Series = c.Series[1:]
	c.Series[0].Points = c.Series[0].Points[:1]
	if !c.Empty() {
		t.Error("a chart of one 0 on a logarithmic axis is not Empty")
	}
}

// Files have the title, and pixels in the colour of each series.
func TestFiles(t *testing.T) {
	var svg, picture bytes.Buffer
	if err := sketch().Write(&svg, "svg"); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(svg.String(), "Time &lt;of") || strings.Contains(svg.String(), "var(--") {
		t.Error("the SVG file lacks its title, or needs a page's variables")
	}
	if err := sketch().Write(&picture, "png"); err != nil {
		t.Fatal(err)
	}
	im, err := png.Decode(&picture)
	if err != nil {
		t.Fatal(err)
	}
	for _, slot := range []Slot{0, 6} {
		want, n := lightPalette(slot.role()), 0
		for y := range im.Bounds().Dy() {
			for x := range im.Bounds().Dx() {
				r, g, b, _ := im.At(x, y).RGBA()
				if uint8(r>>8) == want.R && uint8(g>>8) == want.G && uint8(b>>8) == want.B {
					n++
				}
			}
		}
		if n < 50 {
			t.Errorf("slot %d: %d pixels of its colour", slot, n)
		}
	}
	if err := sketch().Write(io.Discard, "gif"); err == nil || !strings.Contains(err.Error(), `"gif"`) {
		t.Errorf("format gif: error %v", err)
	}
}

// A chart of one point, and of values far apart, has an axis all the same.
func TestExtremes(t *testing.T) {
	for _, y := range [][]float64{{1}, {0}, {-3, 7}, {1e-240, 1e240}, {-1e240, 1e240}, {5, 5, 5}, {1e15, 1e15 + 0.25}} {
		for _, log := range []bool{false, true} {
			c := &Chart{X: Axis{Format: plain}, Y: Axis{Format: plain, Log: log}, Series: []Series{{}}}
			for i, v := range y {
				c.Series[0].Points = append(c.Series[0].Points, Point{X: float64(i), Y: v, Lo: math.NaN(), Hi: math.NaN()})
			}
			if c.Empty() {
				continue
			}
			if svg := c.SVG(Narrow); strings.Contains(svg, "NaN") || strings.Contains(svg, "Inf") {
				t.Errorf("%v, log %v: a place is no number", y, log)
			}
		}
	}
}

func TestTicks(t *testing.T) {
	for _, test := range []struct {
		name string
		axis Axis
		span span
		n    int
		want string
	}{
		{"decades", Axis{Log: true}, span{0.5, 2000}, 6, "1 10 100 1000"},
		{"within a decade", Axis{Log: true}, span{1.5, 9}, 6, "2 5"},
		{"within a step", Axis{Log: true}, span{4.1, 4.9}, 5, "4.2 4.4 4.6 4.8"},
		{"binary", Axis{Log: true, Binary: true}, span{3, 70}, 8, "4 8 16 32 64"},
		{"binary, little room", Axis{Log: true, Binary: true}, span{3, 70}, 3, "4 16 64"},
		{"linear", Axis{}, span{0, 1}, 6, "0 0.2 0.4 0.6 0.8 1"},
		{"given", Axis{Ticks: []float64{1, 2, 3, 4, 5, 6}}, span{2, 9}, 3, "2 4 6"},
	} {
		test.axis.Format = plain
		if got := texts(test.axis.ticks(test.span, test.n)); got != test.want {
			t.Errorf("%s: %s, want %s", test.name, got, test.want)
		}
	}
}

func texts(ticks []plot.Tick) string {
	var out []string
	for _, tick := range ticks {
		out = append(out, tick.Label)
	}
	return strings.Join(out, " ")
}

// Contrast as WCAG 2.1 defines it: 3:1 for graphics, 4.5:1 for text.
func TestContrast(t *testing.T) {
	for theme, colours := range map[string][len(variables)]string{"light": light, "dark": dark} {
		for r, hex := range colours {
			least := 3.0
			switch role(r) {
			case grid, surface:
				continue
			case ink, muted, bad, good:
				least = 4.5
			}
			if got := contrast(hex, colours[surface]); got < least {
				t.Errorf("%s %s %s: contrast %.2f, want %v", theme, variables[r], hex, got, least)
			}
		}
	}
}

func contrast(a, b string) float64 {
	la, lb := luminance(a), luminance(b)
	return (max(la, lb) + 0.05) / (min(la, lb) + 0.05)
}

func luminance(hex string) float64 {
	c := parse(hex)
	linear := func(v uint8) float64 {
		if x := float64(v) / 255; x > 0.04045 {
			return math.Pow((x+0.055)/1.055, 2.4)
		} else {
			return x / 12.92
		}
	}
	return 0.2126*linear(c.R) + 0.7152*linear(c.G) + 0.0722*linear(c.B)
}
