package command

import (
	"errors"
	"fmt"
	"regexp"
	"runtime"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/perf/benchfmt"

	"github.com/attnbench/attnbench/harness"
	"github.com/attnbench/attnbench/kernels"
	"github.com/attnbench/attnbench/kernels/external"
)

// loads gives a command the flag --load, which is obeyed before the command runs.
func loads(cmd *cobra.Command) *cobra.Command {
	var paths []string
	cmd.Flags().StringSliceVar(&paths, "load", nil, "shared `library` with kernels of your own, FILE or PREFIX=FILE; may be repeated")
	cmd.PreRunE = func(cmd *cobra.Command, _ []string) error {
		if cmd.Flags().Changed("load") && len(paths) == 0 {
			return usagef("--load is empty: want the file of a shared library")
		}
		for _, path := range paths {
			if err := load(path); err != nil {
				return usage(fmt.Errorf("--load %q: %w", path, err))
			}
		}
		if len(loaded) > 0 {
			lockThread()
		}
		return nil
	}
	return cmd
}

// lockThread keeps this goroutine, which runs the kernels, on its thread.
//
// Note: otherwise it wakes up on another one after each collection of garbage, and
// OpenMP keeps a team of threads for each thread that it was called from: three teams
// on two processors, in 42 changes over 40 samples. flash was not slower for it.
func lockThread() { runtime.LockOSThread() }

// loaded are the libraries of this run.
var loaded []*external.Library

var prefixForm = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]*=`)

// load registers the kernels of a library.
func load(arg string) error {
	path, prefix := arg, ""
	if form := prefixForm.FindString(arg); form != "" {
		path, prefix = arg[len(form):], strings.TrimSuffix(form, "=")
	}
	if path == "" {
		return errors.New("names no file")
	}
	l, err := external.Load(path, prefix)
	if err != nil {
		return err
	}
	names := kernels.Names()
	for _, k := range l.Kernels {
		if slices.Contains(names, k.Name()) {
			return fmt.Errorf("kernel %q: the name is taken; PREFIX=FILE puts PREFIX- before the names of a library", k.Name())
		}
		names = append(names, k.Name())
	}
	for _, k := range l.Kernels {
		kernels.Register(k)
	}
	loaded = append(loaded, l)
	return nil
}

// provenance is harness.Provenance, and for each loaded kernel a remark which build
// of which library it is.
func provenance(seed uint64, peaks *harness.Peaks) []benchfmt.Config {
	config := harness.Provenance(seed, peaks)
	for _, l := range loaded {
		for _, k := range l.Kernels {
			config = append(config, harness.Note("kernel-"+k.Name(), l.Name+" sha256:"+l.SHA256))
		}
	}
	return config
}
