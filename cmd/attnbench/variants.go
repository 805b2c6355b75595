package main

import (
	"github.com/attnbench/attnbench/kernels"
)

// variants returns each kernel held to each instruction set. A kernel that is
// the same on two of them is there once.
func (j *job) variants(chosen []kernels.Kernel, isas []string) ([]kernels.Kernel, error) {
	one := j.sweep
	one.Inputs = j.inputs
	cases, err := one.Cases()
	if err != nil {
		return nil, err
	}
	var list []kernels.Kernel
	for _, k := range chosen {
		seen := map[string]bool{}
		for _, isa := range isas {
			v := pinned{k, isa}
			if used := v.uses(cases[0].Problem); !seen[used] {
				seen[used] = true
				list = append(list, v)
			}
		}
	}
	return list, nil
}

// pinned is a kernel held to one instruction set.
type pinned struct {
	kernels.Kernel
	isa string
}

// Plan overrides the instruction set of the options.
func (k pinned) Plan(p kernels.Problem, opts kernels.Options) (kernels.Plan, error) {
	opts.ISA = k.isa
	return k.Kernel.Plan(p, opts)
}

// uses returns the instruction set that the kernel takes when asked for its
// own, or "" when it has no plan for p.
func (k pinned) uses(p kernels.Problem) string {
	plan, err := k.Plan(p, kernels.Options{Threads: 1})
	if err != nil {
		return ""
	}
	defer plan.Close()
	return plan.ISA()
}
