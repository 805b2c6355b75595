package harness

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/attnbench/attnbench/kernels"
)

const testSeed = 20240601

func problem(batch, heads, kvHeads, qLen, kvLen, dim int, mask string) kernels.Problem {
	m, err := kernels.ParseMask(mask, kvLen)
	if err != nil {
		panic(err)
	}
	return kernels.Problem{Batch: batch, Heads: heads, KVHeads: kvHeads, QLen: qLen, KVLen: kvLen, HeadDim: dim, Mask: m}
}

var testProblems = []kernels.Problem{
	problem(1, 1, 1, 1, 1, 1, "full"),
	problem(1, 2, 2, 2, 2, 3, "full"),
	problem(1, 2, 1, 5, 7, 8, "causal"),
	problem(2, 4, 2, 33, 33, 16, "causal"),
	problem(1, 2, 2, 65, 130, 64, "full"),
	problem(1, 2, 2, 97, 97, 64, "causal+window:20+sinks:3"),
	problem(1, 2, 1, 40, 31, 8, "causal"), // the first 9 rows see nothing
	problem(2, 2, 2, 50, 50, 12, "keylens:50:17"),
	problem(1, 1, 1, 96, 96, 32, "causal+blocks:16:1:3"),
	problem(1, 1, 1, 1, 500, 128, "causal"),
}

// verdictOf runs k on a problem and input as the harness does.
func verdictOf(t *testing.T, p kernels.Problem, in Input, k online, s Sampling) Verdict {
	t.Helper()
	tensors := kernels.NewTensors(p)
	if err := in.Fill(p, &tensors); err != nil {
		t.Fatal(err)
	}
	Poison(p, &tensors)
	ref, err := NewReference(p, &tensors, s)
	if err != nil {
		t.Fatalf("%v %s: %v", p, in.Name(), err)
	}
	k.run(p, &tensors)
	return ref.Check(&tensors)
}

// rightKernels are different ways to be right: rounding after each step or
// once for a product and sum, sums in order or in lanes, small tiles and large,
// an exponential from a table or a polynomial.
var rightKernels = []online{{}, {tile: 48}, {tile: 512, lanes: 16, exp2: polynomialExp2}}

func TestRightKernelPasses(t *testing.T) {
	for seed := range uint64(2) {
		for _, in := range Inputs(testSeed + seed) {
			for _, p := range testProblems {
				for _, k := range rightKernels {
					if v := verdictOf(t, p, in, k, Sampling{}); !v.Pass() {
						t.Errorf("seed %d, %s, %d×%d %v: %v", testSeed+seed, in.Name(), p.QLen, p.KVLen, p.Mask, v)
					}
				}
			}
		}
	}
}

// TestRightKernelPassesLong is TestRightKernelPasses where sums are long, for
// the kind of kernel that is fast.
func TestRightKernelPassesLong(t *testing.T) {
	for _, in := range Inputs(testSeed) {
		for _, p := range []kernels.Problem{problem(1, 1, 1, 6, 4096, 128, "full"), problem(1, 2, 1, 4, 2500, 64, "causal")} {
			if v := verdictOf(t, p, in, rightKernels[2], Sampling{}); !v.Pass() {
				t.Errorf("seed %d, %s, %d×%d %v: %v", testSeed, in.Name(), p.QLen, p.KVLen, p.Mask, v)
			}
		}
	}
}

// polynomialExp2 is an exponential of the kind that vector code uses: a
// degree-5 polynomial around the nearest integer, off by up to 1.7e-7, and 0
// below 2^-126.
func polynomialExp2(x float32) float32 {
	if x < -126 {
		return 0
	}
	n := float32(math.RoundToEven(float64(x)))
	f, y := x-n, float32(0)
	for _, c := range []float32{1.339086336e-3, 9.676031918e-3, 5.550357114e-2, 2.402210749e-1, 6.931471880e-1, 1} {
		y = fma(y, f, c)
	}
	if x != x {
		return x
	}
	return float32(math.Ldexp(float64(y), int(n)))
}

// TestFaultsOnEveryInput sees that no family of inputs blinds the checker to a
// key too few.
func TestFaultsOnEveryInput(t *testing.T) {
	for _, in := range Inputs(testSeed) {
		v := verdictOf(t, problem(1, 2, 2, 64, 64, 32, "causal"), in, online{dropLast: true}, Sampling{})
		if v.Pass() {
			t.Errorf("%s: a dropped key passed: %v", in.Name(), v)
		}
	}
}

// TestReasonSaysWhere plants an error in some rows of one head, for both O and
// lse: the reason must tell which.
func TestReasonSaysWhere(t *testing.T) {
	p := problem(2, 4, 2, 33, 33, 16, "causal")
	ref, right := answered(t, p)
	for _, x := range []struct {
		spoil func(t *kernels.Tensors, query int)
		want  string
	}{
		{func(t *kernels.Tensors, query int) { t.O.Row(1, 2, query)[7] += 1 }, "over it are 8 of 4224 elements: batch 1 head 2 query 20..27 dim 7"},
		{func(t *kernels.Tensors, query int) { t.LSE[(1*4+2)*33+query] += 1 }, "over it are 8 of 264 elements: batch 1 head 2 query 20..27 dim 0"},
	} {
		o, lse := slices.Clone(right.O.Float32), slices.Clone(right.LSE)
		for query := 20; query < 28; query++ {
			x.spoil(&right, query)
		}
		if v := ref.Check(&right); !strings.HasSuffix(v.Reason, x.want) {
			t.Errorf("%s: %q, want it to end with %q", v.Check, v.Reason, x.want)
		}
		copy(right.O.Float32, o)
		copy(right.LSE, lse)
	}
}

// answered returns a reference and what a right kernel makes of its operands.
func answered(t *testing.T, p kernels.Problem) (*Reference, kernels.Tensors) {
	t.Helper()
	tensors := kernels.NewTensors(p)
	if err := Inputs(testSeed)[0].Fill(p, &tensors); err != nil {
		t.Fatal(err)
	}
	Poison(p, &tensors)
	ref, err := NewReference(p, &tensors, Sampling{})
	if err != nil {
		t.Fatal(err)
	}
	online{}.run(p, &tensors)
	return ref, tensors
}

func TestNonFiniteInputs(t *testing.T) {
	p := problem(1, 2, 1, 40, 40, 8, "causal")
	nan, inf := float32(math.NaN()), float32(math.Inf(1))
	spoil := map[string]func(*kernels.Tensors){
		"NaN key":   func(t *kernels.Tensors) { t.K.Row(0, 0, 30)[2] = nan },
		"NaN value": func(t *kernels.Tensors) { t.V.Row(0, 0, 30)[2] = nan },
		"Inf value": func(t *kernels.Tensors) { t.V.Row(0, 0, 30)[2] = -inf },
		"NaN query": func(t *kernels.Tensors) { t.Q.Row(0, 1, 12)[0] = nan },
		"huge":      func(t *kernels.Tensors) { t.K.Row(0, 0, 30)[2] = 3e38; t.Q.Row(0, 0, 35)[2] = 3e38 },
	}
	for name, f := range spoil {
		tensors := kernels.NewTensors(p)
		if err := Inputs(testSeed)[0].Fill(p, &tensors); err != nil {
			t.Fatal(err)
		}
		Poison(p, &tensors)
		f(&tensors)
		ref, err := NewReference(p, &tensors, Sampling{})
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		online{}.run(p, &tensors)
		if v := ref.Check(&tensors); !v.Pass() {
			t.Errorf("%s: a kernel that propagates it: %v", name, v)
		}
		if name == "huge" {
			continue // beyond float32's range either answer will do
		}
		for i, x := range tensors.O.Float32 {
			if !finite(float64(x)) {
				tensors.O.Float32[i] = 0
			}
		}
		if v := ref.Check(&tensors); v.Check != "non-finite" {
			t.Errorf("%s: a kernel that hides it: %v", name, v)
		}
	}
}

func TestSampledReference(t *testing.T) {
	p := problem(1, 2, 2, 700, 700, 16, "causal")
	in := Inputs(testSeed)[0]
	v := verdictOf(t, p, in, online{}, Sampling{Pairs: 30000, Seed: 1})
	if !v.Pass() {
		t.Error(v)
	}
	if v.Rows != 1400 || v.RowsChecked >= 400 || v.RowsChecked < 40 {
		t.Errorf("checked %d of %d rows, want some 80 of 1400", v.RowsChecked, v.Rows)
	}
	if v := verdictOf(t, p, in, online{dropLast: true}, Sampling{Pairs: 30000, Seed: 1}); v.Pass() {
		t.Errorf("a dropped key passed a sampled reference: %v", v)
	}
}

// TestUnsampledRows sees that a NaN, a poison or a wild value is found in rows
// that the oracle did not evaluate.
func TestUnsampledRows(t *testing.T) {
	p := problem(1, 1, 1, 600, 600, 4, "causal")
	tensors := kernels.NewTensors(p)
	if err := Inputs(testSeed)[0].Fill(p, &tensors); err != nil {
		t.Fatal(err)
	}
	Poison(p, &tensors)
	ref, err := NewReference(p, &tensors, Sampling{Pairs: 1})
	if err != nil {
		t.Fatal(err)
	}
	online{}.run(p, &tensors)
	const query = 200
	for i := range ref.rows {
		if ref.rows[i].query == query {
			t.Fatalf("row %d was sampled", query)
		}
	}
	for want, x := range map[string]float32{
		"unwritten": poisonOf(kernels.Float32, 1), "finite": float32(math.NaN()), "range": 50,
	} {
		o := tensors.O.Row(0, 0, query)
		kept := o[1]
		o[1] = x
		if v := ref.Check(&tensors); v.Check != want {
			t.Errorf("%v in an unsampled row: %v, want check %q", x, v, want)
		}
		o[1] = kept
	}
}

// TestOracle holds the oracle against values worked out by hand: logits ln 1,
// ln 2 and ln 5 weigh the values 8, 16 and 32 by 1/8, 2/8 and 5/8.
func TestOracle(t *testing.T) {
	slope := math.Exp2(-8) // of a single head
	for _, x := range []struct {
		name      string
		set       func(p *kernels.Problem, t *kernels.Tensors)
		want, lse float64
	}{
		{"plain", func(*kernels.Problem, *kernels.Tensors) {}, 25, math.Log(8)},
		{"scale 0 is 1/√headDim", func(p *kernels.Problem, _ *kernels.Tensors) { p.Scale = 0 }, 25, math.Log(8)},
		{"scale 2", func(p *kernels.Problem, _ *kernels.Tensors) { p.Scale = 2 }, (8 + 4*16 + 25*32) / 30., math.Log(30)},
		{"last key masked", func(p *kernels.Problem, _ *kernels.Tensors) { p.Mask.KeyLens = []int{2} }, 40 / 3., math.Log(3)},
		{"sink logit ln 8", func(p *kernels.Problem, t *kernels.Tensors) {
			p.SinkLogits, t.SinkLogits = true, []float32{float32(math.Log(8))}
		}, 12.5, math.Log(8)},
		{"softcap", func(p *kernels.Problem, t *kernels.Tensors) {
			p.Softcap = 2
			for j, w := range []float64{1, 2, 5} {
				t.K.Float32[j] = float32(2 * math.Atanh(math.Log(w)/2))
			}
		}, 25, math.Log(8)},
		{"alibi", func(p *kernels.Problem, t *kernels.Tensors) { // the query stands at the last key
			p.ALiBi = true
			t.K.Float32[0] += float32(2 * slope)
			t.K.Float32[1] += float32(slope)
		}, 25, math.Log(8)},
	} {
		p := kernels.Problem{Batch: 1, Heads: 1, KVHeads: 1, QLen: 1, KVLen: 3, HeadDim: 1, Scale: 1}
		tensors := kernels.NewTensors(p)
		tensors.Q.Float32[0] = 1
		for j, w := range []float64{1, 2, 5} {
			tensors.K.Float32[j] = float32(math.Log(w))
			tensors.V.Float32[j] = float32(int(8) << j)
		}
		x.set(&p, &tensors)
		ref, err := NewReference(p, &tensors, Sampling{})
		if err != nil {
			t.Fatal(err)
		}
		got := ref.rows[0]
		if math.Abs(got.want[0]-x.want) > 1e-5 || math.Abs(got.wantLSE-x.lse) > 1e-6 {
			t.Errorf("%s: oracle gives %v, lse %v; want %v, %v", x.name, got.want[0], got.wantLSE, x.want, x.lse)
		}
		if math.Abs(float64(got.plain[0])-x.want) > 1e-4 || math.Abs(float64(got.plainLSE)-x.lse) > 1e-5 {
			t.Errorf("%s: yardstick gives %v, lse %v; want %v, %v", x.name, got.plain[0], got.plainLSE, x.want, x.lse)
		}
	}
}
