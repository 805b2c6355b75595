package command

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strconv"
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
	against model.Comparison // with the baseline
}

// swap runs the transformer over its prompt with the baseline and with each
// kernel, and checks that logits and next tokens agree.
func (j *job) swap(ctx context.Context, c *checks) ([]swapped, error) {
	bar := newProgress(c.w, fmt.Sprintf("swapping %s into the model", reports.Count(len(j.kernels), "kernel")), len(j.kernels))
	defer bar.done()
	base, err := j.basePass(ctx)
	if err != nil {
		return nil, err
	}
	var all []swapped
	for i, k := range j.kernels {
		got := base
		if k.Name() != reports.Baseline || isaOf(k) != isaOf(j.baseline) {
			if got, err = j.forward(ctx, k, false); err != nil {
				return nil, err
			}
		}
		if got.skipped == nil {
			limit := logitLimit(base.result)
			if got.against, err = model.Compare(base.result, got.result, 2*limit); err != nil {
				return nil, err
			}
			c.swapped(k.Name(), got.against, limit)
		}
		all = append(all, got)
		bar.at(i + 1)
	}
	return all, nil
}

// swapped fails a swap whose logits or next tokens are not the baseline's. A
// model without a head is judged by the residual stream that it ends with.
func (c *checks) swapped(name string, x model.Comparison, limit float64) {
	if end := x.Layers[len(x.Layers)-1]; !(end <= 1e-4) {
		c.fail("swap %s: the residual stream ends %.3g off that of %s, want at most 1e-4", name, end, reports.Baseline)
	}
	if !(x.MaxLogit <= limit) {
		c.fail("swap %s: logits differ from %s by %.3g, want at most %.3g", name, reports.Baseline, x.MaxLogit, limit)
	}
	if n := x.Same + x.Tied; n != x.Positions {
		c.fail("swap %s: %d of %d next tokens agree with %s", name, n, x.Positions, reports.Baseline)
	}
}

// swapTable shows what each swap did to the end of the model.
func (j *job) swapTable(all []swapped) *reports.Table {
	t := &reports.Table{
		Title:  fmt.Sprintf("Swap: %s model, %d tokens, each kernel against %s", j.subject.name, len(j.subject.ids), reports.Baseline),
		Header: []string{"kernel", "isa", "next token", "forward pass", "logits differ by", "mean KL", "next tokens agree", "error after each layer"},
		Left:   3,
	}
	for _, s := range all {
		row := []string{s.kernel.Name(), isaOf(s.kernel)}
		if s.skipped != nil {
			t.Note("%s: skipped: %v", s.kernel.Name(), s.skipped)
			t.Rows = append(t.Rows, append(row, "", "unavailable", "unavailable", "unavailable", "unavailable", "unavailable"))
			continue
		}
		x := s.against
		if j.subject.model.Shape().Headless {
			t.Rows = append(t.Rows, append(row, "no head", s.time(), "unavailable", "unavailable", "unavailable", growth(x.Layers)))
			continue
		}
		t.Rows = append(t.Rows, append(row, j.subject.text(s.result.Next(x.Positions-1)), s.time(),
			fmt.Sprintf("%.2g", x.MaxLogit), fmt.Sprintf("%.1g nat", x.MeanKL), fmt.Sprintf("%d of %d", x.Same+x.Tied, x.Positions), growth(x.Layers)))
		if x.Tied > 0 {
			t.Note("%s: %d next tokens count as agreeing for %s hardly tells them apart", s.kernel.Name(), x.Tied, reports.Baseline)
		}
	}
	return t
}

// growth says how the relative error of the residual stream rises: after the
// first layer and after the last.
func growth(layers []float64) string {
	if len(layers) == 0 {
		return ""
	}
	return fmt.Sprintf("%.1g … %.1g", layers[0], layers[len(layers)-1])
}

// growthTable shows the error of the residual stream after each layer.
func (j *job) growthTable(all []swapped) *reports.Table {
	t := &reports.Table{
		Title:  "Error of the residual stream after each layer, ‖got − want‖ / ‖want‖",
		Header: append([]string{"layer"}, j.columns()...),
	}
	for i := range j.subject.model.Shape().Layers {
		row := []string{strconv.Itoa(i)}
		for _, s := range all {
			if cell := "unavailable"; s.skipped != nil {
				row = append(row, cell)
			} else {
				row = append(row, fmt.Sprintf("%.2g", s.against.Layers[i]))
			}
		}
		t.Rows = append(t.Rows, row)
	}
	return t
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
	result, err := j.subject.model.Forward(ctx, j.subject.input(),
		model.Options{Kernels: []kernels.Kernel{k}, Threads: j.options.Threads, Capture: capture, Trace: true})
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

// logitLimit is how far apart the logits of two exact kernels may lie: 1e-4, or
// about 50 ulp of the largest logit where that is more.
func logitLimit(r *model.Result) float64 {
	largest := 0.0
	for _, v := range r.Logits {
		largest = max(largest, math.Abs(float64(v)))
	}
	return max(1e-4, 3e-6*largest)
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

// time returns how long the pass took, where the device's time means anything.
func (s swapped) time() string {
	if untimed(s.kernel) != nil {
		return "unavailable"
	}
	return quantity(s.elapsed)
}
