package budget

import (
	"context"

	"github.com/attnbench/attnbench/kernels"
	"github.com/attnbench/attnbench/model"
	"github.com/attnbench/attnbench/model/profile"
)

// A Costs is what was measured of a text.
type Costs struct {
	Whole   profile.Profile
	Without []profile.Profile // what is left without each segment; no samples where nothing is
	Lengths []profile.Profile // beginnings of the text, ascending
}

// Measure times the prefill of the whole text, of its beginnings of the given lengths,
// and of the text without each segment, all in the same rounds.
func Measure(ctx context.Context, m model.Model, t *Text, lengths []int, k kernels.Kernel, opts profile.Options) (*Costs, error) {
	cases := []profile.Case{}
	add := func(ids []int) { cases = append(cases, profile.Case{Kernel: k, Input: model.Input{IDs: ids}, Last: 1}) }
	add(t.IDs)
	for _, n := range lengths {
		add(t.IDs[:n])
	}
	at := make([]int, len(t.Segments)) // of each segment's case, 0 for none
	for s := range t.Segments {
		if ids := t.Without(s); len(ids) > 0 {
			at[s] = len(cases)
			add(ids)
		}
	}
	profiles, err := profile.Measure(ctx, m, cases, opts)
	if err != nil {
		return nil, err
	}
	c := &Costs{Whole: profiles[0], Lengths: profiles[1 : 1+len(lengths)], Without: make([]profile.Profile, len(t.Segments))}
	for s, i := range at {
		if i > 0 {
			c.Without[s] = profiles[i]
		}
	}
	return c, nil
}

// Cases returns how many passes a round of [Measure] has.
func Cases(t *Text, lengths []int) int {
	n := 1 + len(lengths)
	for s := range t.Segments {
		if t.Len(s) < len(t.IDs) {
			n++
		}
	}
	return n
}
