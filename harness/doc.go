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
// key, equal logits, a handful of rows). It is what four roundings can do, to
// first order, and no more: four of the weighted sum, on its scale Σ P|V|, and
// four of every logit, which reach the output through Σ P·A·|V−O| with
// A = scale·Σ|q·k|. The second term is what keeps the rule fair at logits of
// ±1e4, where one ulp of a logit is 1e-3 and moves P by as much, without
// opening it where one key dominates: there V−O vanishes, and so does the term.
package harness
