package command

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/attnbench/attnbench/harness"
	"github.com/attnbench/attnbench/kernels"
)

func newList() *cobra.Command {
	return &cobra.Command{
		Use:   "list",
		Short: "List kernels, instruction sets, inputs, presets and masks",
		Args:  noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return failed(writeList(cmd.OutOrStdout()))
		},
	}
}

func writeList(w io.Writer) error {
	tab := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(tab, "kernels (--kernel)")
	for _, k := range kernels.All() {
		fmt.Fprintf(tab, "  %s\t%s\n", k.Name(), describe(k))
	}
	fmt.Fprintln(tab, "\ninstruction sets (--isa), least preferred first")
	for _, isa := range kernels.ISAs() {
		fmt.Fprintf(tab, "  %s\t%s\n", isa.Name, availability(isa))
	}
	fmt.Fprintln(tab, "\ninputs (--inputs)")
	fmt.Fprintf(tab, "  %s\n", strings.Join(inputNames(), ", "))
	for _, group := range harness.InputGroups() {
		fmt.Fprintf(tab, "  %s\t%s\n", group, strings.Join(harness.ExpandInputs([]string{group}), ", "))
	}
	fmt.Fprintln(tab, "\npresets (--preset)")
	for _, p := range harness.Presets() {
		fmt.Fprintf(tab, "  %s\t%s\n", p.Name, p.About)
		fmt.Fprintf(tab, "  \t  %s; n %s\n", strings.Join(p.Masks, " and "), joinLengths(p.Lengths))
		fmt.Fprintf(tab, "  \t  %s\n", p.Source)
	}
	fmt.Fprintln(tab, "\nmasks (--mask), joined by +, of the keys that a query sees")
	for _, f := range kernels.MaskForms() {
		fmt.Fprintf(tab, "  %s\t%s\n", f.Form, f.Meaning)
	}
	return tab.Flush()
}

func joinLengths(lengths []int) string {
	return strings.Trim(strings.Join(strings.Fields(fmt.Sprint(lengths)), ", "), "[]")
}

func describe(k kernels.Kernel) string {
	if d, ok := k.(kernels.Describer); ok {
		return d.Describe()
	}
	return ""
}

func availability(isa kernels.ISA) string {
	switch {
	case !isa.Available:
		return "unavailable: this machine lacks a feature that it needs"
	case isa.ByName:
		return "available by name: slower here than " + isa.Extends
	}
	return "available"
}

// inputNames are what --inputs takes.
func inputNames() []string { return append(harness.InputNames(), captured) }

// captured names the input taken from the model's own forward pass.
const captured = "captured"
