package model

import (
	"fmt"
	"reflect"

	"github.com/attnbench/attnbench/kernels"
)

// An attender runs each layer's attention on the layer's kernel. Layers with
// the same kernel and problem share one plan and its workspace.
type attender struct {
	calls []call // of each layer
	made  []call // the different ones
}

type call struct {
	kernel  string
	problem kernels.Problem
	plan    kernels.Plan
}

// newAttender plans each layer's problem.
func newAttender(problems []kernels.Problem, opts Options) (*attender, error) {
	ks, layers := opts.Kernels, len(problems)
	if len(ks) != 1 && len(ks) != layers {
		return nil, fmt.Errorf("%d kernels: must be 1, or 1 for each of %d layers", len(ks), layers)
	}
	a := &attender{}
	for i, p := range problems {
		c, err := a.call(ks[i%len(ks)], p, opts)
		if err != nil {
			a.close()
			return nil, fmt.Errorf("layer %d: %w", i, err)
		}
		a.calls = append(a.calls, c)
	}
	return a, nil
}

// call returns the plan for p, made on first use.
func (a *attender) call(k kernels.Kernel, p kernels.Problem, opts Options) (call, error) {
	for _, c := range a.made {
		if c.kernel == k.Name() && reflect.DeepEqual(c.problem, p) {
			return c, nil
		}
	}
	if err := k.Supports(p); err != nil {
		return call{}, err
	}
	plan, err := k.Plan(p, kernels.Options{Threads: opts.Threads, ISA: opts.ISA})
	if err != nil {
		return call{}, err
	}
	c := call{k.Name(), p, plan}
	a.made = append(a.made, c)
	return c, nil
}

// run computes one layer's attention into o.
func (a *attender) run(layer int, q, k, v, o kernels.Tensor) error {
	plan := a.calls[layer].plan
	if err := plan.Bind(kernels.Tensors{Q: q, K: k, V: v, O: o}); err != nil {
		return err
	}
	if err := plan.Run(); err != nil {
		return err
	}
	return plan.Fetch()
}

// workspace returns the bytes that the plans hold together.
func (a *attender) workspace() int64 {
	var sum int64
	for _, c := range a.made {
		sum += c.plan.Workspace()
	}
	return sum
}

// close releases the plans. What they computed has been fetched, so that an
// error here could only say that memory is lost.
func (a *attender) close() {
	for _, c := range a.made {
		_ = c.plan.Close()
	}
}
