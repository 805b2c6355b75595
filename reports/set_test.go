package reports

import (
	"slices"
	"strings"
	"testing"
)

const name = "BenchmarkAttention/kernel=flash/isa=avx512/mask=window:256+sinks:4/batch=1/heads=8/kvheads=2/qlen=128/kvlen=128/dim=64-2"

func TestReadPoolsSamples(t *testing.T) {
	records := strings.Join([]string{
		"goos: linux",
		name + " 10 2000 ns/op 1.5e+09 FLOP/s",
		"BenchmarkOther 10 1 ns/op",
		strings.ReplaceAll(name, "=128", "=64") + " 10 500 ns/op",
		name + " 10 3000 ns/op 2.5e+09 FLOP/s",
		strings.Replace(name, "qlen=128", "qlen=1", 1) + " 10 7 ns/op",
		strings.TrimSuffix(name, "-2") + " 10 9 ns/op",
		strings.Replace(name, "dim=64", "dim=64/dtype=bfloat16/softcap=50", 1) + " 10 8 ns/op",
		"",
	}, "\n")
	set, err := Read(strings.NewReader(records), "records")
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, s := range set.Series {
		got = append(got, s.Kernel+" "+s.ISA+" "+s.Shape.String())
	}
	shape := "flash avx512 mask=window:256+sinks:4 batch=1 heads=8 kvheads=2 dim=64 "
	want := []string{shape + "qlen=n threads=1", shape + "qlen=n threads=2", shape + "qlen=n threads=2 dtype=bfloat16 softcap=50", shape + "qlen=1 threads=2"}
	if !slices.Equal(got, want) {
		t.Fatalf("series\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	s := set.Series[1]
	if n := lengths(set.Series[1:2]); !slices.Equal(n, []int{64, 128}) {
		t.Errorf("lengths %v, want 64 and 128", n)
	}
	if v := s.Point(128).Samples[Rate]; !slices.Equal(v, []float64{1.5e9, 2.5e9}) {
		t.Errorf("samples %v, in the order of the records", v)
	}
	near(t, "second time", s.Point(128).Samples[Time][1], 3e-6, 1e-12)
	if p := s.Point(100); p != nil {
		t.Errorf("point at n=100: %+v, want none", p)
	}
	if groups := set.Groups(); len(groups) != 4 {
		t.Errorf("%d groups, want 4", len(groups))
	}
}

func TestReadRefuses(t *testing.T) {
	for records, want := range map[string]string{
		"BenchmarkAttention/kernel=flash 1 1 ns/op":                     "lacks isa, mask, batch, heads, kvheads, qlen, dim, kvlen",
		strings.Replace(name, "dim=64", "dim=x", 1) + " 1 1 ns/op":      "records:1: benchmark \"Attention/kernel=flash",
		strings.Replace(name, "kvlen=128", "kvlen=0", 1) + " 1 1 ns/op": "lacks a positive kvlen",
		name + " 1 notanumber ns/op":                                    "records:1: parsing measurement: invalid syntax",
		strings.Repeat("x", 1<<16):                                      "records: a line is longer than 65536 bytes: want the Go benchmark format",
	} {
		if _, err := Read(strings.NewReader(records+"\n"), "records"); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want one with %q", records, err, want)
		}
	}
}
