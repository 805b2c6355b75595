// Package command is the command attnbench, for programs that have kernels of
// their own: such a program is a main package of a few lines,
//
//	package main
//
//	import (
//		"github.com/attnbench/attnbench/cmd/attnbench/command"
//		_ "github.com/attnbench/attnbench/kernels/all"
//
//		_ "example.com/me/mykernel" // its init calls kernels.Register
//	)
//
//	func main() { command.Main() }
//
// and has every subcommand, for those kernels beside the ones that ship.
package command

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"strings"
	"syscall"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	_ "github.com/attnbench/attnbench/kernels/naive" // the baseline
)

// The exit codes.
const (
	exitOK = iota
	exitFailed
	exitUsage
	exitNothing
)

// Main runs the command line of the process and exits with its code.
func Main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the program at once
	os.Exit(run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

// run executes one command line and returns its exit code. Whatever went wrong
// is one line on stderr.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	root := newRoot()
	root.SetArgs(args)
	root.SetIn(stdin)
	root.SetOut(stdout)
	root.SetErr(stderr)
	err := root.ExecuteContext(ctx)
	if err == nil {
		return exitOK
	}
	fmt.Fprintf(stderr, "attnbench: %s\n", oneLine(err))
	var coded *exitError
	if errors.As(err, &coded) {
		return coded.code
	}
	return exitUsage // cobra's own: an unknown flag
}

// oneLine joins the lines of an error that lists several.
func oneLine(err error) string {
	return strings.Join(strings.FieldsFunc(err.Error(), func(r rune) bool { return r == '\n' || r == '\r' }), "; ")
}

// An exitError is an error with the exit code that it asks for.
type exitError struct {
	code int
	err  error
}

func (e *exitError) Error() string { return e.err.Error() }
func (e *exitError) Unwrap() error { return e.err }

// usage marks err as one of the command line or its files.
func usage(err error) error { return &exitError{exitUsage, err} }

// usagef is usage of a new error.
func usagef(format string, args ...any) error { return usage(fmt.Errorf(format, args...)) }

// failed marks err, if there is one, as a check that failed, or work that broke
// off.
func failed(err error) error {
	if err == nil {
		return nil
	}
	return &exitError{exitFailed, err}
}

func newRoot() *cobra.Command {
	root := &cobra.Command{
		Use:   "attnbench",
		Short: "Prove that attention kernels are equivalent, and measure what they cost",
		Long: `attnbench swaps attention kernels into a reference transformer, proves that
each computes the same function, and measures time, memory and the exponent of
their growth with the sequence length.

Records go to standard output in the Go benchmark format, for benchstat;
everything for a person goes to standard error.

Exit codes: 0 fine, 1 a check failed or the run was interrupted, 2 usage,
3 nothing was measured.`,
		Example:       "  attnbench run\n  attnbench run --kernel flash,naive --n 128..4096x2 --mask causal -o flash.txt",
		Version:       version(),
		Args:          cobra.ArbitraryArgs,
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	root.RunE = func(_ *cobra.Command, args []string) error { return noCommand(root, args) }
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usage(flagError(err)) })
	root.SetHelpCommand(&cobra.Command{
		Use:   "help [command]",
		Short: "Help about any command",
		RunE: func(_ *cobra.Command, args []string) error {
			cmd, rest, err := root.Find(args)
			if err != nil || len(rest) > 0 {
				return noCommand(root, args)
			}
			return cmd.Help()
		},
	})
	root.CompletionOptions.HiddenDefaultCmd = true
	root.AddCommand(loads(newRun()), loads(newVerify()), loads(newSelftest()), loads(newList()), newPeaks(), loads(newModel()), loads(newPhases()),
		loads(newProfile()), loads(newBudget()), newReport(), newHistory(), newCompare(), newMerge(), newAB())
	return root
}

// noCommand says which commands there are.
func noCommand(root *cobra.Command, args []string) error {
	var names []string
	for _, c := range root.Commands() {
		if c.IsAvailableCommand() && c.Name() != "help" {
			names = append(names, c.Name())
		}
	}
	want := strings.Join(names, ", ")
	if len(args) == 0 {
		return usagef("no command: want one of %s; see attnbench --help", want)
	}
	return usagef("command %q: want one of %s", args[0], want)
}

// flagError says of a flag's value what is allowed, where the flag's type says
// it; the causes that package strconv gives name its functions.
func flagError(err error) error {
	var invalid *pflag.InvalidValueError
	if !errors.As(err, &invalid) {
		return err
	}
	flag := invalid.GetFlag()
	want, ok := map[string]string{
		"int": "a whole number", "uint64": "a whole number of at least 0", "float64": "a number", "bool": "true or false",
		"intSlice": "whole numbers, joined by commas", "duration": "a duration such as 500ms, 30s or 5m",
	}[flag.Value.Type()]
	if !ok {
		return err
	}
	return fmt.Errorf("--%s %q: want %s", flag.Name, invalid.GetValue(), want)
}

// version names what the binary was built from.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unavailable: the binary has no build information"
	}
	return fmt.Sprintf("%s, %s", info.Main.Version, info.GoVersion)
}

// noArgs refuses arguments that are not flags.
func noArgs(cmd *cobra.Command, args []string) error {
	if len(args) > 0 {
		return usagef("%s %q: takes no arguments, only flags; see attnbench %s --help", cmd.Name(), args[0], cmd.Name())
	}
	return nil
}
