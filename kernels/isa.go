package kernels

import (
	"fmt"
	"slices"
	"strings"
)

// An ISA is a variant of the CPU code: "generic" is portable Go.
type ISA struct {
	Name      string
	Available bool // this machine has every feature that the variant needs

	// Extends names the variant that this one is but for products of
	// bfloat16, "" for none. A plan that has no use for those runs, and
	// reports, the other one.
	Extends string

	// ByName says that the variant runs only where it is asked for: it is here
	// for comparison, and slower on this processor than what it extends.
	ByName bool
}

// isas runs from least to most preferred.
var isas = []ISA{{Name: Generic, Available: true}}

// Generic names the portable variant, which every machine has.
const Generic = "generic"

// RegisterISA adds a variant that is preferred over those before it; init
// functions of the packages that hold assembly call it.
func RegisterISA(isa ISA) {
	if slices.ContainsFunc(isas, func(x ISA) bool { return x.Name == isa.Name }) {
		panic("kernels: ISA registered twice: " + isa.Name)
	}
	isas = append(isas, isa)
}

// ISAs returns the variants compiled in, least preferred first.
func ISAs() []ISA { return slices.Clone(isas) }

// SelectISA resolves Options.ISA: "" is the best available one that does not
// want to be named.
func SelectISA(name string) (string, error) {
	var have []string
	for _, isa := range slices.Backward(isas) {
		if !isa.Available {
			continue
		}
		if name == "" && !isa.ByName || name == isa.Name {
			return isa.Name, nil
		}
		have = append(have, isa.Name)
	}
	return "", fmt.Errorf("isa %q: this machine and build have %s", name, strings.Join(have, ", "))
}

// Float32ISA returns the variant that multiplies floats for one that SelectISA
// approved: what that extends, or itself.
func Float32ISA(name string) string {
	for _, isa := range isas {
		if isa.Name == name && isa.Extends != "" {
			return isa.Extends
		}
	}
	return name
}
