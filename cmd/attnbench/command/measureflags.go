package command

import (
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/spf13/pflag"
)

// measureFlags state how run measures.
type measureFlags struct {
	count     int
	benchTime time.Duration
	limit     time.Duration
	only      bool // no swap, no verification but that of what is timed, no peaks
	paced     bool // see pacer
	least     bool
	shard     string
	part      shard // what shard says
}

// defaultLimit keeps a run without flags below a minute on two slow cores, with
// the stages before it.
const defaultLimit = 45 * time.Second

func (f *measureFlags) register(flags *pflag.FlagSet) {
	flags.IntVar(&f.count, "count", 10, "`samples` of each kernel and case")
	flags.DurationVar(&f.benchTime, "benchtime", 10*time.Millisecond, "about how `long` a sample lasts")
	flags.DurationVar(&f.limit, "limit", defaultLimit, "about how `long` to measure; later samples are not taken; no limit where --count is given")
	flags.BoolVar(&f.only, "timing-only", false, "leave out the swap, the table of equivalence and the machine's limits; each timed output is verified all the same")
	flags.BoolVar(&f.least, "least", false, "a sample is the least of its runs and not their mean, for machines that do other work too")
	flags.BoolVar(&f.paced, strings.TrimPrefix(pacedFlag, "--"), false, "wait for a line on standard input before each sample; for attnbench ab")
	flags.MarkHidden(strings.TrimPrefix(pacedFlag, "--"))
	flags.StringVar(&f.shard, "shard", "", "measure `I/N` of the cases, for attnbench merge; auto in an array of Slurm, auto/N in one of Kubernetes")
}

func (f *measureFlags) check(flags *pflag.FlagSet) error {
	if f.count < 1 || f.count > 1_000_000 {
		return fmt.Errorf("--count %d: must be in 1..1000000", f.count)
	}
	if f.benchTime <= 0 || f.benchTime > time.Hour {
		return fmt.Errorf("--benchtime %v: must be above 0 and at most 1h", f.benchTime)
	}
	if f.limit <= 0 {
		return fmt.Errorf("--limit %v: must be above 0", f.limit)
	}
	var err error
	if f.part, err = parseShard(f.shard, os.Getenv); err != nil {
		return err
	}
	if flags.Changed("count") && !flags.Changed("limit") {
		f.limit = time.Duration(1<<63 - 1)
	}
	return nil
}
