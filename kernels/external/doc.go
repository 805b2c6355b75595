// Package external loads a user's own kernels from a shared library, through the
// C interface that attnbench.h states. They are kernels like all others: held
// against the oracle, timed beside them, swapped into the model.
//
// The library is called through github.com/ebitengine/purego, without cgo: any
// compiler makes one, and attnbench is not compiled anew. docs/external.md says
// how, and example holds kernels in C.
package external
