package compare

import (
	"encoding/csv"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// benchstat runs the real one and returns its CSV without blank lines.
func benchstat(t *testing.T, args ...string) [][]string {
	t.Helper()
	cmd := exec.Command("go", append([]string{"tool", "benchstat", "-format=csv"}, args...)...)
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("benchstat %v: %v", args, err)
	}
	reader := csv.NewReader(strings.NewReader(string(out)))
	reader.FieldsPerRecord = -1
	rows, err := reader.ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

// asBenchstat lays a report out as benchstat's CSV does: a configuration line
// for each key that is new, two lines of header, rows, the geometric means.
func asBenchstat(r *Report) [][]string {
	var out [][]string
	config := map[string]string{}
	for _, t := range r.Tables {
		for _, f := range t.Config {
			if config[f.Key] != f.Value {
				out = append(out, []string{f.Key + ": " + f.Value})
			}
			config[f.Key] = f.Value
		}
		labels, units := []string{"", r.Cols[0], ""}, []string{"", t.Unit, "CI"}
		for _, c := range r.Cols[1:] {
			labels, units = append(labels, c, "", "", ""), append(units, t.Unit, "CI", "vs base", "P")
		}
		out = append(out, labels, units)
		for _, row := range t.Rows {
			out = append(out, benchstatRow(row))
		}
		if len(t.Rows) > 1 {
			out = append(out, benchstatTotals(t))
		}
	}
	return out
}

func benchstatRow(row *Row) []string {
	line := []string{row.Name}
	for i, c := range row.Cells {
		if c == nil {
			line = append(line, "", "")
		} else {
			line = append(line, fmt.Sprint(c.Summary.Center), c.Summary.PctRangeString())
		}
		if change := row.Changes[i]; change != nil {
			line = append(line, change.FormatDelta(row.Cells[0].Summary.Center, c.Summary.Center), change.Comparison.String())
		} else if i > 0 {
			line = append(line, "", "")
		}
	}
	return line
}

func benchstatTotals(t *Table) []string {
	line := []string{"geomean"}
	for i, total := range t.Totals {
		mean, ratio := "", "?"
		if !math.IsNaN(total.Mean) {
			mean = fmt.Sprint(total.Mean)
		}
		if !math.IsNaN(total.Ratio) && !math.IsInf(total.Ratio, 0) {
			ratio = fmt.Sprintf("%+.2f%%", (total.Ratio-1)*100)
		}
		if line = append(line, mean, ""); i > 0 {
			line = append(line, ratio, "")
		}
	}
	return line
}

// trim drops the blanks at the end of each line: benchstat writes them, or not.
func trim(rows [][]string) []string {
	var out []string
	for _, r := range rows {
		for len(r) > 0 && r[len(r)-1] == "" {
			r = r[:len(r)-1]
		}
		out = append(out, strings.Join(r, " | "))
	}
	return out
}

// noisy writes records of an attention sweep with heavy-tailed noise, ties,
// counts that do not vary, and one benchmark that the other file lacks.
func noisy(t *testing.T, dir, name, extra string, seed uint64, samples int, slowdown float64) string {
	t.Helper()
	rng := rand.New(rand.NewPCG(seed, 6))
	var out strings.Builder
	out.WriteString("Unit FLOP/s better=higher\nUnit workspace-B better=lower\nUnit workspace-B assume=exact\ngoos: linux\ncpu: made up\n")
	for range samples {
		for _, kernel := range []string{"flash", "naive", extra} {
			for _, n := range []int{128, 256, 512} {
				ns := float64(n*n) * slowdown * heavy(rng, 0.02)
				fmt.Fprintf(&out, "BenchmarkAttention/kernel=%s/isa=avx2/mask=causal/batch=1/heads=4/kvheads=4/qlen=%d/kvlen=%d/dim=32-2 20 %.0f ns/op %.6g FLOP/s %d workspace-B %d allocs/op\n",
					kernel, n, n, ns, 1e15/ns, 64*n, rng.IntN(2))
			}
		}
	}
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, []byte(out.String()), 0o666); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestEqualsBenchstat(t *testing.T) {
	if testing.Short() {
		t.Skip("builds benchstat")
	}
	dir := t.TempDir()
	a, b, c := noisy(t, dir, "a.txt", "tiled", 1, 10, 1), noisy(t, dir, "b.txt", "sparse", 2, 7, 1.03), noisy(t, dir, "c.txt", "tiled", 3, 3, 0.9)
	for _, x := range []struct {
		name  string
		opts  Options
		files []string
	}{
		{"two files", Options{}, []string{"a=" + a, "b=" + b}},
		{"three files", Options{}, []string{"a=" + a, "b=" + b, "c=" + c}},
		{"one file", Options{}, []string{"a=" + a}},
		{"kernels in columns", Options{Row: "/kvlen", Col: "/kernel@(naive flash)", Filter: ".unit:(sec/op OR workspace-B)"}, []string{a}},
		{"rows pooled", Options{Row: "/kernel", Ignore: ".fullname"}, []string{"a=" + a, "c=" + c}},
		{"other levels", Options{Alpha: 0.2, Confidence: 0.8}, []string{"a=" + a, "c=" + c}},
	} {
		t.Run(x.name, func(t *testing.T) {
			o := x.opts.withDefaults()
			want := trim(benchstat(t, append([]string{"-filter", o.Filter, "-table", o.Table, "-row", o.Row, "-col", o.Col, "-ignore", o.Ignore,
				"-alpha", fmt.Sprint(o.Alpha), "-confidence", fmt.Sprint(o.Confidence)}, x.files...)...))
			got := trim(asBenchstat(mustRead(t, x.opts, x.files...)))
			if len(got) != len(want) {
				t.Errorf("%d lines, want %d", len(got), len(want))
			}
			for i := range min(len(got), len(want)) {
				if got[i] != want[i] {
					t.Errorf("line %d\n got %s\nwant %s", i+1, got[i], want[i])
				}
			}
		})
	}
}

func mustRead(t *testing.T, opts Options, files ...string) *Report {
	t.Helper()
	b, err := New(opts)
	if err != nil {
		t.Fatal(err)
	}
	if err := b.ReadFiles(files, nil); err != nil {
		t.Fatal(err)
	}
	r, err := b.Report()
	if err != nil {
		t.Fatal(err)
	}
	return r
}
