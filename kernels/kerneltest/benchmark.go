package kerneltest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/perf/benchfmt"

	"github.com/attnbench/attnbench/harness"
	"github.com/attnbench/attnbench/kernels"
)

// Benchmark times kernels over a sweep's cases, on its first input, with the names
// and metrics of `attnbench run`. Each is verified before it is timed and what
// was timed after. Call it from a benchmark named BenchmarkAttention, which is what
// records are called:
//
//	func BenchmarkAttention(b *testing.B) {
//		kerneltest.Benchmark(b, harness.Sweep{Lengths: []int{512, 2048}, Inputs: harness.Inputs(1)}, kernel{})
//	}
func Benchmark(b *testing.B, sweep harness.Sweep, list ...kernels.Kernel) {
	if len(sweep.Inputs) > 1 {
		sweep.Inputs = sweep.Inputs[:1]
	}
	cases, err := sweep.Cases()
	if err != nil {
		b.Fatal(err)
	}
	out := benchfmt.NewWriter(os.Stdout)
	for _, unit := range harness.Units() {
		if err := out.Write(unit); err != nil {
			b.Fatal(err)
		}
	}
	fmt.Printf("input: %s\n", sweep.Inputs[0].Name())
	for _, c := range cases {
		setup := sync.OnceValues(func() (*harness.Setup, error) { return harness.NewSetup(c, harness.Sampling{}) })
		for _, k := range list {
			if isa, ok := isaOf(b, k, c.Problem); ok {
				name := strings.TrimPrefix(c.Name(k.Name(), isa), harness.Base+"/")
				b.Run(name, func(b *testing.B) { benchmark(b, setup, k) })
			}
		}
	}
}

// isaOf plans only to learn what the name must say. A kernel that does not
// support the problem has no benchmark.
func isaOf(b *testing.B, k kernels.Kernel, p kernels.Problem) (isa string, ok bool) {
	if err := k.Supports(p); err != nil {
		b.Logf("%s skipped: %v", k.Name(), err)
		return "", false
	}
	plan, err := k.Plan(p, kernels.Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer plan.Close()
	return plan.ISA(), true
}

// benchmark verifies, times, and verifies what was timed.
func benchmark(b *testing.B, setup func() (*harness.Setup, error), k kernels.Kernel) {
	s, err := setup()
	if err != nil {
		b.Fatal(err)
	}
	trial, err := s.Plan(k, kernels.Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer trial.Close()
	verify(b, trial.Verify)
	peaks := peaksFor(runtime.GOMAXPROCS(0))
	b.ReportAllocs()
	trial.Mark()
	var onDevice time.Duration // what a device says of its runs
	for b.Loop() {
		if err := trial.Run(); err != nil {
			b.Fatal(err)
		}
		d, _, err := trial.Elapsed()
		if errors.Is(err, errors.ErrUnsupported) {
			b.Skip(err)
		} else if err != nil {
			b.Fatal(err)
		}
		onDevice += d
	}
	elapsed := b.Elapsed()
	if onDevice > 0 {
		elapsed = onDevice
		b.ReportMetric(float64(elapsed)/float64(b.N), "ns/op")
	}
	verdict := verify(b, trial.Check)
	peaks.SampleRead(context.Background(), &s.Case, 10*time.Millisecond)
	r := trial.Result(verdict)
	r.Samples = []harness.Sample{{Iterations: b.N, Elapsed: elapsed}}
	if err := peaks.CheckRoof(context.Background(), []harness.Result{r}); err != nil {
		b.Fatal(err)
	}
	for _, v := range r.Metrics(elapsed.Seconds()/float64(b.N), peaks) {
		if v.Unit != harness.UnitBytes && v.Unit != harness.UnitAllocs { // testing has them
			b.ReportMetric(v.Value, v.Unit)
		}
	}
}

func verify(b *testing.B, f func() (harness.Verdict, error)) harness.Verdict {
	v, err := f()
	if err == nil {
		err = v.Err()
	}
	if err != nil {
		b.Fatal(err)
	}
	return v
}

var measuredPeaks = map[int]*harness.Peaks{}

// peaksFor measures the machine once for each number of threads.
func peaksFor(threads int) *harness.Peaks {
	if measuredPeaks[threads] == nil {
		p := harness.MeasurePeaks(context.Background(), threads)
		for _, k := range kernels.All() {
			p.AddDevice(k)
		}
		measuredPeaks[threads] = &p
	}
	return measuredPeaks[threads]
}
