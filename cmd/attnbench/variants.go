package main

import (
	"github.com/attnbench/attnbench/kernels"
)

// variants returns each kernel held to each instruction set. A kernel that is
// the same on two of them is there once.
func (j *job) variants(chosen []kernels.Kernel, isas []string) []kernels.Kernel {
	var list []kernels.Kernel
	for _, k := range chosen {
		seen := map[string]bool{}
		for _, isa := range isas {
			v := pin(k, isa, j.problems[0])
			if !seen[v.used] {
				seen[v.used] = true
				list = append(list, v)
			}
		}
	}
	return list
}

// pinned is a kernel held to one instruction set.
type pinned struct {
	kernels.Kernel
	isa  string
	used string // what the kernel takes when held to isa, "" when unknown
}

// pin holds a kernel to an instruction set and plans p to learn what it takes.
func pin(k kernels.Kernel, isa string, p kernels.Problem) pinned {
	v := pinned{Kernel: k, isa: isa}
	if plan, err := v.Plan(p, kernels.Options{Threads: 1}); err == nil {
		v.used = plan.ISA()
		plan.Close()
	}
	return v
}

// Plan overrides the instruction set of the options.
func (k pinned) Plan(p kernels.Problem, opts kernels.Options) (kernels.Plan, error) {
	opts.ISA = k.isa
	return k.Kernel.Plan(p, opts)
}

// isaOf returns what a pinned kernel takes, "" when unknown.
func isaOf(k kernels.Kernel) string {
	p, _ := k.(pinned)
	return p.used
}
