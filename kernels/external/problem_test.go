package external

import (
	"slices"
	"testing"

	"github.com/attnbench/attnbench/kernels"
)

// The rows of a mask are what each query sees, and rows that see the same share it.
func TestRows(t *testing.T) {
	for spec, intervals := range map[string]int{
		"full": 1, "causal": 40, "window:5+sinks:2": 0, "causal+blocks:16:1:3": 0, "packed:7:30": 0, "keylens:0:33": 1,
	} {
		mask, err := kernels.ParseMask(spec, 50)
		if err != nil {
			t.Fatal(err)
		}
		if mask.Packing != nil {
			mask.Packing.Q = []int{0, 10, 10, 40}
		}
		p := kernels.Problem{Batch: 2, Heads: 1, KVHeads: 1, QLen: 40, KVLen: 50, HeadDim: 1, Mask: mask}
		if err := p.Validate(); err != nil {
			t.Fatal(err)
		}
		r, few := newRows(&p)
		if !few {
			t.Fatalf("%s: refused", spec)
		}
		if intervals > 0 && len(r.intervals) != intervals {
			t.Errorf("%s: %d intervals, want %d", spec, len(r.intervals), intervals)
		}
		for b := range p.Batch {
			for i := range p.QLen {
				row := i
				if !r.shared {
					row += b * p.QLen
				}
				var got []kernels.Interval
				for _, v := range r.intervals[r.first[row]:][:r.count[row]] {
					got = append(got, kernels.Interval{Lo: int(v.lo), Hi: int(v.hi)})
				}
				if want := p.AppendVisible(nil, b, i); !slices.Equal(got, want) {
					t.Errorf("%s: query %d of batch element %d sees %v, want %v", spec, i, b, got, want)
				}
				if r.position[i] != int64(p.Position(i)) {
					t.Errorf("%s: query %d at %d, want %d", spec, i, r.position[i], p.Position(i))
				}
			}
		}
	}
}

// Rows that would take too much memory are refused before they do.
func TestRowsTooMany(t *testing.T) {
	p := kernels.Problem{Batch: 1, Heads: 1, KVHeads: 1, QLen: 1 << 27, KVLen: 1, HeadDim: 1}
	if _, few := newRows(&p); few {
		t.Error("not refused")
	}
}
