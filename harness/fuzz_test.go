package harness

import (
	"errors"
	"fmt"
	"testing"

	"github.com/attnbench/attnbench/harness/faults"
	"github.com/attnbench/attnbench/kernels"
	_ "github.com/attnbench/attnbench/kernels/all"
)

// A dice draws small numbers from the fuzzer's bytes; 0 when they are used up.
type dice struct{ data []byte }

func (d *dice) below(n int) int {
	if len(d.data) == 0 {
		return 0
	}
	x := int(d.data[0])
	d.data = d.data[1:]
	return x % n
}

// drawProblem makes a small problem, seldom an invalid one.
func drawProblem(d *dice) (kernels.Problem, error) {
	p := kernels.Problem{
		Batch: 1 + d.below(2), KVHeads: 1 + d.below(3), QLen: 1 + d.below(70), KVLen: 1 + d.below(90), HeadDim: 1 + d.below(40),
		DType: kernels.DType(d.below(3)), KVDType: kernels.DType(d.below(4)),
		PageSize: []int{0, 0, 0, 1, 7, 16}[d.below(6)],
		Softcap:  []float64{0, 0, 0, 1.5, 30}[d.below(5)],
		Scale:    []float64{0, 0, 0.01, 1, 3}[d.below(5)],
		ALiBi:    d.below(4) == 1, SinkLogits: d.below(4) == 1,
	}
	p.Heads = p.KVHeads * (1 + d.below(3))
	var err error
	p.Mask, err = kernels.ParseMask(drawMask(d, p), p.KVLen)
	if k := p.Mask.Packing; k != nil {
		k.Q = append([]int(nil), k.K...)
		for i := range k.Q {
			k.Q[i] = k.K[i] * p.QLen / p.KVLen
		}
	}
	return p, err
}

func drawMask(d *dice, p kernels.Problem) string {
	spec := []string{"window:-1:-1", "causal"}[d.below(2)]
	if d.below(3) == 1 {
		spec += fmt.Sprintf("+sinks:%d", d.below(6))
	}
	switch d.below(8) {
	case 1:
		spec += fmt.Sprintf("+blocks:16:%d:%d", d.below(3), 1+d.below(3))
	case 2:
		spec += fmt.Sprintf("+longformer:16:%d:1", d.below(3))
	case 3:
		spec += fmt.Sprintf("+packed:%d:%d", 1+d.below(40), 1+d.below(40))
	case 4:
		spec += "+keylens"
		for range p.Batch {
			spec += fmt.Sprintf(":%d", d.below(p.KVLen+1))
		}
	case 5:
		if spec[0] == 'c' {
			spec += fmt.Sprintf("+window:%d:%d", d.below(50)-1, d.below(50)-1)
		}
	}
	return spec
}

// statistical are the checks that a right kernel may fail on one problem in
// ten thousands, so that a fuzzer would find it.
var statistical = map[string]bool{"max error": true, "mean error": true, "lse max error": true, "lse mean error": true}

// FuzzKernels holds every kernel on small random problems and all families of
// inputs against the oracle, within the rounding bound, and against itself
// with another number of threads.
func FuzzKernels(f *testing.F) {
	for seed := range 24 {
		data := make([]byte, 40)
		for i := range data {
			data[i] = byte(31*seed + 17*i*(1+seed%5) + i*i)
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		d := &dice{data}
		in := Inputs(uint64(d.below(256)))[d.below(len(families))]
		p, err := drawProblem(d)
		if err == nil {
			err = p.Validate()
		}
		if err != nil {
			t.Skip(err)
		}
		c := Case{Problem: p, Input: in}
		setup, err := NewSetup(c, Sampling{})
		if err != nil {
			t.Fatalf("%s: %v", c.Name("", ""), err)
		}
		for _, k := range append(kernels.All(), faults.Right()) {
			for _, isa := range kernels.ISAs() {
				if isa.Available {
					fuzzKernel(t, setup, k, isa.Name)
				}
			}
		}
	})
}

func fuzzKernel(t *testing.T, setup *Setup, k kernels.Kernel, isa string) {
	p, name := setup.Case.Problem, setup.Case.Name(k.Name(), isa)+" on "+setup.Case.Input.Name()
	var first kernels.Tensors
	for _, threads := range []int{1, 3} {
		trial, err := setup.Plan(k, kernels.Options{Threads: threads, ISA: isa})
		if errors.Is(err, errors.ErrUnsupported) {
			return
		}
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		PoisonOutputs(&setup.Tensors)
		err = trial.Run()
		trial.Close()
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if v := trial.reference.check(&setup.Tensors, statistical); !v.Pass() {
			t.Errorf("%s: %v", name, v)
		}
		if threads == 1 {
			first = outputsOf(p, setup.Tensors)
			copy(first.O.Float32, setup.Tensors.O.Float32)
			copy(first.O.Half, setup.Tensors.O.Half)
			copy(first.LSE, setup.Tensors.LSE)
		} else if err := same("with 3 threads", p, &setup.Tensors, &first); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}
