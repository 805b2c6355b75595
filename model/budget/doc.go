// Package budget tells what each part of a prompt costs, and what it gets.
//
//  1. [NewText] cuts a prompt into named segments, each a run of tokens.
//  2. [Measure] times the prefill of the prompt, of its beginnings, and of what
//     is left without each segment.
//  3. [FitGrowth] fits the two laws of its growth, that of attention and that of
//     everything else: the length from which attention costs more, and what longer
//     prompts would cost.
//  4. [Look] evaluates every head's attention, in float64, for the share that
//     flows to each segment, its entropy, and its sinks.
//
// The package stands above model and reports, whose laws it fits.
package budget
