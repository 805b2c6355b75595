// Package faults holds attention kernels that are wrong on purpose, each in
// one way that kernels have been wrong before. They test the tester: a harness
// that accepts one of them cannot be trusted with any other.
//
// All are built around one right kernel, a plain online softmax in float32,
// whose steps are fields of a struct: a fault replaces a step. None is in the
// registry, so that none can be listed, chosen or timed.
package faults

import "github.com/attnbench/attnbench/kernels"

// A Fault is a wrong kernel.
type Fault struct {
	Name   string // fit for a table
	Wrong  string // what it does, in a clause
	Kernel kernels.Kernel
}

// All returns every fault, in the order in which tables show them.
func All() []Fault {
	var list []Fault
	for _, group := range [][]Fault{maskFaults, scoreFaults, softmaxFaults, operandFaults, scaleFaults, outputFaults, precisionFaults, featureFaults, rounderFaults, stateFaults} {
		list = append(list, group...)
	}
	return list
}

// Right returns the kernel that the faults are built around. It must be
// accepted wherever they are rejected.
func Right() kernels.Kernel {
	k := right()
	k.name = "right"
	return k
}

// plant returns the right kernel with one thing changed.
func plant(name, wrong string, change func(k *kernel)) Fault {
	k := right()
	k.name = name
	change(&k)
	return Fault{name, wrong, k}
}
