package harness

import (
	"fmt"
	"math"

	"github.com/attnbench/attnbench/kernels"
)

// checkRepeat runs one plan again on the same operands.
func checkRepeat(pr *prober) error {
	got := outputsOf(pr.c.Problem, pr.base)
	pl, err := pr.plan(pr.c.Problem, &got, pr.opts.Threads)
	if err != nil {
		return err
	}
	defer pl.Close()
	for n := range 3 {
		if err := runOnce(pl, &got); err != nil {
			return err
		}
		if err := same(fmt.Sprintf("run %d of a plan", n+1), pr.c.Problem, &got, &pr.base); err != nil {
			return err
		}
	}
	return nil
}

// checkRebind runs one plan on other operands in the same memory.
func checkRebind(pr *prober) error {
	p := pr.c.Problem
	other, err := LookupInput("uniform", 1)
	if err != nil {
		return err
	}
	fresh, err := newOperands(p, other)
	if err != nil {
		return err
	}
	if err := pr.run(p, &fresh, pr.opts.Threads); err != nil {
		return err
	}
	got, err := newOperands(p, pr.c.Input)
	if err != nil {
		return err
	}
	pl, err := pr.plan(p, &got, pr.opts.Threads)
	if err != nil {
		return err
	}
	defer pl.Close()
	if err := runOnce(pl, &got); err != nil {
		return err
	}
	for _, x := range [][2]*kernels.Tensor{{&got.Q, &fresh.Q}, {&got.K, &fresh.K}, {&got.V, &fresh.V}} {
		copy(x[0].Float32, x[1].Float32)
		copy(x[0].Half, x[1].Half)
		copy(x[0].Int8, x[1].Int8)
		copy(x[0].Scales, x[1].Scales)
	}
	copy(got.SinkLogits, fresh.SinkLogits)
	if err := pl.Bind(bindable(pr.kernel, got)); err != nil {
		return err
	}
	if err := runOnce(pl, &got); err != nil {
		return err
	}
	return same("a plan bound to other operands", p, &got, &fresh)
}

// checkThreads runs with several numbers of threads.
func checkThreads(pr *prober) error {
	for _, threads := range []int{1, 2, 3, 5} {
		got := outputsOf(pr.c.Problem, pr.base)
		if err := pr.run(pr.c.Problem, &got, threads); err != nil {
			return err
		}
		if err := same(fmt.Sprintf("with %d threads", threads), pr.c.Problem, &got, &pr.base); err != nil {
			return err
		}
	}
	return nil
}

// checkNeighbours runs each batch element alone.
func checkNeighbours(pr *prober) error {
	p := pr.c.Problem
	if p.Batch == 1 {
		return inapplicable("one batch element has no neighbours")
	}
	for b := range p.Batch {
		one, got, want := alone(p, &pr.base, b)
		if err := pr.run(one, &got, pr.opts.Threads); err != nil {
			return err
		}
		if err := same(fmt.Sprintf("batch element %d alone", b), one, &got, &want); err != nil {
			return err
		}
	}
	return nil
}

// alone returns the problem of one batch element, its operands, and its part
// of the outputs of t.
func alone(p kernels.Problem, t *kernels.Tensors, b int) (one kernels.Problem, got, want kernels.Tensors) {
	if one = p; p.Mask.KeyLens != nil {
		one.Mask.KeyLens = p.Mask.KeyLens[b : b+1]
	}
	one.Batch = 1
	got, want = kernels.NewTensors(one), kernels.NewTensors(one)
	for _, x := range [][2]*kernels.Tensor{{&got.Q, &t.Q}, {&got.K, &t.K}, {&got.V, &t.V}, {&want.O, &t.O}} {
		copyElement(x[0], x[1], b)
	}
	rows := p.Heads * p.QLen
	if t.LSE != nil {
		copy(want.LSE, t.LSE[b*rows:])
	}
	copy(got.SinkLogits, t.SinkLogits)
	return one, got, want
}

// copyElement copies batch element b of src to the only one of dst.
func copyElement(dst, src *kernels.Tensor, b int) {
	for h := range src.Heads {
		for i := range src.Len {
			dst.CopyRow(0, h, i, src, b, h, i)
		}
	}
}

// checkStrides gives every operand in other layouts.
func checkStrides(pr *prober) error {
	for _, l := range layouts {
		got := relaid(pr.c.Problem, &pr.base, l)
		if err := pr.run(pr.c.Problem, &got, pr.opts.Threads); err != nil {
			return err
		}
		if err := same("in the layout of "+l.name, pr.c.Problem, &got, &pr.base); err != nil {
			return err
		}
	}
	return nil
}

// checkStray wants every element that is not of O or LSE as it was.
func checkStray(pr *prober) error {
	fresh, err := newOperands(pr.c.Problem, pr.c.Input) // those of base have been run on
	if err != nil {
		return err
	}
	for _, l := range layouts {
		t, before := relaid(pr.c.Problem, &fresh, l), relaid(pr.c.Problem, &fresh, l)
		if err := pr.run(pr.c.Problem, &t, pr.opts.Threads); err != nil {
			return err
		}
		fillRows(&t.O, func(row []float32) { clear(row) })
		fillRows(&before.O, func(row []float32) { clear(row) })
		for _, x := range []struct {
			name      string
			got, want *kernels.Tensor
		}{{"Q", &t.Q, &before.Q}, {"K", &t.K, &before.K}, {"V", &t.V, &before.V}, {"O", &t.O, &before.O}} {
			if at := firstChange(x.got, x.want); at >= 0 {
				return broken("in the layout of %s: element %d of the memory of %s was written, and is none of its output", l.name, at, x.name)
			}
		}
	}
	return nil
}

// firstChange returns the first element in which two tensors' memory differs.
func firstChange(a, b *kernels.Tensor) int {
	for _, x := range [][2][]float32{{a.Float32, b.Float32}, {a.Scales, b.Scales}} {
		for i, y := range x[0] {
			if math.Float32bits(y) != math.Float32bits(x[1][i]) {
				return i
			}
		}
	}
	for i, x := range a.Int8 {
		if x != b.Int8[i] {
			return i
		}
	}
	for i, x := range a.Half {
		if x != b.Half[i] {
			return i
		}
	}
	return -1
}

const noLSE = "the kernel returns no lse"

// checkWithoutLSE runs without room for lse.
func checkWithoutLSE(pr *prober) error {
	if OmitsLSE(pr.kernel) {
		return inapplicable(noLSE)
	}
	got := outputsOf(pr.c.Problem, pr.base)
	got.LSE = nil
	if err := pr.run(pr.c.Problem, &got, pr.opts.Threads); err != nil {
		return err
	}
	got.LSE = pr.base.LSE
	return same("without lse", pr.c.Problem, &got, &pr.base)
}

// same wants O and lse to agree bit for bit.
func same(what string, p kernels.Problem, got, want *kernels.Tensors) error {
	return eachOutput(p, got, want, func(e Element, name string) error {
		if math.Float32bits(float32(e.Got)) != math.Float32bits(float32(e.Want)) {
			return broken("%s: %s%v", what, name, e)
		}
		return nil
	})
}
