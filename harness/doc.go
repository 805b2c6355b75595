// Package harness proves that a kernel computes attention, and measures what
// that costs.
//
// The opinion it holds: a time means nothing until the output that was timed
// has been held against something that cannot be wrong in the same way. So
// every case runs through the same pipeline:
//
//  1. An [Input] fills Q, K and V; [Poison] spoils what no query may see, and
//     the outputs.
//  2. [NewReference] evaluates the problem in float64 straight from the mask's
//     intervals (the oracle) and again in textbook float32 (the yardstick).
//  3. [Reference.Check] holds a kernel's output against both and returns a
//     [Verdict].
//  4. [Measurement] verifies, warms up and times every kernel on every [Case],
//     samples interleaved, and checks after each sample the output that was
//     timed. What fails has no samples.
//  5. [MeasurePeaks] finds the machine's limits with as many threads, and
//     [Peaks.CheckRoof] refuses a figure above them.
//  6. [Records] makes a record of each sample and [Write] writes them, in the
//     Go benchmark format first of all.
//
// # The two-error rule
//
// A kernel passes when its largest and its mean error against the oracle are
// each at most twice those of the yardstick, plus a floor; and when no single
// element is further off than an analytic rounding bound. The same holds for
// lse. The factor lets a kernel sum in another order; it cannot make room for
// a wrong mask or a missing scale, whose errors are of the output's own size.
//
// The floor is there for problems on which the yardstick is right by luck (one
// key, equal logits, a handful of rows). It is a few ulp of the output's scale,
// and what a few ulp of the logits do to the output; floor.go has the terms.
package harness
