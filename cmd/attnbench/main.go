// Command attnbench runs a transformer whose attention can be swapped, proves
// that every swap computes the same function, and measures what it costs as
// the sequence grows.
//
//	attnbench run       # swap, verify, measure, fit: everything, in a minute
//	attnbench verify    # hold the kernels against the oracle
//	attnbench selftest  # hold the checks against wrong kernels
//	attnbench list      # kernels, instruction sets, inputs, presets, masks
//	attnbench peaks     # measure the machine's limits
//	attnbench compare   # hold records against each other; fail on what got slower
//	attnbench ab        # measure two programs side by side; fail if one is slower
//	attnbench merge     # join the records of machines or shards
//	attnbench report    # one HTML page of records, with charts
//	attnbench history   # where benchmarks changed over commits
//	attnbench model     # logits and next tokens of the transformer
//	attnbench phases    # time its forward pass by its parts
//	attnbench profile   # show in which functions a kernel spends its time
//	attnbench budget    # what each part of a prompt costs, and where attention goes
//
// Records go to standard output in the Go benchmark format, so that benchstat
// reads them; everything for a person goes to standard error.
//
// The exit code is 0 when all is well, 1 when a check failed or the run was
// interrupted, 2 when it was asked for something that can't be, and 3 when
// nothing was measured.
package main

import (
	"github.com/attnbench/attnbench/cmd/attnbench/command"
	_ "github.com/attnbench/attnbench/kernels/all"
)

func main() { command.Main() }
