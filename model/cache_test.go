package model

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/attnbench/attnbench/kernels"
)

// TestStepsAreTheWhole cuts a sequence in pieces: each kernel must give what it
// gives for the whole, but for rounding.
func TestStepsAreTheWhole(t *testing.T) {
	for _, c := range []struct {
		name    string
		changes map[string]any
	}{
		{"tiny-untied", nil}, {"tiny-bf16", nil}, {"tiny-llama", nil}, {"tiny-llama-bf16", nil},
		{"tiny-llama", map[string]any{"model_type": "mistral", "sliding_window": 5}},
	} {
		m := mustLoad(t, folder(t, c.name, c.changes)).(Generator)
		ids := make([]int, m.Shape().Context)
		for i := range ids {
			ids[i] = i * 7 % m.Shape().Vocab
		}
		for _, k := range kernels.All() {
			whole, err := m.Forward(t.Context(), Input{IDs: ids}, Options{Kernels: []kernels.Kernel{k}})
			if err != nil {
				t.Fatal(err)
			}
			for _, pieces := range [][]int{{1, 1, 1, 1}, {7, 1, 1, 4}, {3, 9}} {
				t.Run(fmt.Sprintf("model=%s%v/kernel=%s/%v", c.name, c.changes, k.Name(), pieces), func(t *testing.T) {
					cache, err := NewCache(m.Shape(), len(ids), kernels.Float32)
					if err != nil {
						t.Fatal(err)
					}
					stepThrough(t, m, ids, pieces, cache, k, whole)
				})
			}
		}
	}
}

// stepThrough steps through ids in pieces and then to their end.
func stepThrough(t *testing.T, m Generator, ids, pieces []int, cache *Cache, k kernels.Kernel, whole *Result) {
	t.Helper()
	for i := 0; cache.Len() < len(ids); i++ {
		from, n := cache.Len(), len(ids)-cache.Len()
		if i < len(pieces) {
			n = pieces[i]
		}
		r, err := m.Step(t.Context(), ids[from:from+n], cache, Options{Kernels: []kernels.Kernel{k}})
		if err != nil {
			t.Fatal(err)
		}
		want := whole.Logits[from*whole.Vocab : (from+n)*whole.Vocab]
		if d := furthest(want, r.Logits); d > 1e-5 || cache.Len() != from+n {
			t.Errorf("tokens %d to %d: off by %.2g, %d in the cache", from, from+n, d, cache.Len())
		}
	}
}

// TestCacheOfTypes steps through a sequence on keys and values that are rounded:
// every kernel must give what naive does, but for keys whose rounding falls to
// the other side; and that must be near what float32 gives, and not the same.
func TestCacheOfTypes(t *testing.T) {
	for _, c := range []struct {
		dtype  kernels.DType
		off    float64 // of the logits, at most
		scales int64   // bytes of those of a head's 150 keys
	}{
		{kernels.Float16, 0.02, 0}, {kernels.BFloat16, 0.2, 0}, {kernels.Int8, 0.2, 3 * 4},
	} {
		m := mustLoad(t, folder(t, "opticks-1m", nil)).(Generator)
		shape := m.Shape()
		ids := someIDs(150, shape.Vocab)
		exact, err := m.Forward(t.Context(), Input{IDs: ids}, Options{Kernels: []kernels.Kernel{kernel(t, "naive")}})
		if err != nil {
			t.Fatal(err)
		}
		var want []float32
		for _, name := range []string{"naive", "flash", "sparse", "tiled"} {
			cache, err := NewCache(shape, len(ids), c.dtype)
			if err != nil {
				t.Fatal(err)
			}
			if bytes := 2 * int64(shape.Layers*shape.KVHeads) * (int64(150*shape.HeadDim)*c.dtype.Size() + c.scales); cache.Bytes() != bytes {
				t.Errorf("%v: %d bytes, want %d", c.dtype, cache.Bytes(), bytes)
			}
			var got []float32
			for _, n := range []int{100, 1, 1, 30, 1, 17} {
				r, err := m.Step(t.Context(), ids[cache.Len():cache.Len()+n], cache, Options{Kernels: []kernels.Kernel{kernel(t, name)}})
				if err != nil {
					t.Fatal(err)
				}
				got = append(got, r.Logits...)
			}
			if want == nil {
				want = got
			}
			if d := furthest(want, got); d > 1e-3 {
				t.Errorf("%v: %s is off by %.2g from naive", c.dtype, name, d)
			}
			if d := furthest(exact.Logits, got); d == 0 || d > c.off {
				t.Errorf("%v: %s is off by %.2g from float32, want some, and at most %v", c.dtype, name, d, c.off)
			}
		}
	}
}

func TestCacheErrors(t *testing.T) {
	m, g := loadGolden(t, "tiny-untied")
	opts := Options{Kernels: []kernels.Kernel{kernel(t, "naive")}}
	for _, tokens := range []int{0, -1, 25} {
		if _, err := NewCache(m.Shape(), tokens, kernels.Float32); err == nil || !strings.Contains(err.Error(), "must be in 1..24") {
			t.Errorf("%d tokens: error %v", tokens, err)
		}
	}
	if _, err := NewCache(Shape{Family: "bert", Context: 9}, 1, kernels.Float32); err == nil || !strings.Contains(err.Error(), "causal") {
		t.Errorf("not causal: error %v", err)
	}
	cache, err := NewCache(m.Shape(), 10, kernels.Float32)
	if err != nil {
		t.Fatal(err)
	}
	if cache.Limit() != 10 || cache.Bytes() != 2*4*2*30*10 {
		t.Errorf("limit %d, %d bytes", cache.Limit(), cache.Bytes())
	}
	if _, err := m.Step(t.Context(), g.IDs[:11], cache, opts); err == nil || !strings.Contains(err.Error(), "11 tokens after 0 in the cache: has room for 10") {
		t.Errorf("too many: error %v", err)
	}
	other, _ := loadGolden(t, "tiny-bf16")
	if _, err := other.Step(t.Context(), []int{1}, cache, opts); err == nil || !strings.Contains(err.Error(), "cache of a gpt2 model") {
		t.Errorf("another model's: error %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := m.Step(ctx, g.IDs[:3], cache, opts); err == nil || cache.Len() != 0 {
		t.Errorf("cancelled: error %v, %d tokens in the cache", err, cache.Len())
	}
}

// TestTruncatedCache goes on from what is left as if nothing had followed.
func TestTruncatedCache(t *testing.T) {
	m, g := loadGolden(t, "tiny-untied")
	k := kernel(t, "flash")
	cache, _ := NewCache(m.Shape(), 24, kernels.Float32)
	step := func(ids ...int) {
		t.Helper()
		if _, err := m.Step(t.Context(), ids, cache, Options{Kernels: []kernels.Kernel{k}}); err != nil {
			t.Fatal(err)
		}
	}
	step(g.IDs[:5]...)
	step(1, 2, 3)
	cache.Truncate(5)
	stepThrough(t, m, g.IDs, nil, cache, k, g.run(t, m, k))
}

// TestLast: the last logits are those of the whole, and no others are there.
func TestLast(t *testing.T) {
	m, g := loadGolden(t, "tiny-untied")
	k := []kernels.Kernel{kernel(t, "naive")}
	whole := g.run(t, m, k[0])
	for _, last := range []int{1, 5, 24, 99} {
		r, err := m.Forward(t.Context(), Input{IDs: g.IDs}, Options{Kernels: k, Last: last})
		if err != nil {
			t.Fatal(err)
		}
		first := max(0, 24-last)
		if r.First != first || !equalBits(r.Logits, whole.Logits[first*r.Vocab:]) || !equalBits(r.Row(23), whole.Row(23)) {
			t.Errorf("last %d: from %d, or other logits", last, r.First)
		}
	}
}

// TestHooks: the phases come in their order and add up, attention is shown
// with what is captured, and its error ends the pass.
func TestHooks(t *testing.T) {
	m, g := loadGolden(t, "tiny-untied")
	var phases []string
	var shown []Attention
	opts := Options{
		Kernels: []kernels.Kernel{kernel(t, "naive")}, Capture: true,
		OnPhase:     func(s Span) { phases = append(phases, fmt.Sprint(s.Layer, s.Phase)) },
		OnAttention: func(layer int, call Attention) error { shown = append(shown, call); return nil },
	}
	r, err := m.Forward(t.Context(), Input{IDs: g.IDs}, opts)
	if err != nil {
		t.Fatal(err)
	}
	want := "-1plan -1embedding"
	for i := range 2 {
		for _, p := range []Phase{PhaseNorm, PhaseQKV, PhaseAttention, PhaseAttention, PhaseProjection, PhaseNorm, PhaseMLP} {
			want += fmt.Sprintf(" %d%s", i, p)
		}
	}
	if got := strings.Join(phases, " "); got != want+" -1head" {
		t.Errorf("phases %s, want %s", got, want)
	}
	if len(shown) != 2 || &shown[1].Q.Float32[0] != &r.Attention[1].Q.Float32[0] || shown[1].Problem.QLen != 24 {
		t.Errorf("%d calls shown, want the 2 captured", len(shown))
	}
	opts.OnAttention = func(int, Attention) error { return context.Canceled }
	if _, err := m.Forward(t.Context(), Input{IDs: g.IDs}, opts); err == nil || err.Error() != "layer 0: context canceled" {
		t.Errorf("error of the hook: %v", err)
	}
}

// TestInput: padding changes nothing for the tokens before it, and what does
// not fit is refused.
func TestInput(t *testing.T) {
	m, g := loadGolden(t, "tiny-untied")
	for _, k := range kernels.All() {
		opts := Options{Kernels: []kernels.Kernel{k}}
		mask := make([]int, 24)
		for i := range 17 {
			mask[i] = 1
		}
		whole := g.run(t, m, k)
		r, err := m.Forward(t.Context(), Input{IDs: g.IDs, Mask: mask}, opts)
		if err != nil {
			t.Fatal(err)
		}
		if d := furthest(r.Logits[:17*r.Vocab], whole.Logits[:17*r.Vocab]); d > 1e-5 {
			t.Errorf("%s: padding moves logits by %.2g", k.Name(), d)
		}
		if furthest(r.Row(23), whole.Row(23)) < 1e-3 {
			t.Errorf("%s: the mask hides nothing", k.Name())
		}
	}
	for _, c := range []struct {
		in   Input
		last int
		want string
	}{
		{Input{IDs: []int{1, 2}, Mask: []int{1}}, 0, "1 mask values for 2 tokens"},
		{Input{IDs: []int{1, 2}, Mask: []int{1, 2}}, 0, "mask value 2 at 1"},
		{Input{IDs: []int{1, 2}, Mask: []int{0, 1}}, 0, "zero before a one"},
		{Input{IDs: []int{1, 2}, Mask: []int{0, 0}}, 0, "at least one token"},
		{Input{IDs: []int{1, 2}, TokenTypes: []int{0, 0}}, 0, "gpt2 has none"},
		{Input{IDs: []int{1, 2}}, -1, "must not be negative"},
	} {
		_, err := m.Forward(t.Context(), c.in, Options{Kernels: []kernels.Kernel{kernel(t, "naive")}, Last: c.last})
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: error %v, want %q in it", c.in, err, c.want)
		}
	}
}
