package kernels

import (
	"fmt"
	"slices"
	"strings"
)

// A Kernel is one way to compute attention.
type Kernel interface {
	// Name is the registered name: lower case, unique, fit for a record.
	Name() string

	// Supports returns nil, or an error that wraps errors.ErrUnsupported and
	// says what of p is missing. A kernel never substitutes another
	// computation for the one it was asked.
	Supports(p Problem) error

	// Plan validates p once and allocates all that Run needs.
	Plan(p Problem, opts Options) (Plan, error)
}

// Options choose how, not what, a kernel computes.
type Options struct {
	Threads int    // 0 means GOMAXPROCS
	ISA     string // the most that a plan may use, which [SelectISA] checks; "" means the best that the machine has
}

// A Plan is a kernel made ready for one Problem. It is not safe for
// concurrent use; its Run is parallel inside.
type Plan interface {
	// Bind sets the operands. A device backend uploads here.
	Bind(Tensors) error

	// Run computes O, and LSE where bound. It is what is timed and allocates
	// nothing. The operands may have new contents since Bind on the CPU.
	Run() error

	// Fetch brings a device's output back; on the CPU it does nothing.
	Fetch() error

	// Workspace returns the bytes held beyond inputs and outputs.
	Workspace() int64

	// ISA names the instruction set that Run uses, as records write it.
	ISA() string

	// Close releases everything; the plan is of no use afterwards.
	Close() error
}

// A WeightRounder is a Kernel that rounds P to the type of V before it weighs the
// values, as tensor cores, VDPBF16PS and AMX want it. It is held against a plain
// evaluation that does the same, where RoundsWeights says so of a plan.
type WeightRounder interface {
	RoundsWeights(p Problem, opts Options) bool
}

// An LSEOmitter is a Kernel that may have no lse, as those of other libraries often
// do. Where OmitsLSE is true its plans are bound without room for lse, and
// nothing that needs it is checked.
type LSEOmitter interface{ OmitsLSE() bool }

// A Describer is a Kernel with a line about itself for listings.
type Describer interface{ Describe() string }

var registry []Kernel

// Register adds a kernel; init functions call it. It panics on an empty or
// taken name. It probes nothing, so that listing stays cheap.
func Register(k Kernel) {
	name := k.Name()
	if name == "" || strings.ContainsAny(name, "/ =,\t\n") {
		panic("kernels: name is empty or unfit for a record: " + name)
	}
	at, taken := slices.BinarySearchFunc(registry, name, func(k Kernel, name string) int { return strings.Compare(k.Name(), name) })
	if taken {
		panic("kernels: registered twice: " + name)
	}
	registry = slices.Insert(registry, at, k)
}

// All returns the registered kernels, sorted by name.
func All() []Kernel { return slices.Clone(registry) }

// Names returns the names of the registered kernels, sorted.
func Names() []string {
	names := make([]string, len(registry))
	for i, k := range registry {
		names[i] = k.Name()
	}
	return names
}

// Get returns the kernel of a name; its error lists the names there are.
func Get(name string) (Kernel, error) {
	for _, k := range registry {
		if k.Name() == name {
			return k, nil
		}
	}
	return nil, fmt.Errorf("kernel %q: want one of %s", name, strings.Join(Names(), ", "))
}
