package reports

import (
	"bytes"
	"fmt"
	"io"
	"strings"

	"github.com/olekukonko/tablewriter"
	"github.com/olekukonko/tablewriter/renderer"
)

// WriteMarkdown renders the table as GitHub's Markdown. All text is escaped: a
// cell shows what it says and links to nothing.
func (t *Table) WriteMarkdown(w io.Writer) error {
	var buf bytes.Buffer
	table := tablewriter.NewTable(&buf, tablewriter.WithConfig(t.config()), tablewriter.WithRenderer(renderer.NewMarkdown()))
	table.Header(escapeAll(t.Header))
	for _, row := range t.Rows {
		if err := table.Append(escapeAll(row)); err != nil {
			return err
		}
	}
	if err := table.Render(); err != nil {
		return err
	}
	var out strings.Builder
	for line := range strings.Lines(t.Title) {
		fmt.Fprintf(&out, "%s  \n", EscapeMarkdown(strings.TrimRight(line, "\n")))
	}
	fmt.Fprintf(&out, "\n%s", buf.String())
	for i, note := range t.notes {
		if i == 0 {
			fmt.Fprintln(&out)
		}
		fmt.Fprintf(&out, "- %s\n", EscapeMarkdown(note))
	}
	_, err := io.WriteString(w, out.String())
	return err
}

func escapeAll(cells []string) []string {
	out := make([]string, len(cells))
	for i, c := range cells {
		out[i] = EscapeMarkdown(c)
	}
	return out
}

// EscapeMarkdown puts a backslash before each character that Markdown, or the
// HTML in it, would obey.
func EscapeMarkdown(s string) string {
	return markdownEscapes.Replace(s)
}

var markdownEscapes = strings.NewReplacer(
	`\`, `\\`, "`", "\\`", "*", `\*`, "_", `\_`, "{", `\{`, "[", `\[`, "]", `\]`, "<", `\<`, ">", `\>`,
	"#", `\#`, "|", `\|`, "~", `\~`, "&", `\&`, "!", `\!`, "@", "@\u200b", "\n", " ", "\r", " ")
