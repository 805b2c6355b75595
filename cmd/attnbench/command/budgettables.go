package command

import (
	"fmt"
	"math"
	"strconv"

	"github.com/attnbench/attnbench/model/budget"
	"github.com/attnbench/attnbench/model/profile"
	"github.com/attnbench/attnbench/reports"
)

// tables are what budget prints.
func (b *budgetRun) tables() []*reports.Table {
	list := []*reports.Table{b.costTable(), b.growthTable(), b.predictionTable(), b.flowTable(), b.layerTable()}
	if heads := len(b.attention.Heads); heads <= 64 || b.flags.perHead {
		return append(list, b.headTable())
	}
	list[len(list)-1].Note("%d heads; --per-head lists them", len(b.attention.Heads))
	return list
}

func percent(share float64) string { return fmt.Sprintf("%.1f%%", 100*share) }

// costTable shows what each segment costs.
func (b *budgetRun) costTable() *reports.Table {
	whole := &b.costs.Whole
	time, memory := b.typical(whole.Times(profile.Whole)), whole.Memory.Total()
	t := &reports.Table{
		Title: fmt.Sprintf("What the segments cost: prefill, %s model, kernel %s, %s, %d threads, %s of %d",
			b.subject.name, b.kernel.Name(), isaOf(b.kernel), b.flags.threads, b.typicalName(), len(whole.Samples)),
		Header: []string{"segment", "tokens", "of the tokens", "time without", "costs", "of the time", "memory", "of the memory"},
		Left:   1,
	}
	n := len(b.text.IDs)
	for s, name := range b.text.Segments {
		row := []string{name, strconv.Itoa(b.text.Len(s)), percent(float64(b.text.Len(s)) / float64(n))}
		without := &b.costs.Without[s]
		if len(without.Samples) == 0 {
			t.Rows = append(t.Rows, append(row, "nothing left", reports.Quantity(time, reports.Time), percent(1), bytesText(memory), percent(1)))
			continue
		}
		left := b.typical(without.Times(profile.Whole))
		saves, less := time-left, memory-without.Memory.Total()
		t.Rows = append(t.Rows, append(row, reports.Quantity(left, reports.Time), signed(saves, reports.Time), percent(saves/time), signed(float64(less), reports.Workspace), percent(float64(less)/float64(memory))))
		if !reports.ToldApart(whole.Times(profile.Whole), without.Times(profile.Whole)) {
			t.Note("%s: the time without it is not told apart from that of the whole (Mann-Whitney)", name)
		}
	}
	t.Rows = append(t.Rows, []string{"whole prompt", strconv.Itoa(n), percent(1), "", reports.Quantity(time, reports.Time), percent(1), bytesText(memory), percent(1)})
	m := whole.Memory
	t.Note("memory: keys and values %s + workspace %s + buffers %s", bytesText(m.Cache), bytesText(m.Workspace), bytesText(m.Buffers))
	return t
}

// typicalName says what stands for the time of a case.
func (b *budgetRun) typicalName() string {
	if b.flags.fastest {
		return "fastest"
	}
	return "medians"
}

// signed formats a quantity that may be negative by noise.
func signed(v float64, unit string) string {
	if v < 0 {
		return "−" + reports.Quantity(-v, unit)
	}
	return reports.Quantity(v, unit)
}

// growthTable shows the two laws against what was measured.
func (b *budgetRun) growthTable() *reports.Table {
	g := b.growth
	t := &reports.Table{
		Title:  "How the prefill grows: attention, and everything else",
		Header: []string{"n", "attention", "law", "off", "the rest", "law", "off", "attention's share"},
	}
	off := func(v float64) string { return fmt.Sprintf("%+.1f%%", 100*v) }
	for i, n := range g.Lengths {
		a, r := g.Attention.Medians[i], g.Rest.Medians[i]
		t.Rows = append(t.Rows, []string{strconv.Itoa(n),
			reports.Quantity(a, reports.Time), reports.Quantity(g.Attention.Law.At(float64(n)), reports.Time), off(g.Attention.Off[i]),
			reports.Quantity(r, reports.Time), reports.Quantity(g.Rest.Law.At(float64(n)), reports.Time), off(g.Rest.Off[i]), percent(a / (a + r))})
	}
	t.Note("attention = %s; %s of it quadratic at n=%d", g.Attention.Law.Text(reports.Time, g.Lengths), percent(g.Attention.Quadratic(g.Longest())), g.Longest())
	t.Note("the rest  = %s; %s of it quadratic at n=%d", g.Rest.Law.Text(reports.Time, g.Lengths), percent(g.Rest.Quadratic(g.Longest())), g.Longest())
	t.Note("attention costs more than the rest from n = %s", lengthText(g.Overtakes))
	return t
}

// lengthText formats a length with its interval, to three digits.
func lengthText(e reports.Estimate) string {
	one := func(n float64) string {
		if math.IsInf(n, 1) {
			return "∞"
		}
		digit := math.Pow(10, max(0, math.Floor(math.Log10(max(1, n)))-2))
		return fmt.Sprintf("%.0f", math.Round(n/digit)*digit)
	}
	if math.IsInf(e.Value, 1) && math.IsInf(e.Lo, 1) {
		return "∞: never, by these laws"
	}
	return fmt.Sprintf("%s [%s, %s]", one(e.Value), one(e.Lo), one(e.Hi))
}

// predictionTable extrapolates, and holds what was measured afterwards against
// it.
func (b *budgetRun) predictionTable() *reports.Table {
	g := b.growth
	t := &reports.Table{
		Title:  fmt.Sprintf("Longer prompts, by the laws of up to %d tokens", g.Longest()),
		Header: []string{"n", "predicted", "interval [95%]", "attention's share", "memory"},
	}
	if b.checked != nil {
		t.Header = append(t.Header, "measured afterwards", "off")
	}
	row := func(n int, measured ...string) {
		p := g.Predict(n)
		t.Rows = append(t.Rows, append([]string{strconv.Itoa(n), reports.Quantity(p.Value, reports.Time),
			reports.Quantity(max(0, p.Lo), reports.Time) + " … " + reports.Quantity(p.Hi, reports.Time),
			percent(g.Share(n)), reports.Quantity(g.Memory(n), reports.Workspace)}, measured...))
		if context := b.subject.model.Shape().Context; n > context {
			t.Note("beyond %d tokens, the model's context, the model cannot run: so much a longer one of its size would take", context)
		}
	}
	if b.checked != nil {
		n := len(b.checked.Input.IDs)
		measured := b.typical(b.checked.Times(profile.Whole))
		row(n, reports.Quantity(measured, reports.Time), fmt.Sprintf("%+.1f%%", 100*(g.Predict(n).Value/measured-1)))
	}
	for _, n := range b.predicted {
		row(n, make([]string, len(t.Header)-5)...)
	}
	return t
}

// flowTable shows from which segment the attention flows to which.
func (b *budgetRun) flowTable() *reports.Table {
	t := &reports.Table{
		Title:  "Where the attention of each segment goes, mean over all heads",
		Header: append([]string{"from"}, b.text.Segments...),
		Left:   1,
	}
	for from, shares := range b.attention.Flow {
		row := []string{b.text.Segments[from]}
		for _, v := range shares {
			row = append(row, percent(v))
		}
		t.Rows = append(t.Rows, row)
	}
	all, last := []string{"all tokens"}, []string{"the last token"}
	if n := float64(len(b.attention.Heads)); n > 0 {
		for s := range b.text.Segments {
			sum, end := 0.0, 0.0
			for _, h := range b.attention.Heads {
				sum, end = sum+h.Mass[s], end+h.Last[s]
			}
			all, last = append(all, percent(sum/n)), append(last, percent(end/n))
		}
	}
	uniform := []string{"all, if no key were preferred"}
	for _, v := range b.attention.Uniform {
		uniform = append(uniform, percent(v))
	}
	t.Rows = append(t.Rows, all, last, uniform)
	return t
}

// layerTable has the means of each layer's heads.
func (b *budgetRun) layerTable() *reports.Table {
	t := b.massTable("Attention by layer, mean over its heads", "layer")
	heads := b.subject.heads()
	for layer := range b.subject.model.Shape().Layers {
		mean, sinks := budget.Head{Mass: make([]float64, len(b.text.Segments))}, 0
		for _, h := range b.attention.Heads[layer*heads : (layer+1)*heads] {
			for s, v := range h.Mass {
				mean.Mass[s] += v / float64(heads)
			}
			mean.Entropy += h.Entropy / float64(heads)
			mean.First += h.First / float64(heads)
			if h.IsSink {
				sinks++
			}
		}
		t.Rows = append(t.Rows, append(b.massRow(strconv.Itoa(layer), mean), fmt.Sprintf("%d of %d heads", sinks, heads)))
	}
	return t
}

// headTable has every head.
func (b *budgetRun) headTable() *reports.Table {
	t := b.massTable("Attention by head", "layer.head")
	for _, h := range b.attention.Heads {
		sink := ""
		if h.IsSink {
			sink = fmt.Sprintf("%d %s %s", h.Sink, b.subject.text(b.text.IDs[h.Sink]), percent(h.Pull))
		}
		t.Rows = append(t.Rows, append(b.massRow(fmt.Sprintf("%d.%d", h.Layer, h.Head), h), sink))
	}
	return t
}

func (b *budgetRun) massTable(title, what string) *reports.Table {
	header := []string{what}
	for _, name := range b.text.Segments {
		header = append(header, "to "+name)
	}
	t := &reports.Table{Title: title, Header: append(header, "entropy", "first token", "sink"), Left: 1}
	t.Note("entropy: of a token's weights in bits; %.2f if no key were preferred", b.attention.Bits)
	t.Note("sink: a token that gets more than %s of the attention of those that see it", percent(budget.SinkShare))
	return t
}

func (b *budgetRun) massRow(name string, h budget.Head) []string {
	row := []string{name}
	for _, v := range h.Mass {
		row = append(row, percent(v))
	}
	return append(row, fmt.Sprintf("%.2f", h.Entropy), percent(h.First))
}
