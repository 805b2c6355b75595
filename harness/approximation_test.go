package harness

import (
	"math"
	"testing"

	"github.com/attnbench/attnbench/kernels"
)

// What the masks leave out is known where all logits are equal.
func TestApproximateMass(t *testing.T) {
	const n, left = 40, 7
	input, err := LookupInput("constant", testSeed)
	if err != nil {
		t.Fatal(err)
	}
	a, err := Approximate(Case{problem(1, 2, 1, n, n, 16, "window:7"), input}, Sampling{})
	if err != nil {
		t.Fatal(err)
	}
	mass, pairs := 0.0, 0
	for i := range n {
		kept := min(i, left) + 1
		mass += float64(kept) / float64(i+1) / n
		pairs += kept
	}
	if math.Abs(a.Mass-mass) > 1e-12 || math.Abs(a.LeastMass-8.0/n) > 1e-12 || a.Rows != 2*n {
		t.Errorf("mass %v, least %v of %d rows: want %v, %v of %d", a.Mass, a.LeastMass, a.Rows, mass, 8.0/n, 2*n)
	}
	if want := float64(pairs) / (n * (n + 1) / 2); math.Abs(a.Pairs-want) > 1e-12 {
		t.Errorf("pairs %v: want %v", a.Pairs, want)
	}
}

// The errors are those of outputs spelled out pair by pair.
func TestApproximateErrors(t *testing.T) {
	input, err := LookupInput("normal", testSeed)
	if err != nil {
		t.Fatal(err)
	}
	p := problem(2, 4, 2, 19, 33, 8, "causal+window:5+sinks:2")
	p.Softcap, p.ALiBi, p.SinkLogits = 3, true, true
	a, err := Approximate(Case{p, input}, Sampling{})
	if err != nil {
		t.Fatal(err)
	}
	dense, differs := Dense(p)
	if !differs || dense.Mask.String() != "causal" {
		t.Fatalf("dense: mask %v, differs %v", dense.Mask, differs)
	}
	tensors := kernels.NewTensors(p)
	if err := input.Fill(p, &tensors); err != nil {
		t.Fatal(err)
	}
	var errs, squares, worst float64
	for b := range p.Batch {
		for h := range p.Heads {
			for i := range p.QLen {
				o, d := spelledOut(p, &tensors, b, h, i), spelledOut(dense, &tensors, b, h, i)
				e, s := 0.0, 0.0
				for c := range o {
					e += (o[c] - d[c]) * (o[c] - d[c])
					s += d[c] * d[c]
				}
				errs, squares, worst = errs+e, squares+s, max(worst, math.Sqrt(e/s))
			}
		}
	}
	if want := errs / squares; math.Abs(a.NMSE/want-1) > 1e-9 || math.Abs(a.Worst/worst-1) > 1e-9 {
		t.Errorf("NMSE %v, worst %v: want %v, %v", a.NMSE, a.Worst, want, worst)
	}
	if a.Mass <= 0 || a.Mass >= 1 || a.Cosine <= 0 || a.Cosine >= 1 {
		t.Errorf("mass %v, cosine %v: want some of each", a.Mass, a.Cosine)
	}
}

// spelledOut evaluates a row with no use of the oracle.
func spelledOut(p kernels.Problem, t *kernels.Tensors, b, h, i int) []float64 {
	o, kv := make([]float64, p.HeadDim), h*p.KVHeads/p.Heads
	sum := math.Exp(float64(t.SinkLogits[h]))
	for _, v := range p.AppendVisible(nil, b, i) {
		for j := v.Lo; j < v.Hi; j++ {
			s := 0.0
			for c, x := range t.Q.Row(b, h, i) {
				s += float64(x) * float64(t.K.Row(b, kv, j)[c]) * p.EffectiveScale()
			}
			s = p.Softcap * math.Tanh(s/p.Softcap)
			w := math.Exp(s - p.ALiBiSlope(h)*math.Abs(float64(p.Position(i)-j)))
			sum += w
			for c, x := range t.V.Row(b, kv, j) {
				o[c] += w * float64(x)
			}
		}
	}
	for c := range o {
		o[c] /= sum
	}
	return o
}

// Element types cost more error the fewer bits they have, and keep every pair.
func TestApproximateElements(t *testing.T) {
	input, err := LookupInput("normal", testSeed)
	if err != nil {
		t.Fatal(err)
	}
	last := 0.0
	for _, dtype := range []kernels.DType{kernels.Float32, kernels.Float16, kernels.BFloat16, kernels.Int8} {
		p := problem(1, 2, 2, 70, 70, 32, "causal")
		p.KVDType = dtype
		a, err := Approximate(Case{p, input}, Sampling{})
		if err != nil {
			t.Fatal(err)
		}
		if dtype == kernels.Float32 && a.NMSE != 0 || dtype != kernels.Float32 && a.NMSE <= last {
			t.Errorf("%v: NMSE %v after %v", dtype, a.NMSE, last)
		}
		if a.Pairs != 1 || a.Mass != 1 || a.LeastMass != 1 {
			t.Errorf("%v: pairs %v, mass %v, least %v: want 1", dtype, a.Pairs, a.Mass, a.LeastMass)
		}
		if _, differs := Dense(p); differs != (dtype != kernels.Float32) {
			t.Errorf("%v: differs from the dense problem: %v", dtype, differs)
		}
		last = a.NMSE
	}
}

func TestDense(t *testing.T) {
	for mask, want := range map[string]string{
		"full": "full", "causal": "causal", "window:8": "causal", "window:8:3": "full", "causal+window:8:3": "causal",
		"causal+window:4+sinks:2": "causal", "window:4+sinks:2": "window:-1+sinks:2", "window:4:5+sinks:2": "full", "bigbird:16:1:1:1": "full", "causal+packed:64": "causal+packed:64", "keylens:30": "keylens:30",
	} {
		p := problem(1, 1, 1, 128, 128, 8, mask)
		dense, differs := Dense(p)
		if got := dense.Mask.String(); got != want || differs != (want != mask) {
			t.Errorf("%s: %s, differs %v; want %s", mask, got, differs, want)
		}
	}
}
