package harness

import (
	"errors"
	"time"
)

// A Sample is one timed stretch of runs without a pause.
type Sample struct {
	Iterations int
	Elapsed    time.Duration // of all iterations
}

// Seconds returns the time of one iteration.
func (s Sample) Seconds() float64 {
	return max(1, float64(s.Elapsed)) / float64(s.Iterations) / 1e9
}

// A Result is what came of one kernel on one case.
type Result struct {
	Kernel  string
	Case    Case
	Skipped error // why the kernel does not do this case; wraps errors.ErrUnsupported
	Err     error // why it could not run

	ISA         string
	Threads     int
	Verdict     Verdict // of the worst verification
	Workspace   int64   // bytes
	BytesPerOp  float64 // allocated by a run
	AllocsPerOp float64
	Samples     []Sample // in order of time; none where Failed

	Upload, Download time.Duration // the last of a device's operands and of its output
}

// Failed returns why the result must not be believed, or nil.
func (r *Result) Failed() error {
	if r.Err != nil {
		return r.Err
	}
	return r.Verdict.Err()
}

// Name returns the benchmark name; see [Case.Name].
func (r *Result) Name() string { return r.Case.Name(r.Kernel, r.ISA) }

// fail keeps the first reason and drops the samples: a case that fails prints
// no timing.
func (r *Result) fail(err error) {
	if errors.Is(err, errors.ErrUnsupported) {
		r.Skipped = err
	} else if r.Err == nil {
		r.Err = err
	}
	r.Samples = nil
}

// verified takes up a verdict, the worst of which stays.
func (r *Result) verified(v Verdict) bool {
	if !v.Pass() {
		r.Verdict, r.Samples = v, nil
		return false
	}
	if v.Ratio >= r.Verdict.Ratio {
		r.Verdict = v
	}
	return true
}
