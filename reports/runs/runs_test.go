package runs

import (
	"errors"
	"fmt"
	"strings"
	"testing"
)

const (
	attention = "BenchmarkAttention/kernel=flash/isa=generic/mask=causal/batch=1/heads=2/kvheads=1/qlen=%d/kvlen=%[1]d/dim=64-2"
	phase     = "BenchmarkModel/phase=%s/kernel=flash/isa=generic/layers=2/n=128-2 1 %d ns/op\n"
)

func record(n, ns int) string { return fmt.Sprintf(attention+" 10 %d ns/op 5e+09 FLOP/s\n", n, ns) }

func file(commit string, records ...string) string {
	return "# commit: " + commit + "\n# flags: --seed=1\ngoos: linux\ncpu: x   \n" + strings.Join(records, "")
}

func read(t *testing.T, texts ...string) []*Run {
	t.Helper()
	var files []File
	for i, text := range texts {
		files = append(files, File{fmt.Sprintf("f%d", i), text})
	}
	list, err := Read(files)
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// Shards of one commit are pooled, another commit stands beside it, even when
// both come in one file.
func TestPooling(t *testing.T) {
	list := read(t, file("a", record(128, 1)), file("b", record(128, 2)), file("a", record(128, 3), record(256, 4))+file("b", record(256, 5)))
	if len(list) != 2 {
		t.Fatalf("%d runs, want 2", len(list))
	}
	a, b := list[0], list[1]
	if got := a.Set.Series[0].Point(128).Samples["sec/op"]; len(got) != 2 {
		t.Errorf("commit a has %v at 128, want the samples of both its files", got)
	}
	if b.Fact("commit") != "b" || len(b.Set.Series[0].Points) != 2 {
		t.Errorf("run 2 is of commit %s with %d lengths, want b with 2", b.Fact("commit"), len(b.Set.Series[0].Points))
	}
	if got := strings.Join(a.Files, " "); got != "f0 f2" {
		t.Errorf("commit a comes from %s", got)
	}
	if got := a.Fact("cpu"); got != "x" {
		t.Errorf("cpu = %q", got)
	}
}

// What differs between runs of the same thing does not split them.
func TestAsides(t *testing.T) {
	other := strings.Replace(file("a", record(128, 1)), "--seed=1", "--seed=2", 1)
	list := read(t, file("a", record(128, 1)), "# peak-avx2: 5 FLOP/s\nseed: 7\n"+other)
	if len(list) != 1 || list[0].Fact("flags") != "--seed=1, --seed=2" {
		t.Errorf("%d runs, flags %q", len(list), list[0].Fact("flags"))
	}
}

func TestPhases(t *testing.T) {
	list := read(t, fmt.Sprintf(phase, "attention", 5)+fmt.Sprintf(phase, "mlp", 7)+fmt.Sprintf(phase, "attention", 6)+
		"BenchmarkModel/kernel=flash/isa=generic/layers=2/n=128-2 1 13 ns/op\nBenchmarkOther-2 1 5 ns/op\n")
	phases := list[0].Phases
	if len(phases) != 3 || phases[0].Phase != "attention" || len(phases[0].Samples) != 2 {
		t.Fatalf("phases %+v", phases)
	}
	if phases[2].Phase != "" || phases[2].Pass != phases[0].Pass || list[0].Others != 1 {
		t.Errorf("the whole pass is %+v, with %d records of others", phases[2], list[0].Others)
	}
	if want := (Pass{"Model layers=2", "flash", "generic", 2, 128}); phases[0].Pass != want {
		t.Errorf("pass %+v, want %+v", phases[0].Pass, want)
	}
}

// A model's pass has no input and joins the measurements of its machine,
// whichever comes first; two inputs stay apart.
func TestInputs(t *testing.T) {
	pass, normal, large := fmt.Sprintf(phase, "mlp", 5), "input: normal\n"+record(128, 1), "input: large\n"+record(128, 1)
	for _, texts := range [][]string{{pass, normal}, {normal, pass}, {normal, pass, normal}} {
		if list := read(t, texts...); len(list) != 1 || len(list[0].Phases) != 1 || list[0].Fact("input") != "normal" {
			t.Errorf("%q: %d runs", texts, len(list))
		}
	}
	if list := read(t, pass, normal, large); len(list) != 2 {
		t.Errorf("two inputs: %d runs", len(list))
	}
}

func TestPeaks(t *testing.T) {
	list := read(t, "# peak-read: 7e+10 B/s\nBenchmarkPeak/resource=read-2 1 8e+10 B/s\nBenchmarkPeak/resource=read-2 1 9e+10 B/s\n"+record(128, 1))
	if got, ok := list[0].Bandwidth(2); !ok || got != 9e10 {
		t.Errorf("bandwidth of 2 threads = %v, %v, want the best record", got, ok)
	}
	if got, ok := list[0].Bandwidth(1); !ok || got != 7e10 {
		t.Errorf("bandwidth of 1 thread = %v, %v, want the remark", got, ok)
	}
}

func TestRefused(t *testing.T) {
	for _, test := range []struct{ text, want string }{
		{"", "no benchmark records"},
		{"PASS\nok\n", "no benchmark records"},
		{record(128, 1) + "BenchmarkAttention/kernel=flash-2 1 5 ns/op\n", "f:2: "},
		{record(128, 1)[:60], "no benchmark records"}, // cut within the name: as `go test -v` prints one
		{strings.TrimSuffix(record(128, 1), " FLOP/s\n"), "f:1: "},
		{"BenchmarkX-2 1 5 ns/op 6 ns/op\n", "two values of sec/op"},
		{"BenchmarkModel/phase=mlp/n=-4-2 1 5 ns/op\n", "lacks a positive n"},
	} {
		_, err := Read([]File{{"f", test.text}})
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%q: error %v, want %q", test.text, err, test.want)
		}
	}
	if _, err := Read([]File{{"f", "\n"}}); !errors.Is(err, ErrNothing) {
		t.Errorf("an empty file: %v", err)
	}
}
