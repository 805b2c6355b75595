package main

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
		if name != captured {
			in, err := harness.LookupInput(name, j.seed)
			if err != nil {
				return err
			}
			j.inputs = append(j.inputs, in)
			continue
		}
		layers, err := j.captures(ctx)
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

// captures returns what the attention of each layer is given on the prompt.
func (j *job) captures(ctx context.Context) ([]harness.Input, error) {
	s, heads, kvHeads, dim := j.sweep, j.subject.heads(), j.subject.kvHeads(), j.subject.headDim()
	if s.Batch != 1 || s.Heads != heads || s.KVHeads != kvHeads || s.HeadDim != dim {
		return nil, fmt.Errorf("input %q: the model has batch 1, %d heads, %d kv-heads of width %d: got batch %d, %d heads, %d kv-heads of width %d",
			captured, heads, kvHeads, dim, s.Batch, s.Heads, s.KVHeads, s.HeadDim)
	}
	base, err := j.basePass(ctx)
	if err != nil {
		return nil, err
	}
	var inputs []harness.Input
	for i, a := range base.result.Attention {
		inputs = append(inputs, harness.Captured{Label: fmt.Sprintf("layer%d", i), Q: a.Q, K: a.K, V: a.V})
	}
	return inputs, nil
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
