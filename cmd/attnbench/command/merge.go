package command

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/attnbench/attnbench/harness"
	"github.com/attnbench/attnbench/reports/merge"
)

func newMerge() *cobra.Command {
	var out outputFlags
	var partial bool
	cmd := &cobra.Command{
		Use:   "merge FILE…",
		Short: "Join the records of several machines, or of the shards of a sweep",
		Long: `merge joins files in the Go benchmark format into one. Records stay as they are;
commit, machine and shard stay beside the records that they are about. Shards of
run --shard are counted: a sweep that lacks one is refused, and so is a case that
two shards have.`,
		Example: "  attnbench merge shard-*.txt -o sweep.txt",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return usagef("merge: no file: want FILE…; see attnbench merge --help")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			o, err := out.open(cmd.OutOrStdout())
			if err != nil {
				return usage(err)
			}
			defer o.discard()
			return runMerge(args, partial, out.format, o)
		},
	}
	out.register(cmd.Flags(), "standard output")
	cmd.Flags().BoolVar(&partial, "partial", false, "merge a sweep that lacks shards")
	return cmd
}

func runMerge(paths []string, partial bool, format string, out *output) error {
	var m merge.Merger
	for _, path := range paths {
		if err := addFile(&m, path); err != nil {
			return err
		}
	}
	if err := m.Check(); err != nil && !partial {
		return failed(fmt.Errorf("%w; --partial merges what there is", err))
	}
	if err := writeMerged(&m, format, out); err != nil {
		return failed(err)
	}
	return failed(out.commit())
}

func addFile(m *merge.Merger, path string) error {
	text, err := readText(path, maxRecords)
	if err != nil {
		return usagef("file %q: %w", path, err)
	}
	switch err := m.Add(strings.NewReader(text), path); {
	case errors.Is(err, merge.ErrEmpty):
		return &exitError{exitNothing, err}
	case err != nil:
		return usage(err)
	}
	return nil
}

func writeMerged(m *merge.Merger, format string, w io.Writer) error {
	if format == "bench" {
		return m.Write(w)
	}
	return harness.Write(w, format, m.Records)
}
