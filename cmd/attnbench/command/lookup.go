package command

import (
	"fmt"
	"strings"

	"github.com/attnbench/attnbench/harness"
	"github.com/attnbench/attnbench/kernels"
)

// dress is what a test build may do to a kernel.
var dress = func(k kernels.Kernel) kernels.Kernel { return k }

func lookupKernels(names []string) ([]kernels.Kernel, error) {
	var list []kernels.Kernel
	if len(names) == 0 {
		for _, k := range kernels.All() {
			list = append(list, dress(k))
		}
		return list, nil
	}
	for _, name := range unique(names) {
		k, err := kernels.Get(name)
		if err != nil {
			return nil, err
		}
		list = append(list, dress(k))
	}
	return list, nil
}

func lookupISAs(names []string) ([]string, error) {
	if len(names) == 0 {
		names = []string{""}
	}
	var list []string
	for _, name := range names {
		isa, err := kernels.SelectISA(name)
		if err != nil {
			return nil, err
		}
		list = append(list, isa)
	}
	return unique(list), nil
}

func checkInputs(names []string) error {
	for _, name := range names {
		if _, ok := parseCapture(name); ok {
			continue
		}
		if _, err := harness.LookupInput(name, 0); err != nil {
			return fmt.Errorf("input %q: want some of %s, %s, or %s", name, strings.Join(harness.InputNames(), ", "), capturedGrammar, strings.Join(harness.InputGroups(), ", "))
		}
	}
	return nil
}

// unique drops repetitions and keeps the order.
func unique(names []string) []string {
	seen := map[string]bool{}
	var out []string
	for _, name := range names {
		if !seen[name] {
			out = append(out, name)
		}
		seen[name] = true
	}
	return out
}
