package harness

import (
	"slices"
	"strings"
	"testing"

	"github.com/attnbench/attnbench/kernels"
)

func TestPresetsAreValidAndSorted(t *testing.T) {
	all := Presets()
	if !slices.IsSortedFunc(all, func(a, b Preset) int { return strings.Compare(a.Name, b.Name) }) {
		t.Error("not sorted by name")
	}
	for _, preset := range all {
		if again, err := LookupPreset(preset.Name); err != nil || again.Source == "" || again.About == "" {
			t.Errorf("%s: %v, about %q, source %q", preset.Name, err, again.About, again.Source)
		}
		for _, n := range preset.Lengths {
			for _, spec := range preset.Masks {
				p := preset.Problem
				p.Batch, p.QLen, p.KVLen = 1, n, n
				if preset.Decode {
					p.QLen = 1
				}
				var err error
				if p.Mask, err = kernels.ParseMask(spec, n); err != nil {
					t.Fatal(err)
				}
				if err := p.Validate(); err != nil {
					t.Errorf("%s at %d: %v", preset.Name, n, err)
				}
			}
		}
	}
	if _, err := LookupPreset("gpt5"); err == nil || !strings.Contains(err.Error(), "gpt2-small") {
		t.Errorf("unknown preset: %v", err)
	}
}
