package kerneltest

import (
	"fmt"
	"math"
	"testing"

	"github.com/attnbench/attnbench/harness"
	"github.com/attnbench/attnbench/kernels"
)

// invariance checks what must hold bit for bit.
func (v variant) invariance(t *testing.T) {
	for _, sh := range []shape{{2, 4, 2, 70, 130, 64}, {2, 2, 1, 3, 200, 40}, {2, 2, 2, 130, 600, 15}} {
		for _, spec := range []string{"full", "causal", "window:30+sinks:2"} {
			p := sh.problem(mustParse(spec, sh.kvLen))
			t.Run("threads/"+caseName(p), func(t *testing.T) { v.threads(t, p) })
			t.Run("repeat/"+caseName(p), func(t *testing.T) { v.repeat(t, p) })
			t.Run("neighbours/"+caseName(p), func(t *testing.T) { v.neighbours(t, p) })
			t.Run("strides/"+caseName(p), func(t *testing.T) { v.strides(t, p) })
			t.Run("nolse/"+caseName(p), func(t *testing.T) { v.withoutLSE(t, p) })
		}
	}
}

func (v variant) threads(t *testing.T, p kernels.Problem) {
	want := operands(t, p, "normal")
	v.run(t, p, want, 1)
	for _, threads := range []int{2, 3, 5} {
		got := operands(t, p, "normal")
		v.run(t, p, got, threads)
		same(t, fmt.Sprintf("%d threads", threads), p, got, want)
	}
}

// repeat runs one plan twice on the same and then on other operands.
func (v variant) repeat(t *testing.T, p kernels.Problem) {
	pl := v.plan(t, p, 2)
	defer pl.Close()
	for _, family := range []string{"normal", "uniform", "normal"} {
		want := operands(t, p, family)
		v.run(t, p, want, 2)
		got := operands(t, p, family)
		if err := pl.Bind(got); err != nil {
			t.Fatal(err)
		}
		for range 2 {
			harness.PoisonOutputs(&got)
			if err := pl.Run(); err != nil {
				t.Fatal(err)
			}
			if err := pl.Fetch(); err != nil {
				t.Fatal(err)
			}
			same(t, "run again on "+family, p, got, want)
		}
	}
}

// neighbours computes the second batch element alone.
func (v variant) neighbours(t *testing.T, p kernels.Problem) {
	both := operands(t, p, "normal")
	v.run(t, p, both, 2)
	alone := p
	alone.Batch = 1
	x, want := kernels.NewTensors(alone), kernels.NewTensors(alone)
	for _, pair := range [][2]*kernels.Tensor{{&x.Q, &both.Q}, {&x.K, &both.K}, {&x.V, &both.V}, {&want.O, &both.O}} {
		copyRows(pair[0], pair[1], 1)
	}
	copy(want.LSE, both.LSE[p.Heads*p.QLen:])
	v.run(t, alone, x, 2)
	same(t, "a batch element alone", alone, x, want)
}

// copyRows copies a batch element of src into dst, which has one.
func copyRows(dst, src *kernels.Tensor, batch int) {
	for h := range src.Heads {
		for i := range src.Len {
			copy(dst.Row(0, h, i), src.Row(batch, h, i))
		}
	}
}

// strides gives Q, K and V as slices of one fused [batch, seq, ...] buffer and
// O as [batch, seq, head, dim], all one element off any alignment.
func (v variant) strides(t *testing.T, p kernels.Problem) {
	want := operands(t, p, "normal")
	v.run(t, p, want, 2)
	x := want
	x.LSE = make([]float32, len(want.LSE))
	x.Q, x.K, x.V = restride(want.Q, 3), restride(want.K, 5), restride(want.V, 7)
	x.O = restride(want.O, 1)
	guard := append([]float32(nil), x.O.Float32...)
	v.run(t, p, x, 2)
	same(t, "strided", p, x, want)
	checkGaps(t, x.O, guard)
}

// restride copies t into a [batch, seq, head, dim] layout with a gap after
// each token.
func restride(t kernels.Tensor, gap int) kernels.Tensor {
	row := t.Heads*t.Dim + gap
	out := kernels.BSHD(make([]float32, 1+t.Batch*t.Len*row)[1:], t.Batch, t.Heads, t.Len, t.Dim, row)
	for b := range t.Batch {
		for h := range t.Heads {
			for i := range t.Len {
				copy(out.Row(b, h, i), t.Row(b, h, i))
			}
		}
	}
	return out
}

// checkGaps wants the elements between the rows of o as they were.
func checkGaps(t *testing.T, o kernels.Tensor, before []float32) {
	t.Helper()
	row := o.RowStride
	for i := range o.Batch * o.Len {
		for c := i*row + o.Heads*o.Dim; c < (i+1)*row; c++ {
			if math.Float32bits(o.Float32[c]) != math.Float32bits(before[c]) {
				t.Fatalf("O: wrote %v into the gap after token %d", o.Float32[c], i)
			}
		}
	}
}

func (v variant) withoutLSE(t *testing.T, p kernels.Problem) {
	want := operands(t, p, "normal")
	v.run(t, p, want, 2)
	got := operands(t, p, "normal")
	got.LSE = nil
	v.run(t, p, got, 2)
	got.LSE = want.LSE
	same(t, "without lse", p, got, want)
}

// same fails unless O and LSE agree bit for bit.
func same(t *testing.T, what string, p kernels.Problem, got, want kernels.Tensors) {
	t.Helper()
	for b := range p.Batch {
		for h := range p.Heads {
			for i := range p.QLen {
				for d, x := range got.O.Row(b, h, i) {
					if y := want.O.Row(b, h, i)[d]; math.Float32bits(x) != math.Float32bits(y) {
						t.Fatalf("%s: O[%d %d %d %d] is %v, want the bits of %v (seed %d)", what, b, h, i, d, x, y, seed)
					}
				}
			}
		}
	}
	for i, x := range got.LSE {
		if math.Float32bits(x) != math.Float32bits(want.LSE[i]) {
			t.Fatalf("%s: lse[%d] is %v, want the bits of %v (seed %d)", what, i, x, want.LSE[i], seed)
		}
	}
}
