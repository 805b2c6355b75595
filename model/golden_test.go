package model

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/attnbench/attnbench/kernels"
	_ "github.com/attnbench/attnbench/kernels/all"
)

// tolerance on logits. The faults below move them by far more.
const tolerance = 1e-4

// A golden has logits that testdata/goldens.py computed in float64.
type golden struct {
	IDs       []int
	Positions []int
	Logits    [][]float64
}

var goldenModels = []string{"tiny-untied", "tiny-bf16", "opticks-1m"}

func loadGolden(t *testing.T, name string) (*gpt2, golden) {
	t.Helper()
	loaded, err := Load(os.DirFS("../testdata/" + name))
	if err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile("../testdata/goldens/" + name + ".json")
	if err != nil {
		t.Fatal(err)
	}
	var g golden
	if err := json.Unmarshal(data, &g); err != nil {
		t.Fatal(err)
	}
	if len(g.Positions) == 0 || len(g.Positions) != len(g.Logits) {
		t.Fatalf("%s: golden of %d positions and %d rows", name, len(g.Positions), len(g.Logits))
	}
	return loaded.(*gpt2), g
}

// distance returns the largest difference from the golden logits; NaN counts
// as infinite.
func (g golden) distance(r *Result) float64 {
	worst := 0.0
	for i, pos := range g.Positions {
		row := r.Row(pos)
		if len(row) != len(g.Logits[i]) {
			return math.Inf(1)
		}
		for j, want := range g.Logits[i] {
			diff := math.Abs(float64(row[j]) - want)
			if math.IsNaN(diff) {
				return math.Inf(1)
			}
			worst = max(worst, diff)
		}
	}
	return worst
}

// run runs the model on the golden's ids, on one kernel for all layers.
func (g golden) run(t *testing.T, m Model, k kernels.Kernel) *Result {
	t.Helper()
	r, err := m.Forward(t.Context(), Input{IDs: g.IDs}, Options{Kernels: []kernels.Kernel{k}})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func kernel(t *testing.T, name string) kernels.Kernel {
	t.Helper()
	k, err := kernels.Get(name)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func TestGoldenLogits(t *testing.T) {
	for _, name := range goldenModels {
		m, g := loadGolden(t, name)
		for _, k := range kernels.All() {
			t.Run(fmt.Sprintf("model=%s/kernel=%s", name, k.Name()), func(t *testing.T) {
				if err := k.Supports(m.problem(0, len(g.IDs), len(g.IDs))); err != nil {
					t.Skip(err)
				}
				if d := g.distance(g.run(t, m, k)); d > tolerance {
					t.Errorf("logits differ by %.2g: tolerance is %g", d, tolerance)
				}
			})
		}
	}
}

// TestGoldenLengths: in a causal model the logits of a shorter sequence, or of one
// that ends in padding, are the first ones of the longer.
func TestGoldenLengths(t *testing.T) {
	for _, name := range []string{"tiny-untied", "tiny-bf16"} {
		m, g := loadGolden(t, name)
		for _, n := range []int{1, 2, 7, len(g.IDs) - 1} {
			short := golden{g.IDs[:n], g.Positions[:n], g.Logits[:n]}
			mask := make([]int, len(g.IDs))
			for i := range n {
				mask[i] = 1
			}
			for _, k := range kernels.All() {
				padded, err := m.Forward(t.Context(), Input{IDs: g.IDs, Mask: mask}, Options{Kernels: []kernels.Kernel{k}})
				if err != nil {
					t.Fatal(err)
				}
				if a, b := short.distance(short.run(t, m, k)), short.distance(padded); a > tolerance || b > tolerance {
					t.Errorf("%s, %s, %d tokens: off by %.2g, and by %.2g with padding", name, k.Name(), n, a, b)
				}
			}
		}
	}
}

// TestGoldensCatchFaults plants the classic mistakes in a sound model; each has
// to push the logits past the tolerance, or the goldens would prove little.
func TestGoldensCatchFaults(t *testing.T) {
	for _, fault := range []struct {
		name  string
		plant func(m *gpt2)
	}{
		{"erf GELU", func(m *gpt2) { m.activate = geluErf }},
		{"square weight transposed", func(m *gpt2) {
			l, w := &m.layers[0].proj, m.config.Width
			*l = newProjection(transpose(dense(l), w), l.bias, w, w, false)
		}},
		{"positions shifted", func(m *gpt2) { m.positions = shifted(m.positions) }},
		{"final norm skipped", func(m *gpt2) {
			m.norm = norm{slices.Repeat([]float32{1}, m.config.Width), make([]float32, m.config.Width)}
		}},
		{"another epsilon", func(m *gpt2) { m.config.Epsilon *= 10 }},
		{"attention scale off", func(m *gpt2) { m.config.ScaleAttention = !m.config.ScaleAttention }},
		{"layer scale off", func(m *gpt2) { m.config.ScaleByLayer = !m.config.ScaleByLayer }},
		{"heads one wide", func(m *gpt2) { m.config.Heads *= m.config.HeadDim() }},
		{"bias of one layer lost", func(m *gpt2) { m.layers[1].down.bias = make([]float32, m.config.Width) }},
		{"layer norms swapped", func(m *gpt2) {
			l := &m.layers[0]
			l.norm1, l.norm2 = l.norm2, l.norm1
		}},
	} {
		t.Run(fault.name, func(t *testing.T) {
			for _, name := range goldenModels {
				m, g := loadGolden(t, name)
				g.IDs = g.IDs[:min(len(g.IDs), m.config.Context-1)]
				g.IDs = g.IDs[:min(len(g.IDs), 300)] // enough of the long one
				g.Positions = slices.DeleteFunc(g.Positions, func(p int) bool { return p >= len(g.IDs) })
				fault.plant(m)
				d := g.distance(g.run(t, m, kernel(t, "naive")))
				t.Logf("%s: logits move by %.2g", name, d)
				if d <= 2*tolerance {
					t.Errorf("%s: logits differ by %.2g only", name, d)
				}
			}
		})
	}
}

func transpose(x []float32, n int) []float32 {
	y := make([]float32, len(x))
	for i := range n {
		for j := range n {
			y[j*n+i] = x[i*n+j]
		}
	}
	return y
}

// TestTiedHeadIsNotTheUntiedOne: a file's own head counts, not the embeddings.
func TestTiedHeadIsNotTheUntiedOne(t *testing.T) {
	m, g := loadGolden(t, "tiny-untied")
	m.head = projectionOf(m.tokens.Matrix, nil)
	if d := g.distance(g.run(t, m, kernel(t, "naive"))); d <= 2*tolerance {
		t.Errorf("logits differ by %.2g only", d)
	}
}

// TestKernelPerLayer mixes kernels and gives the last layer one that fails.
func TestKernelPerLayer(t *testing.T) {
	m, g := loadGolden(t, "tiny-bf16")
	all := kernels.All()
	var ks []kernels.Kernel
	for i := range m.config.Layers {
		ks = append(ks, all[i%len(all)])
	}
	r, err := m.Forward(t.Context(), Input{IDs: g.IDs}, Options{Kernels: ks})
	if err != nil {
		t.Fatal(err)
	}
	if d := g.distance(r); d > tolerance {
		t.Errorf("logits differ by %.2g", d)
	}
	ks[2] = broken{}
	if _, err := m.Forward(t.Context(), Input{IDs: g.IDs}, Options{Kernels: ks}); err == nil || !strings.HasPrefix(err.Error(), "layer 2: ") {
		t.Errorf("error %v: want it to name layer 2", err)
	}
}
