package model

import (
	"fmt"

	"github.com/attnbench/attnbench/kernels"
)

// problem states the attention call of a layer over n tokens.
func (c Config) problem(layer, n int) kernels.Problem {
	return kernels.Problem{
		Batch: 1, Heads: c.Heads, KVHeads: c.Heads,
		QLen: n, KVLen: n, HeadDim: c.HeadDim(),
		Mask:  kernels.Mask{Causal: true},
		Scale: c.scale(layer),
	}
}

// An attender runs each layer's attention on the layer's kernel. Layers with
// the same kernel and problem share one plan and its workspace.
type attender struct {
	plans []kernels.Plan // of each layer
	made  map[planKey]kernels.Plan
}

type planKey struct {
	kernel string
	scale  float64 // the one thing in which the layers' problems differ
}

func (m *Model) newAttender(n int, opts Options) (*attender, error) {
	ks, layers := opts.Kernels, m.Config.Layers
	if len(ks) != 1 && len(ks) != layers {
		return nil, fmt.Errorf("%d kernels: must be 1, or 1 for each of %d layers", len(ks), layers)
	}
	a := &attender{made: make(map[planKey]kernels.Plan)}
	for i := range layers {
		plan, err := a.plan(ks[i%len(ks)], m.Config.problem(i, n), opts)
		if err != nil {
			a.close()
			return nil, fmt.Errorf("layer %d: %w", i, err)
		}
		a.plans = append(a.plans, plan)
	}
	return a, nil
}

// plan returns the plan for p, made on first use.
func (a *attender) plan(k kernels.Kernel, p kernels.Problem, opts Options) (kernels.Plan, error) {
	key := planKey{k.Name(), p.Scale}
	if plan, ok := a.made[key]; ok {
		return plan, nil
	}
	if err := k.Supports(p); err != nil {
		return nil, err
	}
	plan, err := k.Plan(p, kernels.Options{Threads: opts.Threads, ISA: opts.ISA})
	if err != nil {
		return nil, err
	}
	a.made[key] = plan
	return plan, nil
}

// run computes one layer's attention into o.
func (a *attender) run(layer int, call Attention, o kernels.Tensor) error {
	plan := a.plans[layer]
	if err := plan.Bind(kernels.Tensors{Q: call.Q, K: call.K, V: call.V, O: o}); err != nil {
		return err
	}
	if err := plan.Run(); err != nil {
		return err
	}
	return plan.Fetch()
}

// close releases the plans. What they computed has been fetched, so that an
// error here could only say that memory is lost.
func (a *attender) close() {
	for _, plan := range a.made {
		_ = plan.Close()
	}
}
