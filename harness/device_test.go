package harness

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/perf/benchfmt"

	"github.com/attnbench/attnbench/kernels"
)

// deviceFake is a fake whose plans tell their own time.
type deviceFake struct {
	fake
	elapsed time.Duration
	err     error
}

func (f deviceFake) DeviceISAs() ([]string, error) { return []string{"gpu"}, f.err }

func (f deviceFake) DeviceLimits() (kernels.DeviceLimits, error) {
	return kernels.DeviceLimits{Device: "a GPU", FLOPs: map[string]float64{"gpu": 1e15, "gpu-mma": 1e16}, Read: 1e12}, f.err
}

func (f deviceFake) Plan(p kernels.Problem, opts kernels.Options) (kernels.Plan, error) {
	f.isa = "gpu"
	pl, err := f.fake.Plan(p, opts)
	return &deviceFakePlan{pl.(*fakePlan), f.elapsed, f.err}, err
}

type deviceFakePlan struct {
	*fakePlan
	elapsed time.Duration
	err     error
}

func (f *deviceFakePlan) Elapsed() (time.Duration, error) { return f.elapsed, f.err }
func (f *deviceFakePlan) Transfers() (bind, fetch time.Duration) {
	return 3 * time.Millisecond, 2 * time.Millisecond
}

func measureDevice(t *testing.T, k kernels.Kernel) Result {
	t.Helper()
	in, err := LookupInput("normal", 1)
	if err != nil {
		t.Fatal(err)
	}
	c := Case{Problem: kernels.Problem{Batch: 1, Heads: 1, KVHeads: 1, QLen: 8, KVLen: 8, HeadDim: 8}, Input: in}
	results, err := Measurement{Kernels: []kernels.Kernel{k}, Cases: []Case{c}, Count: 2, BenchTime: time.Microsecond}.Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return results[0]
}

// TestDeviceTime wants samples of the device's time and not of the clock's, and
// the transfers beside it.
func TestDeviceTime(t *testing.T) {
	r := measureDevice(t, deviceFake{fake: fake{name: "gpu"}, elapsed: time.Hour})
	if r.Failed() != nil || len(r.Samples) != 2 {
		t.Fatalf("%v, %d samples: %v", r.Skipped, len(r.Samples), r.Failed())
	}
	for _, s := range r.Samples {
		if s.Seconds() != 3600 {
			t.Errorf("%v seconds, want 3600", s.Seconds())
		}
	}
	text := fmt.Sprint(r.Metrics(1, nil))
	for _, want := range []string{UnitUpload, UnitDownload} {
		if !strings.Contains(text, want) {
			t.Errorf("no %s in %s", want, text)
		}
	}
}

// TestDeviceWithoutTime wants a plan that refuses to be timed to be verified,
// skipped with its reason, and without samples.
func TestDeviceWithoutTime(t *testing.T) {
	why := fmt.Errorf("emulated: %w", errors.ErrUnsupported)
	r := measureDevice(t, deviceFake{fake: fake{name: "gpu"}, err: why})
	if !errors.Is(r.Skipped, why) || len(r.Samples) != 0 || r.Verdict.RowsChecked == 0 {
		t.Errorf("skipped %v, %d samples, %d rows checked", r.Skipped, len(r.Samples), r.Verdict.RowsChecked)
	}
}

// TestDeviceRoof wants each machine held to its own roof.
func TestDeviceRoof(t *testing.T) {
	peaks := Peaks{Threads: 1, FLOPs: map[string]float64{"avx2": 1e11, "generic": 1e9}, Unavailable: map[string]string{}}
	peaks.AddDevice(fake{name: "cpu"})
	if peaks.Device != "" {
		t.Fatalf("a CPU kernel has the device %q", peaks.Device)
	}
	peaks.AddDevice(deviceFake{fake: fake{name: "gpu"}})
	for _, x := range []struct {
		isa  string
		roof float64
	}{{"avx2", 1e11}, {"generic", 1e11}, {"gpu", 1e15}, {"gpu-mma", 1e16}} {
		if peaks.above(x.isa, x.roof) || !peaks.above(x.isa, 1.2*x.roof) {
			t.Errorf("%s: the roof is not %v", x.isa, x.roof)
		}
	}
	if peaks.above("vax", 1e20) {
		t.Error("what was not measured has a roof")
	}
	if records := peaks.Records(nil); len(records) != 5 {
		t.Errorf("%d records of limits, want 5", len(records))
	}
	refused := Peaks{FLOPs: map[string]float64{}, Unavailable: map[string]string{}}
	refused.AddDevice(deviceFake{fake: fake{name: "gpu"}, err: errors.ErrUnsupported})
	if refused.Device != "" || refused.Unavailable["device"] == "" {
		t.Errorf("device %q, unavailable %q", refused.Device, refused.Unavailable["device"])
	}
}

// TestReadShareOnDevice wants no share of this machine's memory for what was read
// from another's.
func TestReadShareOnDevice(t *testing.T) {
	decode := Case{Problem: kernels.Problem{Batch: 1, Heads: 1, KVHeads: 1, QLen: 1, KVLen: 100, HeadDim: 8}, Input: Inputs(1)[0]}
	peaks := &Peaks{Threads: 1, FLOPs: map[string]float64{}, ReadOf: map[int64]float64{decode.streamed(): 1e9}}
	for upload, want := range map[time.Duration]bool{0: true, time.Microsecond: false} {
		r := Result{Case: decode, ISA: "a library's", Upload: upload}
		got := slices.ContainsFunc(r.Metrics(1, peaks), func(v benchfmt.Value) bool { return v.Unit == UnitReadShare })
		if got != want {
			t.Errorf("upload of %v: a share of reading: %v, want %v", upload, got, want)
		}
	}
}
