package command

import (
	"context"
	"fmt"
	"io"
	"maps"
	"runtime"
	"slices"

	"github.com/spf13/cobra"

	"github.com/attnbench/attnbench/harness"
	"github.com/attnbench/attnbench/kernels"
	"github.com/attnbench/attnbench/reports"
)

func newPeaks() *cobra.Command {
	var threads int
	var out outputFlags
	cmd := &cobra.Command{
		Use:   "peaks",
		Short: "Measure the machine's limits: multiply-adds and memory reads",
		Long: `peaks measures what other figures are a share of: the rate of multiply-adds from
registers, for each instruction set that the machine has, and the rate at which
memory is read in order. Both are medians of samples, on so many threads.`,
		Example: "  attnbench peaks --threads 1",
		Args:    noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if threads < 1 || threads > maxThreads {
				return usagef("--threads %d: must be in 1..%d", threads, maxThreads)
			}
			o, err := out.open(cmd.OutOrStdout())
			if err != nil {
				return usage(err)
			}
			defer o.discard()
			return writePeaks(cmd.Context(), threads, o, out.format, cmd.ErrOrStderr())
		},
	}
	cmd.Flags().IntVar(&threads, "threads", runtime.GOMAXPROCS(0), "`number` of threads")
	out.register(cmd.Flags(), "standard output")
	return cmd
}

func writePeaks(ctx context.Context, threads int, o *output, format string, stderr io.Writer) error {
	peaks := harness.MeasurePeaks(ctx, threads)
	addDevices(&peaks, kernels.All())
	if ctx.Err() != nil {
		return failed(fmt.Errorf("interrupted: no limit was measured"))
	}
	records := peaks.Records(harness.Provenance(0, &peaks))
	if len(records) == 0 {
		return &exitError{exitNothing, fmt.Errorf("no limit could be measured")}
	}
	if err := peaksTable(&peaks).Write(stderr); err != nil {
		return failed(err)
	}
	if err := harness.Write(o, format, records); err != nil {
		return failed(err)
	}
	return failed(o.commit())
}

// peaksTable shows the limits, and why one is missing.
func peaksTable(p *harness.Peaks) *reports.Table {
	t := &reports.Table{
		Title:  fmt.Sprintf("The machine's limits, %d threads", p.Threads),
		Header: []string{"resource", "limit"},
		Left:   1,
	}
	row := func(name, key string, value float64, unit string) {
		text := reports.Quantity(value, unit)
		if value == 0 {
			text = "unavailable"
			t.Note("%s: unavailable: %s", name, p.Unavailable[key])
		}
		t.Rows = append(t.Rows, []string{name, text})
	}
	for _, isa := range kernels.ISAs() {
		row("multiply-add, "+isa.Name, isa.Name, p.FLOPs[isa.Name], "FLOP/s")
	}
	row("memory read", "read", p.Read, "B/s")
	if p.Device != "" {
		for _, isa := range slices.Sorted(maps.Keys(p.FLOPs)) {
			if p.OnDevice(isa) {
				row("multiply-add, "+isa, isa, p.FLOPs[isa], "FLOP/s")
			}
		}
		row("device memory read", "device", p.DeviceRead, "B/s")
		t.Note("device: %s", p.Device)
	} else if why := p.Unavailable["device"]; why != "" {
		t.Note("device: unavailable: %s", why)
	}
	for _, what := range slices.Sorted(maps.Keys(p.Unavailable)) {
		if what == "all" {
			t.Note("unavailable: %s", p.Unavailable[what])
		}
	}
	return t
}
