package history

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/attnbench/attnbench/reports/runs"
)

// hash returns a commit's made-up name.
func hash(i int) string { return fmt.Sprintf("%04x%036x", 0xabc0+i, i) }

// files returns one of each commit, with the time of flash at 512 as factor
// says and that of naive steady.
func files(commits int, factor func(i int) float64) []runs.File {
	rng := rand.New(rand.NewPCG(66, 7))
	var out []runs.File
	for i := range commits {
		var text strings.Builder
		fmt.Fprintf(&text, "# commit: %s\n# commit-time: 2026-01-%02dT10:00:00Z\ncpu: x\n", hash(i), i+1)
		for range 8 {
			for kernel, ns := range map[string]float64{"flash": 1e6 * factor(i), "naive": 3e7} {
				fmt.Fprintf(&text, "BenchmarkAttention/kernel=%s/isa=generic/mask=causal/batch=1/heads=2/kvheads=2/qlen=512/kvlen=512/dim=64-2 1 %.6g ns/op 100 workspace-B\n",
					kernel, ns*(1+0.02*rng.ExpFloat64()))
			}
		}
		out = append(out, runs.File{Name: fmt.Sprintf("%02d.txt", (i*7)%commits), Text: text.String()})
	}
	return out
}

// step is a slowdown of 20% from commit 12 on, made good from 20 on if fixed.
func step(fixed bool) func(int) float64 {
	return func(i int) float64 {
		if i >= 12 && !(fixed && i >= 20) {
			return 1.2
		}
		return 1
	}
}

func history(t *testing.T, files []runs.File) *History {
	t.Helper()
	h, err := New(files, Units, Auto, Defaults)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// Commits are in the order of their time, whatever their files are called, and
// the change is where it was made.
func TestHistory(t *testing.T) {
	h := history(t, files(26, step(false)))
	for i, c := range h.Commits {
		if c.Name != hash(i) {
			t.Fatalf("commit %d is %s, want %s", i, c.Name, hash(i))
		}
	}
	changes := h.Changes()
	if len(changes) != 1 {
		t.Fatalf("%d changes, want 1: %+v", len(changes), changes)
	}
	c := changes[0]
	if c.Kernel != "flash" || c.First != 12 || c.Last != 11 || !c.Worse() || c.Effect() < 0.17 || c.Effect() > 0.23 {
		t.Errorf("%s changed at %d after %d by %.3f, worse: %v", c.Kernel, c.First, c.Last, c.Effect(), c.Worse())
	}
	var out strings.Builder
	if err := h.WriteText(&out); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"26 commits, abc000000 … abd900000", "abcc00000  abcb00000  worse", "▁▁▁▁▁", "can't begin one"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("lacks %q:\n%s", want, out.String())
		}
	}
}

// A commit counts as failed since another if it came later and still holds.
func TestSince(t *testing.T) {
	for _, test := range []struct {
		fixed bool
		since int
		want  int
	}{{false, 0, 1}, {false, 11, 1}, {false, 12, 0}, {false, 25, 0}, {true, 0, 0}, {true, 15, 0}} {
		h := history(t, files(26, step(test.fixed)))
		if got := len(h.Since(test.since)); got != test.want {
			t.Errorf("fixed: %v, since %d: %d, want %d", test.fixed, test.since, got, test.want)
		}
	}
}

func TestFind(t *testing.T) {
	h := history(t, files(20, step(false)))
	for name, want := range map[string]int{hash(3): 3, "abc5": 5, h.Commits[7].Files[0]: 7} {
		if got, err := h.Find(name); err != nil || got != want {
			t.Errorf("Find(%q) = %d, %v, want %d", name, got, err, want)
		}
	}
	for name, want := range map[string]string{"ffff": "none of the 20", "ab": "none of the 20", "": "none"} {
		if _, err := h.Find(name); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Find(%q): error %v, want %q", name, err, want)
		}
	}
	if at, err := h.At(h.Commits[4].Time); err != nil || at != 4 {
		t.Errorf("At(time of 4) = %d, %v", at, err)
	}
}

// Without a time the names of the files decide; numbers in them count as such.
func TestByName(t *testing.T) {
	list := files(12, step(false))
	for i := range list {
		list[i].Name = fmt.Sprintf("run%d.txt", i)
		_, list[i].Text, _ = strings.Cut(list[i].Text, "Z\n")
	}
	h := history(t, append(list, runs.File{Name: "README", Text: "Nothing here.\n"}))
	if got := h.Commits[11].Name; got != "run11.txt" || len(h.Commits) != 12 {
		t.Errorf("the last of %d commits is %s", len(h.Commits), got)
	}
	if notes := strings.Join(h.Notes, "; "); !strings.Contains(notes, "README") || !strings.Contains(notes, "order of their files") {
		t.Errorf("notes %q", notes)
	}
	if _, err := New(list, Units, ByTime, Defaults); err == nil || !strings.Contains(err.Error(), "commit-time") {
		t.Errorf("order by time: error %v", err)
	}
}

// Another machine is another track, and too few commits are said to be so.
func TestApart(t *testing.T) {
	list := files(6, step(false))
	list[0].Text = strings.Replace(list[0].Text, "cpu: x", "cpu: y", 1)
	h := history(t, list)
	if len(h.Groups()) != 2 || len(h.Groups()[0][0].Levels) != 5 {
		t.Errorf("%d groups, the first with %d levels", len(h.Groups()), len(h.Groups()[0][0].Levels))
	}
	if notes := strings.Join(h.Notes, "; "); !strings.Contains(notes, "6 commits: too few") {
		t.Errorf("notes %q", notes)
	}
}

func TestNatural(t *testing.T) {
	for _, test := range []struct {
		a, b string
		want int
	}{{"run9", "run10", -1}, {"run09", "run9", 0}, {"a", "b", -1}, {"a1", "a", 1}, {"", "", 0}, {"2b", "2a", 1}} {
		if got := natural(test.a, test.b); got != test.want {
			t.Errorf("natural(%q, %q) = %d, want %d", test.a, test.b, got, test.want)
		}
	}
}
