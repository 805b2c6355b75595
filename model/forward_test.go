package model

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/attnbench/attnbench/kernels"
)

// broken is a kernel that supports nothing.
type broken struct{}

func (broken) Name() string { return "broken" }
func (broken) Supports(kernels.Problem) error {
	return fmt.Errorf("broken: %w", errors.ErrUnsupported)
}
func (broken) Plan(kernels.Problem, kernels.Options) (kernels.Plan, error) {
	panic("Plan after Supports refused")
}

func TestForwardErrors(t *testing.T) {
	m, _ := loadGolden(t, "tiny-untied")
	naive := []kernels.Kernel{kernel(t, "naive")}
	for _, c := range []struct {
		ids  []int
		opts Options
		want string
	}{
		{nil, Options{Kernels: naive}, "no tokens"},
		{make([]int, 25), Options{Kernels: naive}, "25 tokens: the model's context is 24"},
		{[]int{0, 37}, Options{Kernels: naive}, "token 37 at 1: must be in 0..36"},
		{[]int{-1}, Options{Kernels: naive}, "token -1 at 0"},
		{[]int{1}, Options{}, "0 kernels: must be 1, or 1 for each of 2 layers"},
		{[]int{1}, Options{Kernels: slices.Repeat(naive, 3)}, "3 kernels: must be 1, or 1 for each of 2 layers"},
		{[]int{1}, Options{Kernels: naive, ISA: "vax"}, `isa "vax"`},
		{[]int{1}, Options{Kernels: naive, Threads: -1}, "threads -1"},
		{[]int{1}, Options{Kernels: []kernels.Kernel{broken{}}}, "layer 0: broken"},
	} {
		_, err := m.Forward(t.Context(), Input{IDs: c.ids}, c.opts)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("error %v: want %q in it", err, c.want)
		}
	}
	_, err := m.Forward(t.Context(), Input{IDs: []int{1}}, Options{Kernels: []kernels.Kernel{broken{}}})
	if !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("error %v: want it to wrap ErrUnsupported", err)
	}
}

func TestForwardStops(t *testing.T) {
	m, g := loadGolden(t, "tiny-untied")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := m.Forward(ctx, Input{IDs: g.IDs}, Options{Kernels: []kernels.Kernel{kernel(t, "naive")}}); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v: want %v", err, context.Canceled)
	}
}

// TestForwardIsCausal: what comes later changes nothing before it, bit for bit,
// nor does the length of the pass beyond rounding.
func TestForwardIsCausal(t *testing.T) {
	m, g := loadGolden(t, "tiny-untied")
	k := kernel(t, "flash")
	full := g.run(t, m, k)
	changed := g
	changed.IDs = slices.Clone(g.IDs)
	changed.IDs[15] = (changed.IDs[15] + 1) % m.config.Vocab
	other := changed.run(t, m, k)
	if !equalBits(full.Logits[:15*full.Vocab], other.Logits[:15*full.Vocab]) {
		t.Error("a later token changed earlier logits")
	}
	if equalBits(full.Row(15), other.Row(15)) {
		t.Error("a token did not change its own logits")
	}
}

// TestThreadsChangeNothing: bitwise the same on any number of threads.
func TestThreadsChangeNothing(t *testing.T) {
	m, g := loadGolden(t, "opticks-1m")
	ids := g.IDs[:333]
	var want *Result
	for _, threads := range []int{1, 2, 3, 8, 0} {
		got, err := m.Forward(t.Context(), Input{IDs: ids}, Options{Kernels: []kernels.Kernel{kernel(t, "flash")}, Threads: threads})
		if err != nil {
			t.Fatal(err)
		}
		if want == nil {
			want = got
		}
		if !equalBits(want.Logits, got.Logits) {
			t.Errorf("%d threads: other logits", threads)
		}
	}
}

// TestCapture replays every captured call on another kernel: from the last
// layer's Q, K and V the logits must follow.
func TestCapture(t *testing.T) {
	m, g := loadGolden(t, "tiny-bf16")
	k := kernel(t, "naive")
	opts := Options{Kernels: []kernels.Kernel{k}, Capture: true}
	r, err := m.Forward(t.Context(), Input{IDs: g.IDs}, opts)
	if err != nil {
		t.Fatal(err)
	}
	if !equalBits(r.Logits, g.run(t, m, k).Logits) {
		t.Error("capturing changed the logits")
	}
	if len(r.Attention) != m.config.Layers {
		t.Fatalf("%d calls: want %d", len(r.Attention), m.config.Layers)
	}
	for i, call := range r.Attention {
		o := kernels.NewTensors(call.Problem)
		ts := kernels.Tensors{Q: call.Q, K: call.K, V: call.V, O: o.O, LSE: o.LSE}
		if err := ts.Check(call.Problem); err != nil {
			t.Errorf("layer %d: %v", i, err)
		}
		if want := m.config.scale(i); call.Problem.EffectiveScale() != want {
			t.Errorf("layer %d: scale %v, want %v", i, call.Problem.EffectiveScale(), want)
		}
		if i > 0 && equalBits(call.K.Row(0, 0, 3), r.Attention[i-1].K.Row(0, 0, 3)) {
			t.Errorf("layer %d: the same keys as the layer before", i)
		}
	}
	checkFirstQuery(t, m, g.IDs, r.Attention[0])
}

// checkFirstQuery computes layer 0's last query vector by the textbook.
func checkFirstQuery(t *testing.T, m *gpt2, ids []int, call Attention) {
	t.Helper()
	w, last := m.config.Width, len(ids)-1
	x := make([]float32, w)
	m.tokens.put(x, ids[last])
	m.positions.add(x, make([]float32, w), last)
	l := &m.layers[0]
	weight := dense(&l.qkv)
	l.norm1.apply(x, x, m.config.Epsilon)
	for h := range m.config.Heads {
		for d, got := range call.Q.Row(0, h, last) {
			col := h*m.config.HeadDim() + d
			want := float64(l.qkv.bias[col])
			for i, v := range x {
				want += float64(v) * float64(weight[i*3*w+col])
			}
			if math.Abs(float64(got)-want) > 1e-5 {
				t.Fatalf("head %d, dim %d: %v, want %v", h, d, got, want)
			}
		}
	}
}

func TestNext(t *testing.T) {
	r := &Result{Logits: []float32{1, 3, 3, -1, -2, -3}, Len: 2, Vocab: 3}
	if r.Next(0) != 1 || r.Next(1) != 0 {
		t.Errorf("Next = %d, %d: want 1, 0", r.Next(0), r.Next(1))
	}
}
