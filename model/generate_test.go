package model

import (
	"errors"
	"fmt"
	"math"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/attnbench/attnbench/kernels"
)

// TestGreedyWithAndWithoutCache: the tokens are the same through every kernel,
// whether keys and values are kept or computed anew.
func TestGreedyWithAndWithoutCache(t *testing.T) {
	for _, c := range []struct {
		name    string
		changes map[string]any
		prompt  int
		tokens  int
	}{
		{"opticks-1m", nil, 70, 24}, {"tiny-untied", nil, 5, 20}, {"tiny-bf16", nil, 3, 12},
		{"tiny-llama", nil, 4, 16}, {"tiny-llama-bf16", nil, 4, 16},
		{"tiny-llama", map[string]any{"model_type": "mistral", "sliding_window": 5}, 4, 16},
	} {
		m := mustLoad(t, folder(t, c.name, c.changes))
		g := Generation{Prompt: someIDs(c.prompt, m.Shape().Vocab), Tokens: c.tokens}
		want := generate(t, m, g, kernel(t, "naive"))
		for _, k := range kernels.All() {
			t.Run(fmt.Sprintf("model=%s%v/kernel=%s", c.name, c.changes, k.Name()), func(t *testing.T) {
				for _, uncached := range []bool{false, true} {
					g.Uncached = uncached
					if got := generate(t, m, g, k); !slices.Equal(got, want) {
						t.Errorf("uncached %v: %v, want %v", uncached, got, want)
					}
				}
			})
		}
	}
}

func generate(t *testing.T, m Model, g Generation, k kernels.Kernel) []int {
	t.Helper()
	var told []int
	g.OnToken = func(id int) error { told = append(told, id); return nil }
	r, err := Generate(t.Context(), m, g, Options{Kernels: []kernels.Kernel{k}})
	if err != nil {
		t.Fatal(err)
	}
	if len(r.IDs) != g.Tokens || len(r.Decode) != g.Tokens-1 || !(r.Prefill > 0) || slices.Contains(r.Decode, 0) || !slices.Equal(told, r.IDs) {
		t.Fatalf("%d tokens, %d told, %d passes after the first, which took %v: want %d tokens", len(r.IDs), len(told), len(r.Decode), r.Prefill, g.Tokens)
	}
	if (r.CacheBytes == 0) != g.Uncached {
		t.Errorf("cache of %d bytes, uncached %v", r.CacheBytes, g.Uncached)
	}
	return r.IDs
}

// someIDs returns n token ids that repeat themselves late.
func someIDs(n, vocab int) []int {
	ids := make([]int, n)
	for i := range ids {
		ids[i] = (i*i + 7*i) % vocab
	}
	return ids
}

// TestGreedyIsNext holds generation against a loop of whole passes.
func TestGreedyIsNext(t *testing.T) {
	m := mustLoad(t, os.DirFS("../testdata/opticks-1m"))
	k := kernel(t, "tiled")
	ids := []int{84, 104, 101, 32}
	got := generate(t, m, Generation{Prompt: ids, Tokens: 9}, k)
	for _, id := range got {
		r, err := m.Forward(t.Context(), Input{IDs: ids}, Options{Kernels: []kernels.Kernel{k}})
		if err != nil {
			t.Fatal(err)
		}
		if next := r.Next(r.Len - 1); next != id {
			t.Fatalf("after %v: %d, want %d", ids, id, next)
		}
		ids = append(ids, id)
	}
}

func TestGenerateFillsTheContext(t *testing.T) {
	m, g := loadGolden(t, "tiny-untied") // a context of 24
	all := Generation{Prompt: g.IDs[:20], Tokens: 5}
	generate(t, m, all, kernel(t, "flash"))
	all.Tokens = 6
	for _, uncached := range []bool{false, true} {
		all.Uncached = uncached
		_, err := Generate(t.Context(), m, all, Options{Kernels: []kernels.Kernel{kernel(t, "flash")}})
		if err == nil || !strings.Contains(err.Error(), "generate 6 tokens after 20: the model's context of 24 has room for 5") {
			t.Errorf("uncached %v: error %v", uncached, err)
		}
	}
}

func TestGenerateErrors(t *testing.T) {
	m, g := loadGolden(t, "tiny-untied")
	bert := mustLoad(t, folder(t, "tiny-bert", nil))
	stop := errors.New("enough")
	for _, c := range []struct {
		m    Model
		g    Generation
		want string
	}{
		{bert, Generation{Prompt: []int{1}, Tokens: 1}, "only a causal model can"},
		{m, Generation{Prompt: g.IDs, Tokens: 0}, "generate 0 tokens: must be at least 1"},
		{m, Generation{Tokens: 1}, "no tokens"},
		{m, Generation{Prompt: []int{-1}, Tokens: 1}, "token -1 at 0"},
		{m, Generation{Prompt: g.IDs[:3], Tokens: 2, OnToken: func(int) error { return stop }}, "token 0: enough"},
	} {
		_, err := Generate(t.Context(), c.m, c.g, Options{Kernels: []kernels.Kernel{kernel(t, "naive")}})
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("error %v, want %q in it", err, c.want)
		}
	}
}

// TestSampler draws as often as softmax(logits/T) says.
func TestSampler(t *testing.T) {
	logits := []float32{1, float32(math.Inf(-1)), 3, 2.5}
	const draws, temperature = 20000, 2.0
	want, sum := make([]float64, len(logits)), 0.0
	for i, v := range logits {
		want[i] = math.Exp(float64(v) / temperature)
		sum += want[i]
	}
	s, err := NewSampler(temperature, 1)
	if err != nil {
		t.Fatal(err)
	}
	count := make([]float64, len(logits))
	for range draws {
		id, err := s.Next(logits)
		if err != nil {
			t.Fatal(err)
		}
		count[id]++
	}
	for i, n := range count {
		p := want[i] / sum
		if d := math.Abs(n/draws - p); d > 5*math.Sqrt(p*(1-p)/draws) {
			t.Errorf("token %d: drawn %.4f of the time, want %.4f", i, n/draws, p)
		}
	}
}

func TestSamplerSeedAndLimits(t *testing.T) {
	logits := make([]float32, 50)
	sequence := func(seed uint64, temperature float64) (ids []int) {
		s, err := NewSampler(temperature, seed)
		if err != nil {
			t.Fatal(err)
		}
		for range 20 {
			id, _ := s.Next(logits)
			ids = append(ids, id)
		}
		return ids
	}
	if a, b := sequence(7, 1), sequence(7, 1); !slices.Equal(a, b) {
		t.Errorf("seed 7 gives %v and %v", a, b)
	}
	if a, b := sequence(7, 1), sequence(8, 1); slices.Equal(a, b) {
		t.Errorf("seeds 7 and 8 both give %v", a)
	}
	logits[31] = 1
	if got := sequence(1, 0); slices.Max(got) != 31 || slices.Min(got) != 31 {
		t.Errorf("greedy takes %v, want 31", got)
	}
	if got := sequence(1, 0.001); slices.Max(got) != 31 || slices.Min(got) != 31 {
		t.Errorf("cold takes %v, want 31", got)
	}
	for _, x := range []float64{-1, math.NaN(), math.Inf(1), 1001} {
		if _, err := NewSampler(x, 0); err == nil || !strings.Contains(err.Error(), "must be in 0..1000") {
			t.Errorf("temperature %v: error %v", x, err)
		}
	}
	inf := float32(math.Inf(1))
	for _, bad := range [][]float32{{}, {float32(math.NaN()), 1}, {1, inf}, {-inf, -inf}} {
		for _, temperature := range []float64{0, 1} {
			s, _ := NewSampler(temperature, 0)
			if id, err := s.Next(bad); err == nil {
				t.Errorf("temperature %v of %v: token %d", temperature, bad, id)
			}
		}
	}
}
