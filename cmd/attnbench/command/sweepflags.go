package command

import (
	"fmt"
	"runtime"

	"github.com/spf13/pflag"

	"github.com/attnbench/attnbench/kernels"
)

// sweepFlags state what run and verify work on, as it was typed.
type sweepFlags struct {
	kernels, masks, isas, inputs []string
	lengths                      string
	batch, heads, kvHeads, dim   int
	threads                      int
	seed                         uint64
	problem                      problemFlags
	subject                      subjectFlags
	ownLengths                   bool // --n has a default that stands before a preset's lengths
	firstInput                   bool // only the input that is timed is of interest
}

func (f *sweepFlags) register(flags *pflag.FlagSet) {
	flags.StringSliceVar(&f.kernels, "kernel", nil, "`names` of kernels (default all)")
	flags.StringVar(&f.lengths, "n", "128..2048x2", "`lengths` of the sequence of keys: lists, and ranges LO..HIxFACTOR")
	flags.IntVar(&f.batch, "batch", 1, "batch `size`")
	flags.IntVar(&f.heads, "heads", 0, "query `heads` (default the model's)")
	flags.IntVar(&f.kvHeads, "kv-heads", 0, "key and value `heads` (default as many as --heads)")
	flags.IntVar(&f.dim, "dim", 0, "`width` of a head (default the model's)")
	flags.StringSliceVar(&f.masks, "mask", []string{"causal", "window:256"}, "`masks`; see attnbench list")
	flags.IntVar(&f.threads, "threads", runtime.GOMAXPROCS(0), "`number` of threads of a kernel")
	flags.StringSliceVar(&f.isas, "isa", nil, "instruction `sets` (default the best available)")
	flags.StringSliceVar(&f.inputs, "inputs", inputNames(), "`inputs` to verify on; the first is the one that is timed")
	flags.Uint64Var(&f.seed, "seed", 1, "`seed` of inputs, order and resampling")
	f.problem.register(flags)
	f.subject.register(flags)
}

// check refuses values that make no sense by themselves. A 0 that was not given
// stands for the model's own.
func (f *sweepFlags) check(flags *pflag.FlagSet) error {
	for _, x := range []struct {
		name string
		list []string
	}{{"kernel", f.kernels}, {"mask", f.masks}, {"isa", f.isas}, {"inputs", f.inputs}} {
		if flags.Changed(x.name) && len(x.list) == 0 {
			return fmt.Errorf("--%s is empty: want at least one name; see attnbench list", x.name)
		}
	}
	for _, x := range []struct {
		name  string
		value int
		most  int
	}{
		{"batch", f.batch, 1 << 20}, {"heads", f.heads, 1 << 20}, {"kv-heads", f.kvHeads, 1 << 20},
		{"dim", f.dim, kernels.MaxHeadDim}, {"threads", f.threads, maxThreads},
	} {
		if flags.Changed(x.name) && (x.value < 1 || x.value > x.most) {
			return fmt.Errorf("--%s %d: must be in 1..%d", x.name, x.value, x.most)
		}
	}
	return nil
}

// maxThreads leaves room to run kernels on more threads than there are
// processors; more is a slip of the finger, and would measure for hours.
var maxThreads = 16 * runtime.NumCPU()
