package harness

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"golang.org/x/perf/benchfmt"

	"github.com/attnbench/attnbench/kernels"
)

// testResults are a result with two samples, a skipped and a failed one.
func testResults() []Result {
	c := Case{problem(1, 8, 2, 128, 128, 64, "causal+window:32"), Inputs(1)[0]}
	return []Result{
		{
			Kernel: "flash", Case: c, ISA: "avx2", Threads: 1, Workspace: 8192, BytesPerOp: 16, AllocsPerOp: 1,
			Verdict: Verdict{Ratio: 0.25},
			Samples: []Sample{{20, 3 * time.Millisecond}, {20, 5 * time.Millisecond}},
		},
		{Kernel: "cuda", Case: c, Threads: 1, Skipped: errNoSoftcap},
		{Kernel: "wrong", Case: c, ISA: "avx2", Threads: 1, Verdict: Verdict{Check: "max error"}, Samples: []Sample{{1, 1}}},
	}
}

var testPeaks = Peaks{
	Threads: 1, FLOPs: map[string]float64{"avx2": 1e12, "generic": 1e10}, Read: 3e10,
	Unavailable: map[string]string{"avx512": "the machine lacks it"},
}

func testRecords(peaks *Peaks) []*benchfmt.Result {
	config := Provenance(7, peaks)
	return append(Records(testResults(), peaks, config), testPeaks.Records(config)...)
}

func TestBenchRoundTrip(t *testing.T) {
	var text bytes.Buffer
	if err := Write(&text, "bench", testRecords(&testPeaks)); err != nil {
		t.Fatal(err)
	}
	reader := benchfmt.NewReader(bytes.NewReader(text.Bytes()), "test")
	var got []*benchfmt.Result
	for reader.Scan() {
		switch rec := reader.Result().(type) {
		case *benchfmt.SyntaxError:
			t.Error(rec)
		case *benchfmt.Result:
			got = append(got, rec.Clone())
		}
	}
	want := testRecords(&testPeaks)
	if len(got) != 5 || len(want) != 5 {
		t.Fatalf("read %d records of %d, want 5:\n%s", len(got), len(want), &text)
	}
	const name = "Attention/kernel=flash/isa=avx2/mask=causal+window:32/batch=1/heads=8/kvheads=2/qlen=128/kvlen=128/dim=64-1"
	if got[0].Name.String() != name {
		t.Errorf("name %s, want %s", got[0].Name, name)
	}
	for i := range want {
		if got[i].Name.String() != want[i].Name.String() || got[i].Iters != want[i].Iters || len(got[i].Values) != len(want[i].Values) {
			t.Errorf("record %d is %s with %d values, want %s with %d", i, got[i].Name, len(got[i].Values), want[i].Name, len(want[i].Values))
		}
		for _, v := range want[i].Values {
			if have, ok := got[i].Value(v.Unit); !ok || math.Abs(have-v.Value) > 1e-15*v.Value {
				t.Errorf("record %d: %v %s, want %v", i, have, v.Unit, v.Value)
			}
		}
		for _, c := range want[i].Config {
			if have := got[i].GetConfig(c.Key); c.File && have != string(c.Value) || !c.File && have != "" {
				t.Errorf("record %d: %s is %q, want %q only where it may not differ between runs", i, c.Key, have, c.Value)
			}
		}
	}
	units := reader.Units()
	for _, unit := range []string{UnitRate, UnitPeakShare, UnitBandwidth} {
		if units.GetBetter(unit) != 1 {
			t.Errorf("%s: higher is not known to be better", unit)
		}
	}
	for _, unit := range []string{UnitTime, UnitWorkspace, UnitErrorRatio} {
		if units.GetBetter(unit) != -1 {
			t.Errorf("%s: lower is not known to be better", unit)
		}
	}
	for _, remark := range []string{"# commit: ", "# peak-avx512: unavailable: the machine lacks it\n", "# peak-read: 3e+10 B/s\n"} {
		if !strings.Contains(text.String(), remark) {
			t.Errorf("no remark %q in\n%s", remark, &text)
		}
	}
}

func TestMetrics(t *testing.T) {
	record := testRecords(&testPeaks)[0]
	flops := float64(4 * 64 * 8 * (33*96 + 32*33/2)) // rows of 1..32 keys, then 96 of 33
	for unit, want := range map[string]float64{
		UnitTime: 150e-6, UnitRate: flops / 150e-6, UnitPeakShare: flops / 150e-6 / 1e12,
		UnitWorkspace: 8192, UnitBytes: 16, UnitAllocs: 1, UnitErrorRatio: 0.25,
	} {
		if got, ok := record.Value(unit); !ok || math.Abs(got-want) > 1e-5*want {
			t.Errorf("%s: %v, want %v", unit, got, want)
		}
	}
	if v, ok := testRecords(nil)[0].Value(UnitPeakShare); ok {
		t.Errorf("a share of %v of a peak that nobody measured", v)
	}
}

func TestJSONAndCSV(t *testing.T) {
	records := testRecords(&testPeaks)
	var text bytes.Buffer
	if err := Write(&text, "json", records); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(text.String()), "\n")
	if len(lines) != len(records) {
		t.Fatalf("%d objects, want %d", len(lines), len(records))
	}
	var first jsonRecord
	if err := json.Unmarshal([]byte(lines[0]), &first); err != nil {
		t.Fatal(err)
	}
	if first.Params["kernel"] != "flash" || first.Params["kvlen"] != 128.0 || first.Threads != 1 ||
		first.Metrics["sec/op"] != 150e-6 || first.Config["peak-avx2"] != "1e+12 FLOP/s" {
		t.Errorf("first object is %s", lines[0])
	}

	text.Reset()
	if err := Write(&text, "csv", records); err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(&text).ReadAll()
	if err != nil || len(rows) != len(records)+1 {
		t.Fatalf("%d rows, error %v; want %d", len(rows), err, len(records)+1)
	}
	cell := func(row int, column string) string {
		for i, name := range rows[0] {
			if name == column {
				return rows[row][i]
			}
		}
		t.Fatalf("no column %s in %q", column, rows[0])
		return ""
	}
	for _, x := range []struct {
		row          int
		column, want string
	}{{1, "mask", "causal+window:32"}, {1, "sec/op", "0.00015"}, {2, "iterations", "20"}, {5, "B/s", "3e+10"}, {5, "kernel", ""}, {5, "sec/op", ""}} {
		if got := cell(x.row, x.column); got != x.want {
			t.Errorf("row %d, %s: %q, want %q", x.row, x.column, got, x.want)
		}
	}

	if err := Write(&text, "xml", records); err == nil || !strings.Contains(err.Error(), `"xml"`) {
		t.Errorf("format xml: error %v", err)
	}
}

func TestRoof(t *testing.T) {
	results := testResults()[:1]
	peaks := Peaks{Threads: 1, FLOPs: map[string]float64{"avx2": 1e15, "generic": 1}}
	if err := peaks.CheckRoof(t.Context(), results); err != nil {
		t.Errorf("below the roof: %v", err)
	}
	const isa = "test"
	peakLoops[isa] = genericLoop
	defer delete(peakLoops, isa)
	results[0].ISA, results[0].Samples[0].Elapsed = isa, 1 // a nanosecond for 20 runs
	peaks = Peaks{Threads: 1, FLOPs: map[string]float64{isa: 1}}
	err := peaks.CheckRoof(t.Context(), results)
	if err == nil || !strings.Contains(err.Error(), results[0].Name()) {
		t.Errorf("above the roof: error %v, want one that names the result", err)
	}
	if peaks.roof(isa) < 1e6 {
		t.Errorf("the roof of %v FLOP/s was not measured again", peaks.roof(isa))
	}
	peaks = Peaks{Threads: 1, FLOPs: map[string]float64{kernels.Generic: 1}}
	if err := peaks.CheckRoof(t.Context(), results); err != nil {
		t.Errorf("scalar code is no roof: %v", err)
	}
}

func TestPeaks(t *testing.T) {
	p := MeasurePeaks(t.Context(), 1)
	if p.FLOPs[kernels.Generic] <= 0 || p.Read <= 0 {
		t.Errorf("peaks %+v, want a rate for %s and for reading", p, kernels.Generic)
	}
	for _, isa := range kernels.ISAs() {
		if isa.Name == kernels.Generic {
			continue
		}
		if isa.Available && p.FLOPs[isa.Name] <= p.FLOPs[kernels.Generic] {
			t.Errorf("%s has a peak of %.3g FLOP/s, and scalar code of %.3g", isa.Name, p.FLOPs[isa.Name], p.FLOPs[kernels.Generic])
		}
		if !isa.Available && p.Unavailable[isa.Name] == "" {
			t.Errorf("%s: no reason why its peak is unavailable", isa.Name)
		}
	}
	if n := readWords(make([]float32, 64)); n != 256 {
		t.Errorf("read %d bytes of 256", n)
	}
	if _, ok := p.Share("mmx", 1); ok {
		t.Error("a share of the peak of an ISA that was not measured")
	}
}

func TestFailedResults(t *testing.T) {
	for _, r := range testResults() {
		want := r.Kernel == "wrong"
		if got := r.Failed() != nil; got != want {
			t.Errorf("%s: failed is %v, want %v", r.Kernel, got, want)
		}
		if r.Skipped != nil && !errors.Is(r.Skipped, errors.ErrUnsupported) {
			t.Errorf("%s: %v does not wrap ErrUnsupported", r.Kernel, r.Skipped)
		}
	}
}

func TestResample(t *testing.T) {
	p := MeasurePeaks(t.Context(), 1)
	isa, err := kernels.SelectISA("")
	if err != nil {
		t.Fatal(err)
	}
	for n := 1; n <= 3; n++ {
		p.resample(t.Context(), []limit{{isa: isa}, {}, {bytes: 1 << 16}}, time.Millisecond)
		for of, samples := range p.samples {
			if len(samples) != n {
				t.Fatalf("%+v: %d samples after %d rounds", of, len(samples), n)
			}
		}
	}
	if got, want := p.FLOPs[isa], median(p.samples[limit{isa: isa}]); got != want {
		t.Errorf("peak %v, want the median %v of the samples", got, want)
	}
	if got := len(p.Records(nil)); got != len(p.FLOPs)-1+9 {
		t.Errorf("%d records, want one for each of three samples of three limits, and one for each other limit", got)
	}
}

func TestStreamed(t *testing.T) {
	mask, err := kernels.ParseMask("window:3", 100)
	if err != nil {
		t.Fatal(err)
	}
	for _, x := range []struct {
		problem kernels.Problem
		want    int64
	}{
		{kernels.Problem{Batch: 2, Heads: 4, KVHeads: 2, QLen: 1, KVLen: 100, HeadDim: 16}, 2 * 2 * 100 * 16 * 2 * 4},
		{kernels.Problem{Batch: 1, Heads: 2, KVHeads: 2, QLen: 1, KVLen: 100, HeadDim: 16, KVDType: kernels.Float16}, 2 * 100 * 16 * 2 * 2},
		{kernels.Problem{Batch: 1, Heads: 1, KVHeads: 1, QLen: 2, KVLen: 100, HeadDim: 8, Mask: mask}, 5 * 8 * 2 * 4},
	} {
		c := Case{Problem: x.problem}
		if got := c.streamed(); got != x.want {
			t.Errorf("%+v: %d bytes, want %d", x.problem, got, x.want)
		}
	}
}
