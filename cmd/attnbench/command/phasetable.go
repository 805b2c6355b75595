package command

import (
	"context"
	"fmt"
	"slices"
	"strconv"

	"golang.org/x/perf/benchfmt"

	"github.com/attnbench/attnbench/harness"
	"github.com/attnbench/attnbench/kernels"
	"github.com/attnbench/attnbench/model"
	"github.com/attnbench/attnbench/model/profile"
	"github.com/attnbench/attnbench/reports"
)

// cases has every kernel on every length, and what each length must give.
func (p *phases) cases() ([]profile.Case, map[int]*model.Result) {
	var list []profile.Case
	for _, n := range p.lengths {
		for _, k := range p.kernels {
			list = append(list, profile.Case{Kernel: k, Input: p.subject.first(n), Last: p.last})
		}
	}
	return list, map[int]*model.Result{}
}

// first returns the input of the first n tokens.
func (s *subject) first(n int) model.Input {
	in := model.Input{IDs: s.ids[:n]}
	if s.types != nil {
		in.TokenTypes = s.types[:n]
	}
	return in
}

// partsOf returns the lengths that are these parts of a whole, each once.
func partsOf(whole int, parts ...float64) []int {
	var lengths []int
	for _, part := range parts {
		lengths = append(lengths, max(1, int(part*float64(whole))))
	}
	return slices.Compact(lengths)
}

// hold compares a case's result with that of the baseline.
func (p *phases) hold(ctx context.Context, c *profile.Profile, baseline map[int]*model.Result) error {
	n := len(c.Input.IDs)
	if c.Result.Vocab == 0 {
		fmt.Fprintf(p.w, "note: %s on %d tokens is not held against %s: the model has no head\n", c.Kernel.Name(), n, reports.Baseline)
		return nil
	}
	want := baseline[n]
	if want == nil {
		naive, err := kernels.Get(reports.Baseline)
		if err != nil {
			return err
		}
		if want, err = p.subject.model.Forward(ctx, c.Input, model.Options{Kernels: []kernels.Kernel{naive}, Threads: p.flags.threads, Last: p.last}); err != nil {
			return err
		}
		baseline[n] = want
	}
	limit := logitLimit(want)
	got, err := model.Compare(want, c.Result, 2*limit)
	if err == nil && !(got.MaxLogit <= limit) {
		err = fmt.Errorf("phases %s on %d tokens: logits differ by %.3g from those of %s, want at most %.3g", c.Kernel.Name(), n, got.MaxLogit, reports.Baseline, limit)
	}
	if err != nil && ctx.Err() == nil {
		p.fail("%v", err)
	}
	return err
}

// write prints the tables and then the records.
func (p *phases) write(o *output, format string, profiles []profile.Profile, peaks *harness.Peaks) error {
	var records []*benchfmt.Result
	config := provenance(p.flags.seed, peaks)
	for i := range profiles {
		c := &profiles[i]
		if c.Skipped != nil {
			fmt.Fprintf(p.w, "skipped %s on %d tokens: %v\n", c.Kernel.Name(), len(c.Input.IDs), c.Skipped)
		}
		if len(c.Samples) == 0 {
			continue
		}
		fmt.Fprintln(p.w)
		if err := p.table(c, peaks).Write(p.w); err != nil {
			return err
		}
		records = append(records, p.records(c, peaks, config)...)
	}
	if len(records) == 0 {
		return nil
	}
	fmt.Fprintln(p.w)
	if err := harness.Write(o, format, records); err != nil {
		return err
	}
	return o.commit()
}

// table shows the phases of one case.
func (p *phases) table(c *profile.Profile, peaks *harness.Peaks) *reports.Table {
	n := len(c.Input.IDs)
	t := &reports.Table{
		Title: fmt.Sprintf("Prefill of %d tokens, %s model, kernel %s, %s, %d threads, medians of %d",
			n, p.subject.name, c.Kernel.Name(), isaOf(c.Kernel), p.flags.threads, len(c.Samples)),
		Header: []string{"phase", "time", "share", "FLOP/s", "of peak"},
		Left:   1,
	}
	whole := middle(c, profile.Whole)
	var all int64
	row := func(name string, seconds float64, work int64) {
		rate, share := "", ""
		if work > 0 {
			rate, share = reports.Quantity(float64(work)/seconds, reports.Rate), "unavailable"
			if s, ok := peaks.Share(bestISA(), float64(work)/seconds); ok {
				share = fmt.Sprintf("%.1f%%", 100*s)
			}
		}
		t.Rows = append(t.Rows, []string{name, reports.Quantity(seconds, reports.Time), fmt.Sprintf("%.1f%%", 100*seconds/whole), rate, share})
	}
	work := model.Work(p.subject.model, n, len(c.Result.Logits)/max(1, c.Result.Vocab))
	for _, phase := range model.Phases() {
		row(string(phase), middle(c, profile.Of(phase)), work[phase])
		all += work[phase]
	}
	row("whole pass", whole, all)
	m := c.Memory
	t.Note("memory: %s = keys and values %s + workspace %s + buffers %s", bytesText(m.Total()), bytesText(m.Cache), bytesText(m.Workspace), bytesText(m.Buffers))
	t.Note("shares of the peak are of %s with as many threads, measured just before; head: logits of %s", bestISA(), positions(p.last))
	return t
}

func positions(last int) string {
	if last == 1 {
		return "the last position"
	}
	return "every position"
}

func bytesText(n int64) string { return reports.Quantity(float64(n), reports.Workspace) }

// bestISA is the instruction set of everything but attention, all of it float32.
func bestISA() string {
	isa, err := kernels.SelectISA("")
	if err != nil {
		return kernels.Generic
	}
	return kernels.Float32ISA(isa)
}

// middle returns the median of what seconds tells of each sample.
func middle(c *profile.Profile, seconds func(profile.Sample) float64) float64 {
	return reports.Median(c.Times(seconds)).Value
}

// records returns one record a phase and sample, and one of each whole pass.
func (p *phases) records(c *profile.Profile, peaks *harness.Peaks, config []benchfmt.Config) []*benchfmt.Result {
	n := len(c.Input.IDs)
	rows := len(c.Result.Logits) / max(1, c.Result.Vocab)
	work := model.Work(p.subject.model, n, rows)
	var all int64
	for _, w := range work {
		all += w
	}
	name := fmt.Sprintf("kernel=%s/isa=%s/model=%s/logits=%s/n=%d-%d", c.Kernel.Name(), isaOf(c.Kernel), p.subject.recordName(), strconv.Itoa(rows), n, p.flags.threads)
	var list []*benchfmt.Result
	add := func(phase string, seconds float64, work int64, more ...benchfmt.Value) {
		if seconds <= 0 {
			return // shorter than the clock tells
		}
		values := []benchfmt.Value{harness.TimeValue(seconds)}
		if work > 0 {
			rate := float64(work) / seconds
			values = append(values, benchfmt.Value{Value: harness.Round(rate), Unit: harness.UnitRate})
			if share, ok := peaks.Share(bestISA(), rate); ok {
				values = append(values, benchfmt.Value{Value: harness.Round(share), Unit: harness.UnitPeakShare})
			}
		}
		list = append(list, &benchfmt.Result{Config: config, Name: benchfmt.Name("Model/" + phase + name), Iters: 1, Values: append(values, more...)})
	}
	for _, s := range c.Samples {
		for _, phase := range model.Phases() {
			add(fmt.Sprintf("phase=%s/", phase), s.Phases[phase].Seconds(), work[phase])
		}
		add("", s.Elapsed.Seconds(), all,
			benchfmt.Value{Value: float64(c.Memory.Workspace), Unit: harness.UnitWorkspace},
			benchfmt.Value{Value: float64(c.Memory.Cache), Unit: unitCache},
			benchfmt.Value{Value: float64(c.Memory.Buffers), Unit: "buffers-B"})
	}
	return list
}
