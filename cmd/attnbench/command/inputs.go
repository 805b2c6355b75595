package command

import (
	"context"
	"fmt"
	"strings"

	"github.com/attnbench/attnbench/harness"
)

// setInputs makes the inputs of the names. Captured ones must fit the sweep's
// shape: where they were asked for it is an error when they don't, and where
// they are only there by default they are left out with a remark.
func (j *job) setInputs(ctx context.Context, names []string, asked bool) error {
	for _, name := range unique(names) {
		capture, ok := parseCapture(name)
		if !ok {
			in, err := harness.LookupInput(name, j.seed)
			if err != nil {
				return err
			}
			j.inputs = append(j.inputs, in)
			continue
		}
		layers, err := j.captures(ctx, capture)
		if err != nil && asked {
			return err
		}
		if err != nil {
			j.remarks = append(j.remarks, err.Error())
		}
		j.inputs = append(j.inputs, layers...)
	}
	return j.checkTimed()
}

// checkTimed makes sure that the first input, which is the one that is timed,
// fills every length.
func (j *job) checkTimed() error {
	if len(j.inputs) == 0 {
		return fmt.Errorf("input %q: unavailable for this shape, want some of %s", captured, strings.Join(harness.InputNames(), ", "))
	}
	if longest := j.sweep.Lengths[len(j.sweep.Lengths)-1]; !j.fits(j.inputs[0], longest) {
		return fmt.Errorf("n %d on input %q: the prompt has %d tokens", longest, captured, len(j.subject.ids))
	}
	return nil
}

// fits reports whether an input can fill a problem of n keys.
func (j *job) fits(in harness.Input, n int) bool {
	c, ok := in.(harness.Captured)
	return !ok || n <= c.K.Len && j.sweep.QLen <= n
}
