package command

import (
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/attnbench/attnbench/harness"
	"github.com/attnbench/attnbench/harness/faults"
	"github.com/attnbench/attnbench/reports"
)

func newSelftest() *cobra.Command {
	var names, without []string
	var explain bool
	cmd := &cobra.Command{
		Use:   "selftest",
		Short: "Test the checks: wrong kernels must be rejected, right ones accepted",
		Long: `selftest holds kernels that are wrong on purpose, each in one way, against the
same cases as those that ship. It fails unless every wrong one is rejected and
every right one accepted, and shows which check rejected each, and on what.`,
		Example: "  attnbench selftest\n" +
			"  attnbench selftest --explain\n" +
			"  attnbench selftest --without 'key order'   # see what only that check finds",
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			chosen, err := lookupKernels(names)
			if err != nil {
				return usage(err)
			}
			s := harness.Selftest{Kernels: append(chosen, faults.Right()), Without: without}
			if err := s.Check(); err != nil {
				return usage(err)
			}
			return selftest(cmd, s, explain)
		},
	}
	cmd.Flags().StringSliceVar(&names, "kernel", nil, "`names` of kernels that must be accepted (default all)")
	cmd.Flags().StringSliceVar(&without, "without", nil, "`checks` to leave out")
	cmd.Flags().BoolVar(&explain, "explain", false, "say what is wrong with each kernel, and what was found")
	return cmd
}

func selftest(cmd *cobra.Command, s harness.Selftest, explain bool) error {
	total := len(faults.All())
	bar := newProgress(cmd.ErrOrStderr(), fmt.Sprintf("judging %d wrong kernels, and the right ones", total), total)
	s.Progress = func(done, total int, next string) { bar.at(min(done, total)) }
	judged, err := s.Run(cmd.Context())
	bar.done()
	c := newChecks(cmd.ErrOrStderr())
	for _, j := range judged {
		switch {
		case j.Right():
		case j.Wrong != "":
			c.fail("%s passed all %d cases: %s", j.Kernel, j.Passed, j.Wrong)
		default:
			c.fail("%s (%s) was rejected by %q on %s: %s", j.Kernel, j.ISA, j.Check, j.Case, j.Reason)
		}
	}
	if err := errors.Join(err, writeJudgements(cmd.OutOrStdout(), judged, explain)); err != nil {
		return failed(err)
	}
	return c.err()
}

// writeJudgements writes a table of the wrong kernels and one of the right. With
// explain it says in lines of its own what each wrong one does and what was found.
func writeJudgements(w io.Writer, judged []harness.Judgement, explain bool) error {
	wrong := &reports.Table{Title: "Wrong kernels", Header: []string{"kernel", "rejected by", "on"}, Left: 3}
	right := &reports.Table{Title: "Right kernels", Header: []string{"kernel", "isa", "rejected by", "cases passed"}, Left: 3}
	var lines strings.Builder
	for _, j := range judged {
		check := j.Check
		if check == "" {
			check = "nothing"
		}
		if j.Wrong == "" {
			if j.Skipped != nil && !j.Rejected() {
				right.Note("%s: skipped: %v", j.Kernel, j.Skipped)
			}
			right.Rows = append(right.Rows, []string{j.Kernel, j.ISA, check, strconv.Itoa(j.Passed)})
			continue
		}
		wrong.Rows = append(wrong.Rows, []string{j.Kernel, check, j.Case})
		fmt.Fprintf(&lines, "%s: %s\n", j.Kernel, j.Wrong)
		if j.Rejected() {
			fmt.Fprintf(&lines, "  %s, on %s: %s\n", check, j.Case, j.Reason)
		}
	}
	if explain {
		fmt.Fprintln(w, lines.String())
	}
	if err := wrong.Write(w); err != nil {
		return err
	}
	fmt.Fprintln(w)
	return right.Write(w)
}
