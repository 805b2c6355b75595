package page

import (
	"bytes"
	"io"
	"strings"
	"testing"

	"github.com/attnbench/attnbench/reports/runs"
)

func TestQuantity(t *testing.T) {
	for text, want := range map[string]float64{
		"422.5 µs ± 20%": 422.5e-6, "12.62 ms ± 11%": 12.62e-3, "159.4 GFLOP/s": 159.4e9, "441.5 KiB": 441.5 * 1024, "36.0%": 36,
		"~ 0.98× [0.9, 1.1]": 0.98, "< 128": 128, "> 2048": 2048, "1.50 [1.41, 1.62]": 1.5, "2048": 2048, "64.00 B": 64, "0 B": 0,
		"5.5e-07": 5.5e-7, "-3": -3, "3 s": 3, "7 MB": 7e6,
	} {
		if got, ok := quantity(text); !ok || got/want > 1+1e-12 || got/want < 1-1e-12 {
			if got != want {
				t.Errorf("%q: %v, %v, want %v", text, got, ok, want)
			}
		}
	}
	for _, text := range []string{"", "flash", "unavailable", "never", "avx512", "every n"} {
		if got, ok := quantity(text); ok {
			t.Errorf("%q: %v, want no value", text, got)
		}
	}
}

// Equal records give an equal page, and all of it stands in the file.
func TestReport(t *testing.T) {
	first, second := render(t, madeUp(6)), render(t, madeUp(6))
	if !bytes.Equal(first, second) {
		t.Error("two pages of the same records differ")
	}
	for _, want := range []string{
		"Made-up Processor 9000", "0123456789abcdef0123456789abcdef01234567", "--n=128..2048x2 --mask=causal,window:256",
		"Time of a call", "Workspace, beyond", "Roofline", "Error, of what", "How many times as fast as naive", "Growth with n",
		"Attention’s share", "avx512: 450.0 GFLOP/s", `aria-label="Medians"`, "flash, n = 2048: ", "BenchmarkAttention/kernel=tiled/isa=avx2",
	} {
		if !bytes.Contains(first, []byte(want)) {
			t.Errorf("the page lacks %q", want)
		}
	}
	for _, not := range []string{"http://", "https://", "ZgotmplZ", "<no value>", "NaN"} {
		if i := bytes.Index(first, []byte(not)); i >= 0 && !strings.HasPrefix(string(first[i:]), "http://www.w3.org/") {
			t.Errorf("the page has %q: …%s…", not, first[max(0, i-60):i+60])
		}
	}
}

func TestHostile(t *testing.T) {
	html := string(render(t, hostile()))
	if n := strings.Count(html, "<script"); n != 1 {
		t.Errorf("%d script elements, want the page's own", n)
	}
	for _, bad := range []string{"<img", "onerror=window.owned=1>\"", "\"><"} {
		if i := strings.Index(html, bad); i >= 0 && strings.Contains(html[max(0, i-80):i+80], "owned") {
			t.Errorf("unescaped: …%s…", html[max(0, i-40):i+40])
		}
	}
}

// What the records lack is a sentence in its place.
func TestUnavailable(t *testing.T) {
	f := madeUp(2)
	var lines []string
	for line := range strings.Lines(f.Text) {
		if !strings.HasPrefix(line, "BenchmarkModel") && !strings.HasPrefix(line, "# peak") {
			line, _, _ = strings.Cut(strings.Replace(line, "-2 3 ", "-2 1 ", 1), " compulsory-B")
			lines = append(lines, strings.TrimRight(line, " 0123456789\n"))
		}
	}
	f.Text = strings.Join(lines, "\n") + "\n"
	f.Text = strings.ReplaceAll(f.Text, " workspace-B", " B/op")
	html := string(render(t, f))
	for _, want := range []string{
		"Unavailable: the records have no times of a forward pass by phase.", "Unavailable: the records lack FLOP/s or compulsory-B.",
		"Unavailable: the records have nothing to draw here.", "too few for an interval", "no interval: a bootstrap needs",
	} {
		if !strings.Contains(html, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
}

// Runs that may not be pooled stand beside one another, named by what differs.
func TestTwoRuns(t *testing.T) {
	a, b := madeUp(2), madeUp(2)
	b.Name, b.Text = "b.txt", strings.Replace(b.Text, "Made-up Processor 9000", "Another Processor", 1)
	html := string(render(t, a, b))
	for _, want := range []string{"Run 1: cpu Made-up Processor 9000", "Run 2: cpu Another Processor", `id="run2-2-time"`} {
		if !strings.Contains(html, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
}

// FuzzReport wants any text refused or shown, charts as files included.
func FuzzReport(f *testing.F) {
	const name = "BenchmarkAttention/kernel=flash/isa=generic/mask=causal/batch=1/heads=2/kvheads=1/qlen=128/kvlen=128/dim=64-2"
	f.Add("# commit: a\ncpu: x\n" + name + " 10 123 ns/op 5e+09 FLOP/s 4096 workspace-B 100 compulsory-B\n" + name + " 10 125 ns/op\n")
	f.Add(name + " 10 NaN ns/op\n" + strings.ReplaceAll(name, "128", "256") + " 10 +Inf ns/op -1 workspace-B 1e308 FLOP/s 1e-308 compulsory-B\n")
	f.Add(name + " 10 0 ns/op\n" + strings.ReplaceAll(name, "128", "9223372036854775807") + " 1 1e-300 ns/op 1e300 error-ratio\n")
	f.Add("# peak-read: Inf B/s\nBenchmarkModel/phase=attention/n=5 1 5 ns/op\nBenchmarkPeak/resource=read-2 1 1e308 B/s\n")
	f.Fuzz(func(t *testing.T, text string) {
		if len(text) > 4<<10 {
			return
		}
		r, err := New([]runs.File{{Name: "fuzz", Text: text}}, 1)
		if err != nil {
			return
		}
		if err := r.WriteHTML(io.Discard); err != nil {
			t.Fatal(err)
		}
		for _, c := range r.Charts() {
			if err := c.Write(io.Discard, "svg"); err != nil {
				t.Fatal(err)
			}
		}
	})
}
