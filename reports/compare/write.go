package compare

import (
	"bytes"
	"fmt"
	"io"
	"slices"
	"strings"
)

var formats = []struct {
	name  string
	write func(*Report, io.Writer) error
}{
	{"text", (*Report).writeText},
	{"markdown", (*Report).writeMarkdown},
	{"csv", (*Report).writeCSV},
	{"json", (*Report).writeJSON},
	{"html", (*Report).writeHTML},
	{"junit", (*Report).writeJUnit},
	{"github", (*Report).writeGitHub},
}

// Formats returns the names of the formats of [Report.Write].
func Formats() []string {
	names := make([]string, len(formats))
	for i, f := range formats {
		names[i] = f.name
	}
	return names
}

// CheckFormat returns an error that lists the formats if name is none of them.
func CheckFormat(name string) error {
	if !slices.Contains(Formats(), name) {
		return fmt.Errorf("format %q: want one of %s", name, strings.Join(Formats(), ", "))
	}
	return nil
}

// Write prints the report whole, or nothing.
func (r *Report) Write(w io.Writer, format string) error {
	if err := CheckFormat(format); err != nil {
		return err
	}
	var buf bytes.Buffer
	for _, f := range formats {
		if f.name != format {
			continue
		}
		if err := f.write(r, &buf); err != nil {
			return err
		}
	}
	_, err := w.Write(buf.Bytes())
	return err
}

func (r *Report) writeText(w io.Writer) error {
	for _, t := range r.Tables {
		if err := r.grid(t).Write(w); err != nil {
			return err
		}
		fmt.Fprintln(w)
	}
	for _, line := range r.summary() {
		fmt.Fprintln(w, line)
	}
	return nil
}

func (r *Report) writeMarkdown(w io.Writer) error {
	if r.Gate != nil {
		fmt.Fprintf(w, "## %s\n\n", markdown(r.Gate.Headline()))
	}
	for _, line := range r.detail() {
		fmt.Fprintf(w, "- %s\n", markdown(line))
	}
	for _, t := range r.Tables {
		fmt.Fprintln(w)
		if err := r.grid(t).WriteMarkdown(w); err != nil {
			return err
		}
	}
	return nil
}

// summary is what stands below, or above, the tables.
func (r *Report) summary() []string {
	lines := r.detail()
	if r.Gate != nil {
		lines = append(lines, r.Gate.Headline())
	}
	return lines
}

// detail has the notes, and the gate's findings.
func (r *Report) detail() []string {
	var lines []string
	for _, n := range r.Notes {
		lines = append(lines, "note: "+plain(n))
	}
	if r.Gate == nil {
		return lines
	}
	for _, f := range r.Gate.Findings {
		lines = append(lines, f.String())
	}
	return lines
}
