package harness

import (
	"testing"
	"time"

	"github.com/attnbench/attnbench/kernels"
)

// unevenFake is a device whose runs take 5, 3 and 9 milliseconds in turn.
type unevenFake struct{ deviceFake }

func (f unevenFake) Plan(p kernels.Problem, opts kernels.Options) (kernels.Plan, error) {
	pl, err := f.deviceFake.Plan(p, opts)
	return &unevenPlan{deviceFakePlan: pl.(*deviceFakePlan)}, err
}

type unevenPlan struct {
	*deviceFakePlan
	runs int
}

func (p *unevenPlan) Elapsed() (time.Duration, error) {
	p.runs++
	return [...]time.Duration{5, 3, 9}[p.runs%3] * time.Millisecond, nil
}

// TestLeast wants a sample to be the least of its runs where that is asked for,
// and their mean where it is not.
func TestLeast(t *testing.T) {
	in, err := LookupInput("normal", 1)
	if err != nil {
		t.Fatal(err)
	}
	c := Case{Problem: kernels.Problem{Batch: 1, Heads: 1, KVHeads: 1, QLen: 8, KVLen: 8, HeadDim: 8}, Input: in}
	for _, least := range []bool{true, false} {
		m := Measurement{Kernels: []kernels.Kernel{unevenFake{deviceFake{fake: fake{name: "gpu"}}}}, Cases: []Case{c},
			Count: 3, BenchTime: 300 * time.Millisecond, Least: least}
		results, err := m.Run(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if len(results[0].Samples) != 3 {
			t.Fatalf("%d samples: %v", len(results[0].Samples), results[0].Failed())
		}
		for _, s := range results[0].Samples {
			if got := s.Seconds(); least && got != 0.003 || !least && (got < 0.005 || got > 0.007) {
				t.Errorf("least %v: %v seconds of runs that take 5, 3 and 9 ms", least, got)
			}
		}
	}
}
