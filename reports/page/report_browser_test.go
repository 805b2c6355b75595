package page

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/attnbench/attnbench/reports/runs"
)

// Every width and theme: the page is in order, every chart has the marks of
// its points, and no text of it is cut off or lies upon another.
func TestReportInBrowser(t *testing.T) {
	html := render(t, madeUp(10))
	for _, width := range []int64{1280, 390} {
		for _, scheme := range []string{"light", "dark"} {
			t.Run(fmt.Sprintf("%s-%d", scheme, width), func(t *testing.T) {
				b := open(t, html, width, scheme)
				b.shoot(t.Name()[len("TestReportInBrowser/"):])
				b.checkCharts(9)
				b.checkLayout()
				b.checkScheme(scheme)
				b.inOrder()
			})
		}
	}
}

// checkCharts wants a number of charts, each with marks for all its points.
func (b *tab) checkCharts(want int) {
	b.t.Helper()
	type plot struct {
		Label      string
		Hits, Path int
		Width      float64
	}
	plots := eval[[]plot](b, `Array.from(document.querySelectorAll("svg.plot")).filter(p => p.getBoundingClientRect().width > 0).map(p => ({
		Label: p.getAttribute("aria-label"), Hits: p.querySelectorAll(".hit").length,
		Path: p.querySelectorAll("path").length, Width: p.getBoundingClientRect().width}))`)
	if len(plots) != want {
		b.t.Errorf("%d charts are visible, want %d", len(plots), want)
	}
	for _, p := range plots {
		if p.Hits < 5 || p.Path < p.Hits || p.Width < 300 {
			b.t.Errorf("%s: %d targets, %d paths, %v px wide", p.Label, p.Hits, p.Path, p.Width)
		}
	}
}

// checkLayout wants the page to fit its width, and texts of charts to fit
// their charts without touching one another.
func (b *tab) checkLayout() {
	b.t.Helper()
	if d := eval[int](b, `document.documentElement.scrollWidth - innerWidth`); d > 0 {
		b.t.Errorf("the page is %d px wider than the screen", d)
	}
	for _, p := range eval[[]string](b, `(() => {
		const bad = [];
		for (const plot of document.querySelectorAll("svg.plot")) {
			const box = plot.getBoundingClientRect();
			if (box.width === 0) continue;
			const texts = Array.from(plot.querySelectorAll("text"), t => ({ t: t.textContent, b: t.getBoundingClientRect() }));
			texts.forEach((x, i) => {
				if (x.b.left < box.left - 1 || x.b.right > box.right + 1 || x.b.top < box.top - 1 || x.b.bottom > box.bottom + 1)
					bad.push(plot.getAttribute("aria-label") + ": cut off: " + x.t);
				for (const y of texts.slice(i + 1))
					if (x.b.left < y.b.right - 1 && y.b.left < x.b.right - 1 && x.b.top < y.b.bottom - 1 && y.b.top < x.b.bottom - 1)
						bad.push(plot.getAttribute("aria-label") + ": " + x.t + " lies upon " + y.t);
			});
		}
		return bad;
	})()`) {
		b.t.Error(p)
	}
}

// checkScheme wants the colours of a theme, and the button to change them.
func (b *tab) checkScheme(scheme string) {
	b.t.Helper()
	const brightness = `(e => getComputedStyle(e).backgroundColor.match(/\d+/g).slice(0, 3).reduce((a, x) => a + Number(x), 0) / 3)(document.body)`
	const line = `getComputedStyle(document.querySelector("svg.plot path[style*='var(--s']")).stroke + getComputedStyle(document.querySelector("svg.plot path[style*='fill:var(--s']") || document.body).fill`
	first, firstLine := eval[float64](b, brightness), eval[string](b, line)
	if (first < 128) != (scheme == "dark") {
		b.t.Errorf("the background's brightness is %v in a %s scheme", first, scheme)
	}
	b.must(chromedp.Do(b, chromedp.Click("#theme")))
	if second := eval[float64](b, brightness); (second < 128) == (first < 128) {
		b.t.Errorf("the button changes no background: %v, then %v", first, second)
	}
	if second := eval[string](b, line); second == firstLine {
		b.t.Errorf("the button changes no chart: %s before and after", second)
	}
}

// Sorting is by value: 100 µs comes before 2 ms, and a second click reverses.
func TestSortInBrowser(t *testing.T) {
	b := open(t, render(t, madeUp(6)), 1280, "light")
	const column = `Array.from(document.querySelectorAll("#run1-1-summary tbody tr"), r => Number(r.cells[3].dataset.v))`
	const click = `document.querySelectorAll("#run1-1-summary th button")[3].click()`
	before := eval[[]float64](b, column)
	if slices.IsSorted(before) {
		t.Fatal("the times are sorted from the start: this would show nothing")
	}
	eval[*int](b, click)
	up := eval[[]float64](b, column)
	eval[*int](b, click)
	down := eval[[]float64](b, column)
	slices.Reverse(down)
	if !slices.IsSorted(up) || !slices.Equal(up, down) || len(up) != len(before) {
		t.Errorf("sorted by time: %v, then reversed %v", up, down)
	}
	if got := eval[string](b, `document.querySelectorAll("#run1-1-summary th")[3].getAttribute("aria-sort")`); got != "descending" {
		t.Errorf("aria-sort = %q, want descending", got)
	}
	eval[*int](b, `document.querySelectorAll("#run1-1-summary th button")[1].click()`)
	names := eval[[]string](b, `Array.from(document.querySelectorAll("#run1-1-summary tbody tr"), r => r.cells[1].textContent)`)
	if !slices.IsSorted(names) {
		t.Errorf("sorted by kernel: %v", names)
	}
	b.inOrder()
}

// The points of a chart can be read with a mouse and with a keyboard alone.
func TestValuesInBrowser(t *testing.T) {
	b := open(t, render(t, madeUp(6)), 1280, "light")
	const tip = `document.getElementById("tip").hidden ? "" : document.getElementById("tip").textContent`
	at := eval[[]float64](b, `(() => { const h = document.querySelectorAll("#run1-1-time .wide .hit")[1]; h.scrollIntoView({block: "center"});
		const r = h.getBoundingClientRect(); return [r.left + r.width / 2, r.top + r.height / 2]; })()`)
	b.must(chromedp.Do(b, chromedp.MouseEvent("mouseMoved", at[0], at[1])))
	if got := eval[string](b, tip); !strings.Contains(got, "n = 256") {
		t.Errorf("hovering the second point says %q", got)
	}
	if n := eval[int](b, `document.querySelectorAll("#run1-1-time .wide .hit[tabindex='0']").length`); n != 1 {
		t.Errorf("%d points of a chart are stops of the Tab key, want 1", n)
	}
	eval[*int](b, `document.querySelector("#run1-1-time .wide .hit").focus()`)
	b.must(chromedp.Do(b, chromedp.KeyEvent(kb.ArrowRight), chromedp.KeyEvent(kb.ArrowRight)))
	if got := eval[string](b, tip); !strings.HasPrefix(got, "flash, n = 512: ") || got != eval[string](b, `document.activeElement.getAttribute("aria-label")`) {
		t.Errorf("two points to the right say %q", got)
	}
	b.must(chromedp.Do(b, chromedp.KeyEvent(kb.Escape)))
	if got := eval[string](b, tip); got != "" {
		t.Errorf("after Escape there is still %q", got)
	}
	b.inOrder()
}

// Names that are markup stay text, and a script that got in would not run.
func TestHostileInBrowser(t *testing.T) {
	b := open(t, render(t, hostile()), 1280, "light")
	if eval[bool](b, `"owned" in window`) {
		t.Error("a script among the records ran")
	}
	if n := eval[int](b, `document.scripts.length`); n != 1 {
		t.Errorf("the page has %d scripts, want its own", n)
	}
	if !strings.Contains(eval[string](b, `document.body.innerText`), "<script>") {
		t.Error("the page does not show the hostile name as text")
	}
	eval[*int](b, `(() => { const s = document.createElement("script"); s.textContent = "window.owned = 1"; document.body.append(s); })()`)
	if eval[bool](b, `"owned" in window`) {
		t.Error("the content security policy lets a foreign script run")
	}
}

// hostile returns records whose every name is an attack.
func hostile() runs.File {
	const attack = `<script>window.owned=1<\/script>"><img/src=x/onerror=window.owned=1>'`
	f := madeUp(6)
	attacked := strings.ReplaceAll(attack, "/", "∕")
	f.Text = strings.NewReplacer("kernel=flash", "kernel="+attacked, "mask=causal", "mask="+attacked,
		"Made-up Processor", attack, "phase=qkv", "phase="+attacked, "commit: 01", "commit: "+attack).Replace(f.Text)
	f.Name = attack
	return f
}
