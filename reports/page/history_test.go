package page

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/attnbench/attnbench/reports/history"
	"github.com/attnbench/attnbench/reports/runs"
)

// madeUpHistory is one of 40 commits: flash gets 8% slower at commit 17 and 15%
// faster at 30; its workspace grows at 25.
func madeUpHistory(t *testing.T) []byte {
	t.Helper()
	rng := rand.New(rand.NewPCG(6, 5))
	var files []runs.File
	for i := range 40 {
		var text strings.Builder
		fmt.Fprintf(&text, "# commit: %08x%032x\n# commit-time: 2026-0%d-%02dT10:00:00Z\ncpu: <Made-up>\n", rng.Uint32(), i, 1+i/20, 1+i%20)
		for _, k := range kernels[:2] {
			for n := 512; n <= 2048; n *= 2 {
				for range 8 {
					text.WriteString(changed(k, i).record("causal", n, 1+0.02*rng.ExpFloat64()))
				}
			}
		}
		files = append(files, runs.File{Name: fmt.Sprint(i), Text: text.String()})
	}
	h, err := history.New(files, history.Units, history.Auto, history.Defaults)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := WriteHistory(&out, h); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// changed returns a kernel as it is at a commit.
func changed(k kernel, commit int) kernel {
	if k.name != "flash" {
		return k
	}
	factor := 1.0
	if commit >= 17 {
		factor *= 1.08
	}
	if commit >= 30 {
		factor *= 0.85
	}
	k.a, k.b, k.c = k.a*factor, k.b*factor, k.c*factor
	if commit >= 25 {
		k.bytes = func(float64) float64 { return 500000 }
	}
	return k
}

func TestHistoryPage(t *testing.T) {
	html := string(madeUpHistory(t))
	for _, want := range []string{"flash, avx512: sec/op", "naive, generic: sec/op", "flash, avx512: workspace-B", "&lt;Made-up&gt;", " worse</text>", " better</text>"} {
		if !strings.Contains(html, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	if strings.Contains(html, "naive, generic: workspace-B") {
		t.Error("a metric that never changed has a chart")
	}
}

func TestHistoryInBrowser(t *testing.T) {
	html := madeUpHistory(t)
	for _, width := range []int64{1280, 390} {
		for _, scheme := range []string{"light", "dark"} {
			t.Run(fmt.Sprintf("%s-%d", scheme, width), func(t *testing.T) {
				b := open(t, html, width, scheme)
				b.shoot("history-" + t.Name()[len("TestHistoryInBrowser/"):])
				b.checkCharts(3)
				b.checkLayout()
				b.checkScheme(scheme)
				b.inOrder()
			})
		}
	}
}
