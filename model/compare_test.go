package model

import (
	"math"
	"testing"

	"github.com/attnbench/attnbench/kernels"
)

// TestCompareByHand has two positions of three logits: ln 1, ln 2 and ln 5
// against ln 2, ln 2 and ln 4, and the other way round.
func TestCompareByHand(t *testing.T) {
	ln := func(w ...float64) []float32 {
		row := make([]float32, len(w))
		for i, x := range w {
			row[i] = float32(math.Log(x))
		}
		return row
	}
	a, b := ln(1, 2, 5), ln(2, 2, 4)
	want := &Result{Len: 2, Vocab: 3, Logits: append(append([]float32{}, a...), 3, 3.5, 0), Residual: [][]float32{{3, 4}, {0, 0}}}
	got := &Result{Len: 2, Vocab: 3, Logits: append(append([]float32{}, b...), 3.5, 3, 0), Residual: [][]float32{{3, 4.5}, {0, 0}}}
	c, err := Compare(want, got, 0.5)
	if err != nil {
		t.Fatal(err)
	}
	first := 1./8*math.Log(1./2) + 2./8*math.Log(1) + 5./8*math.Log(5./4)
	e := math.Exp
	second := 0.5 * (e(3.5) - e(3)) / (e(3.5) + e(3) + 1)
	for _, x := range []struct {
		name      string
		got, want float64
	}{
		{"largest difference", c.MaxLogit, math.Log(2)}, {"mean divergence", c.MeanKL, (first + second) / 2},
		{"largest divergence", c.MaxKL, max(first, second)}, {"first layer", c.Layers[0], 0.1}, {"second layer", c.Layers[1], 0},
	} {
		if math.Abs(x.got-x.want) > 1e-6 {
			t.Errorf("%s: %v, want %v", x.name, x.got, x.want)
		}
	}
	if c.Positions != 2 || c.Same != 1 || c.Tied != 1 {
		t.Errorf("%d positions, %d same, %d tied: want 2, 1, 1", c.Positions, c.Same, c.Tied)
	}
	if c, _ := Compare(want, got, 0.4); c.Tied != 0 {
		t.Errorf("%d tied within 0.4, want 0", c.Tied)
	}
	if _, err := Compare(want, &Result{Len: 1, Vocab: 3, Logits: a}, 0); err == nil {
		t.Error("two positions against one: no error")
	}
	got.Logits[4] = float32(math.NaN())
	if c, _ := Compare(want, got, 0.5); !math.IsNaN(c.MaxLogit) || !math.IsNaN(c.MeanKL) {
		t.Errorf("with a NaN: difference %v, divergence %v", c.MaxLogit, c.MeanKL)
	}
}

// TestCompareFindsAWrongKernel sees that a swap that loses a head's last key
// shows in every number, and a right one in none.
func TestCompareFindsAWrongKernel(t *testing.T) {
	m, g := loadGolden(t, "tiny-untied")
	pass := func(k kernels.Kernel) *Result {
		r, err := m.Forward(t.Context(), Input{IDs: g.IDs}, Options{Kernels: []kernels.Kernel{k}, Trace: true})
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	naive := pass(kernel(t, "naive"))
	if len(naive.Residual) != m.config.Layers || naive.Attention != nil {
		t.Fatalf("%d layers traced, want %d, and nothing captured", len(naive.Residual), m.config.Layers)
	}
	right, err := Compare(naive, pass(kernel(t, "flash")), 1e-4)
	if err != nil {
		t.Fatal(err)
	}
	if right.MaxLogit > 1e-4 || right.MaxKL > 1e-9 || right.Same+right.Tied != len(g.IDs) || right.Layers[0] > 1e-5 {
		t.Errorf("flash: %+v", right)
	}
	wrong, err := Compare(naive, pass(scaled{kernel(t, "naive")}), 1e-4)
	if err != nil {
		t.Fatal(err)
	}
	if wrong.MaxLogit < 1e-3 || wrong.MaxKL < 1e-7 || wrong.Layers[0] < 1e-4 {
		t.Errorf("a scale off by half: %+v", wrong)
	}
}

// scaled is a kernel whose scale is half as large as it should be.
type scaled struct{ kernels.Kernel }

func (k scaled) Plan(p kernels.Problem, opts kernels.Options) (kernels.Plan, error) {
	p.Scale = p.EffectiveScale() / 2
	return k.Kernel.Plan(p, opts)
}

// TestCompareLast compares passes that have the last logits only.
func TestCompareLast(t *testing.T) {
	a := &Result{Len: 5, First: 3, Vocab: 2, Logits: []float32{0, 1, 1, 0}}
	b := &Result{Len: 5, First: 3, Vocab: 2, Logits: []float32{0, 1, 1, 2}}
	c, err := Compare(a, b, 0)
	if err != nil || c.Positions != 2 || c.MaxLogit != 2 || c.Same != 1 {
		t.Errorf("%+v, error %v", c, err)
	}
	b.First, b.Logits = 4, b.Logits[2:]
	if _, err := Compare(a, b, 0); err == nil {
		t.Error("other positions: no error")
	}
}
