package command

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/attnbench/attnbench/reports/chart"
	"github.com/attnbench/attnbench/reports/page"
	"github.com/attnbench/attnbench/reports/runs"
)

// reportFlags state what becomes of the records.
type reportFlags struct {
	path        string
	charts      string
	chartFormat string
	seed        uint64
}

func newReport() *cobra.Command {
	var f reportFlags
	cmd := &cobra.Command{
		Use:   "report FILE…",
		Short: "Make one HTML page of records, with charts",
		Long: `report makes one page that needs nothing else, not even a network: time and
memory over the sequence length with the laws that fit them, the roofline, the
error, speed-ups, attention's share of a model's forward pass, and every
sample. Files of one machine, commit and input are pooled; others stand beside
one another. "-" reads standard input.`,
		Example: "  attnbench run -o run.txt && attnbench report run.txt -o report.html\n" +
			"  attnbench report run.txt --charts figures --chart-format png",
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return usagef("report: no file: want files of records, as attnbench run -o writes them")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error { return f.run(cmd, args) },
	}
	flags := cmd.Flags()
	flags.StringVarP(&f.path, "output", "o", "", "`file` for the page (default standard output, unless there are --charts)")
	flags.StringVar(&f.charts, "charts", "", "`folder` to write the charts to, a file each")
	flags.StringVar(&f.chartFormat, "chart-format", "svg", "`format` of the charts: svg or png")
	flags.Uint64Var(&f.seed, "seed", 1, "`seed` of resampling")
	return cmd
}

func (f *reportFlags) run(cmd *cobra.Command, args []string) error {
	if !slices.Contains(chart.Formats, f.chartFormat) {
		return usagef("chart format %q: want one of %s", f.chartFormat, strings.Join(chart.Formats, ", "))
	}
	files, err := readFiles(args, cmd.InOrStdin())
	if err != nil {
		return usage(err)
	}
	report, err := page.New(files, f.seed)
	if err != nil {
		return unreadable(err)
	}
	if f.charts != "" {
		if err := writeCharts(f.charts, f.chartFormat, report.Charts()); err != nil {
			return err
		}
		if f.path == "" {
			return nil
		}
	}
	return writeWhole(f.path, cmd.OutOrStdout(), report.WriteHTML)
}

// unreadable gives the error of records its exit code: none at all are not the
// same as some that can't be read.
func unreadable(err error) error {
	if errors.Is(err, runs.ErrNothing) {
		return &exitError{exitNothing, err}
	}
	return usage(err)
}

// readFiles reads files whole; "-" is standard input.
func readFiles(names []string, stdin io.Reader) ([]runs.File, error) {
	var files []runs.File
	for _, name := range names {
		text, err := readFile(name, stdin)
		if err != nil {
			return nil, fmt.Errorf("records %q: %w", name, err)
		}
		files = append(files, runs.File{Name: name, Text: text})
	}
	return files, nil
}

// maxRecords bounds a file of records in bytes: a million samples and more.
const maxRecords = 256 << 20

func readFile(name string, stdin io.Reader) (string, error) {
	if name == "-" {
		return readAll(stdin, maxRecords)
	}
	return readText(name, maxRecords)
}

// readText reads a file whole. Its error does not name the file.
func readText(path string, most int64) (string, error) {
	file, err := os.Open(path)
	if err != nil {
		return "", cause(err)
	}
	defer file.Close()
	return readAll(file, most)
}

// readAll refuses what is longer than most bytes, for a device may never end.
func readAll(r io.Reader, most int64) (string, error) {
	var text strings.Builder
	if _, err := io.Copy(&text, io.LimitReader(r, most+1)); err != nil {
		return "", cause(err)
	}
	if int64(text.Len()) > most {
		return "", fmt.Errorf("more than %d bytes", most)
	}
	return text.String(), nil
}

// writeWhole writes a file in one step, or standard output.
func writeWhole(path string, stdout io.Writer, write func(io.Writer) error) error {
	o, err := openOutput(path, stdout)
	if err != nil {
		return usage(err)
	}
	defer o.discard()
	if err := write(o); err != nil {
		return failed(err)
	}
	return failed(o.commit())
}

// writeCharts writes each chart as a file of its ID. Errors carry their exit code.
func writeCharts(dir, format string, charts []*chart.Chart) error {
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return usagef("--charts %q: %w", dir, cause(err))
	}
	for _, c := range charts {
		path := filepath.Join(dir, c.ID+"."+format)
		if err := writeWhole(path, nil, func(w io.Writer) error { return c.Write(w, format) }); err != nil {
			return err
		}
	}
	return nil
}
