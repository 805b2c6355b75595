package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/attnbench/attnbench/kernels"
	"github.com/attnbench/attnbench/model"
	"github.com/attnbench/attnbench/reports"
)

// A swapped is what the transformer computed with one kernel.
type swapped struct {
	kernel  kernels.Kernel
	result  *model.Result
	elapsed time.Duration
	skipped error
}

// swap runs the transformer over its prompt with the baseline and with each
// kernel, and checks that logits and next tokens agree.
func (j *job) swap(ctx context.Context, c *checks) (*reports.Table, error) {
	t := &reports.Table{
		Title:  fmt.Sprintf("Swap: %s model, %d tokens, each kernel against %s", j.subject.name, len(j.subject.ids), reports.Baseline),
		Header: []string{"kernel", "isa", "next token", "forward pass", "logits differ by", "next tokens agree"},
		Left:   3,
	}
	bar := newProgress(c.w, fmt.Sprintf("swapping %d kernels into the model", len(j.kernels)), len(j.kernels))
	defer bar.done()
	base, err := j.basePass(ctx)
	if err != nil {
		return nil, err
	}
	for i, k := range j.kernels {
		got := base
		if k.Name() != reports.Baseline || isaOf(k) != isaOf(j.baseline) {
			if got, err = j.forward(ctx, k, false); err != nil {
				return nil, err
			}
		}
		t.Rows = append(t.Rows, j.compareLogits(t, c, base, got))
		bar.at(i + 1)
	}
	return t, nil
}

// basePass is the baseline's forward pass. It also captures what attention is
// given, and is done once.
func (j *job) basePass(ctx context.Context) (swapped, error) {
	if j.base != nil {
		return *j.base, nil
	}
	base, err := j.forward(ctx, j.baseline, true)
	if err == nil {
		err = base.skipped
	}
	if err == nil {
		j.base = &base
	}
	return base, err
}

func (j *job) forward(ctx context.Context, k kernels.Kernel, capture bool) (swapped, error) {
	start := time.Now()
	result, err := j.subject.model.Forward(ctx, j.subject.ids,
		model.Options{Kernels: []kernels.Kernel{k}, Threads: j.options.Threads, Capture: capture})
	s := swapped{kernel: k, result: result, elapsed: time.Since(start)}
	switch {
	case ctx.Err() != nil:
		return s, errInterrupted
	case errors.Is(err, errors.ErrUnsupported):
		s.skipped = err
		return s, nil
	}
	return s, err
}

// compareLogits checks one swap and returns its row.
func (j *job) compareLogits(t *reports.Table, c *checks, base, got swapped) []string {
	name := got.kernel.Name()
	if got.skipped != nil {
		t.Note("%s: skipped: %v", name, got.skipped)
		return []string{name, isaOf(got.kernel), "", "unavailable", "unavailable", "unavailable"}
	}
	limit := logitLimit(base.result)
	apart, agree, n := difference(base.result, got.result), agreeing(base.result, got.result, limit), got.result.Len
	if !(apart <= limit) {
		c.fail("swap %s: logits differ from %s by %.3g, want at most %.3g", name, reports.Baseline, apart, limit)
	}
	if agree != n {
		c.fail("swap %s: %d of %d next tokens agree with %s", name, agree, n, reports.Baseline)
	}
	elapsed := got.elapsed.Round(time.Millisecond).String()
	if err := untimed(got.kernel); err != nil {
		t.Note("%s: its time is unavailable: %v", name, err)
		elapsed = "unavailable"
	}
	return []string{name, isaOf(got.kernel), j.subject.text(got.result.Next(n - 1)), elapsed,
		fmt.Sprintf("%.2g", apart), fmt.Sprintf("%d of %d", agree, n)}
}

// logitLimit is how far apart the logits of two exact kernels may lie: 1e-4, or
// about 50 ulp of the largest logit where that is more.
func logitLimit(r *model.Result) float64 {
	largest := 0.0
	for _, v := range r.Logits {
		largest = max(largest, math.Abs(float64(v)))
	}
	return max(1e-4, 3e-6*largest)
}

// difference returns the largest distance of two logits, NaN if either has one.
func difference(a, b *model.Result) float64 {
	apart := 0.0
	for i := range a.Logits {
		apart = max(apart, math.Abs(float64(a.Logits[i])-float64(b.Logits[i])))
	}
	return apart
}

// agreeing counts the positions at which got chooses the next token of base,
// or one that base itself does not tell from its own within the limit.
func agreeing(base, got *model.Result, limit float64) (n int) {
	for i := range base.Len {
		row := base.Row(i)
		if float64(row[base.Next(i)])-float64(row[got.Next(i)]) <= 2*limit {
			n++
		}
	}
	return n
}

// text quotes a token.
func (s *subject) text(id int) string {
	if s.tokenizer != nil {
		if text, err := s.tokenizer.Decode([]int{id}); err == nil {
			return fmt.Sprintf("%q", text)
		}
	}
	return fmt.Sprintf("token %d", id)
}
