package harness

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/attnbench/attnbench/kernels"
)

func TestInputsAreSeeded(t *testing.T) {
	p := problem(1, 2, 1, 8, 12, 16, "full")
	for i, in := range Inputs(1) {
		a, b, c := kernels.NewTensors(p), kernels.NewTensors(p), kernels.NewTensors(p)
		for _, x := range []struct {
			in Input
			t  *kernels.Tensors
		}{{in, &a}, {Inputs(1)[i], &b}, {Inputs(2)[i], &c}} {
			if err := x.in.Fill(p, x.t); err != nil {
				t.Fatal(err)
			}
		}
		if firstChange(&a.V, &b.V) >= 0 || firstChange(&a.K, &b.K) >= 0 {
			t.Errorf("%s: the same seed gave other values", in.Name())
		}
		if firstChange(&a.V, &c.V) < 0 {
			t.Errorf("%s: another seed gave the same values", in.Name())
		}
	}
}

// TestInputsStress sees that the families are what their names say.
func TestInputsStress(t *testing.T) {
	p := problem(1, 2, 2, 64, 64, 64, "full")
	want := map[string]func(e *evaluator) bool{
		"constant": func(e *evaluator) bool { return slices.Max(e.logits) == slices.Min(e.logits) },
		"dominant": func(e *evaluator) bool { return slices.Max(e.weights) > 1-1e-9 },
		"large":    func(e *evaluator) bool { return slices.Max(e.logits)-slices.Min(e.logits) > 5e3 },
		"outliers": func(e *evaluator) bool { return slices.Max(e.absDots) > 10 },
		"denormal": func(e *evaluator) bool {
			v := e.t.V.Row(0, 0, 0)[0]
			return v != 0 && math.Abs(float64(v)) < 0x1p-126
		},
	}
	for _, in := range Inputs(testSeed) {
		tensors := kernels.NewTensors(p)
		if err := in.Fill(p, &tensors); err != nil {
			t.Fatal(err)
		}
		e := evaluator{p: p, t: &tensors}
		e.evaluate(rowID{0, 1, 7})
		if f := want[in.Name()]; f != nil && !f(&e) {
			t.Errorf("%s: does not stress what it should", in.Name())
		}
	}
}

func TestLookupInput(t *testing.T) {
	for _, name := range InputNames() {
		if in, err := LookupInput(name, 1); err != nil || in.Name() != name {
			t.Errorf("LookupInput(%q) = %v, %v", name, in, err)
		}
	}
	_, err := LookupInput("gauss", 1)
	if err == nil || !strings.Contains(err.Error(), `"gauss"`) || !strings.Contains(err.Error(), "normal") {
		t.Errorf("LookupInput(gauss): error %v names neither it nor what there is", err)
	}
}

func TestExpandInputs(t *testing.T) {
	got := ExpandInputs([]string{"captured", "adversarial"})
	if got[0] != "captured" || !slices.Contains(got, "large") || !slices.Contains(got, "nan") || slices.Contains(got, "normal") {
		t.Errorf("captured and adversarial are %q", got)
	}
	if got := ExpandInputs([]string{"all"}); !slices.Equal(got, InputNames()) {
		t.Errorf("all is %q", got)
	}
	for _, name := range InputGroups() {
		if slices.Contains(InputNames(), name) {
			t.Errorf("%q is a group and a family", name)
		}
	}
}

func TestCaptured(t *testing.T) {
	whole := kernels.NewTensors(problem(1, 4, 2, 20, 20, 8, "causal"))
	if err := Inputs(testSeed)[0].Fill(problem(1, 4, 2, 20, 20, 8, "causal"), &whole); err != nil {
		t.Fatal(err)
	}
	c := Captured{Label: "layer1", Q: whole.Q, K: whole.K, V: whole.V}
	p := problem(1, 4, 2, 3, 12, 8, "causal")
	got := kernels.NewTensors(p)
	if err := c.Fill(p, &got); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(got.Q.Row(0, 3, 0), whole.Q.Row(0, 3, 9)) || !slices.Equal(got.V.Row(0, 1, 11), whole.V.Row(0, 1, 11)) {
		t.Error("the shorter problem does not hold the first tokens")
	}
	for want, p := range map[string]kernels.Problem{
		"Q was captured with 20 tokens":        problem(1, 4, 2, 5, 21, 8, "causal"),
		"Q was captured with batch 1, heads 4": problem(1, 2, 2, 20, 20, 8, "causal"),
		"K was captured with batch 1, heads 2": problem(1, 4, 1, 20, 20, 8, "causal"),
	} {
		got := kernels.NewTensors(p)
		if err := c.Fill(p, &got); err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "captured:layer1") {
			t.Errorf("error %v, want %q", err, want)
		}
	}
}
