// Package kernels is the contract that every attention kernel meets.
//
// A [Problem] states one attention call completely: shapes, mask, scale and
// element type. A [Kernel] turns a Problem into a [Plan], which owns every
// buffer; the plan's Run is what gets timed. What a query may see is decided
// in one place, [Problem.AppendVisible], and everything else is derived from
// it: the oracle, the count of visible pairs, the FLOPs, the compulsory bytes
// and the class of a tile.
//
// The semantics, where the field disagrees:
//
//   - Causal is bottom-right aligned: key j is visible to query i iff
//     j ≤ i + KVLen − QLen.
//   - A row that sees no key gives O = 0 and lse = −Inf.
//   - A masked key or value is never read into the arithmetic: a NaN in it
//     changes nothing. A NaN or Inf in a visible one propagates as IEEE
//     arithmetic has it.
//   - Results depend neither on the number of threads nor on what else is in
//     the batch, bit for bit.
//
// The package knows no harness, no model and no kernel; kernels register
// themselves here, and package kernels/all imports those that ship.
package kernels
