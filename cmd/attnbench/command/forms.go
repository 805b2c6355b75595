package command

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/pflag"

	"github.com/attnbench/attnbench/reports/compare"
)

// formFlags state where a comparison goes, and in which forms.
type formFlags struct {
	output, format string
	also           []string
}

func (f *formFlags) register(flags *pflag.FlagSet) {
	flags.StringVarP(&f.output, "output", "o", "", "`file` for the comparison (default standard output)")
	flags.StringVar(&f.format, "format", "text", "`format` of the comparison: "+strings.Join(compare.Formats(), ", "))
	flags.StringSliceVar(&f.also, "also", nil, "another place for the comparison, as `FORMAT=FILE`; may be repeated")
}

// A formOutput is one form of a comparison and its place.
type formOutput struct {
	*output
	format string
}

// formOutputs are all of them.
type formOutputs []formOutput

// open checks early that every form can be written.
func (f *formFlags) open(stdout io.Writer) (outs formOutputs, err error) {
	defer func() {
		if err != nil {
			outs.discard()
		}
	}()
	if err := outs.add(f.format, f.output, stdout); err != nil {
		return outs, err
	}
	for _, also := range f.also {
		format, path, ok := strings.Cut(also, "=")
		if !ok || path == "" {
			return outs, fmt.Errorf("--also %q: want FORMAT=FILE with a format of %s", also, strings.Join(compare.Formats(), ", "))
		}
		if err := outs.add(format, path, stdout); err != nil {
			return outs, err
		}
	}
	return outs, nil
}

func (o *formOutputs) add(format, path string, stdout io.Writer) error {
	if err := compare.CheckFormat(format); err != nil {
		return err
	}
	out, err := openOutput(path, stdout)
	if err != nil {
		return err
	}
	*o = append(*o, formOutput{out, format})
	return nil
}

func (o formOutputs) discard() {
	for _, x := range o {
		x.output.discard()
	}
}

// write writes every form whole, and then fails if the gate does.
func (o formOutputs) write(r *compare.Report) error {
	for _, x := range o {
		if err := r.Write(x.output, x.format); err != nil {
			return failed(err)
		}
	}
	for _, x := range o {
		if err := x.output.commit(); err != nil {
			return failed(err)
		}
	}
	if r.Gate != nil && !r.Gate.Pass() {
		return failed(errors.New(r.Gate.Headline()))
	}
	return nil
}
