package harness

import (
	"reflect"
	"slices"
	"strings"
	"testing"
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
		sweep := preset.Sweep()
		sweep.Inputs = Inputs(1)[:1]
		cases, err := sweep.Cases()
		if err != nil || len(cases) != len(preset.Masks)*len(preset.Lengths) {
			t.Errorf("%s: %d cases, %v", preset.Name, len(cases), err)
		}
		for _, c := range cases {
			p := c.Problem
			shape := preset.Problem
			shape.Batch, shape.QLen, shape.KVLen, shape.Mask = p.Batch, p.QLen, p.KVLen, p.Mask
			if preset.Decode {
				shape.QLen = 1
			}
			if !reflect.DeepEqual(p, shape) {
				t.Errorf("%s at %d: %+v, want %+v", preset.Name, p.KVLen, p, shape)
			}
		}
	}
	if _, err := LookupPreset("gpt5"); err == nil || !strings.Contains(err.Error(), "gpt2-small") {
		t.Errorf("unknown preset: %v", err)
	}
}
