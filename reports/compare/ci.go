package compare

import (
	"fmt"
	"io"
	"strings"

	"github.com/jstemmer/go-junit-report/v2/junit"

	"github.com/attnbench/attnbench/reports"
)

// writeJUnit writes a test suite a table and a test case a row, for whatever
// shows JUnit's XML: what fails the gate is a failed test, what the gate can't
// tell is a skipped one.
func (r *Report) writeJUnit(w io.Writer) error {
	var all junit.Testsuites
	all.Name = "attnbench"
	for _, t := range r.Tables {
		suite := junit.Testsuite{Name: xmlText(strings.TrimSpace(configText(t.Config) + " " + t.Unit))}
		for _, row := range t.Rows {
			for i := range r.Cols {
				if c := row.Changes[i]; c != nil {
					suite.AddTestcase(r.testcase(t, row, i, c))
				}
			}
		}
		if len(suite.Testcases) > 0 {
			all.AddSuite(suite)
		}
	}
	if err := all.WriteXML(w); err != nil {
		return err
	}
	_, err := fmt.Fprintln(w)
	return err
}

func (r *Report) testcase(t *Table, row *Row, i int, c *Change) junit.Testcase {
	name := row.Name + " " + t.Unit
	if len(r.Cols) > 2 {
		name += " (" + r.Cols[i] + ")"
	}
	result := junit.Testcase{Name: xmlText(name), Classname: "attnbench." + xmlText(t.Unit), Time: "0"}
	switch {
	case c.fails():
		result.Failure = &junit.Result{Message: xmlText(c.Reason), Type: string(c.Verdict), Data: xmlText(c.Reason)}
	case c.Verdict == Ambiguous:
		result.Skipped = &junit.Result{Message: xmlText(c.Reason)}
	default:
		result.SystemOut = &junit.Output{Data: xmlText(strings.Join(c.text(t, row), " "))}
	}
	return result
}

// xmlText is plain, and holds what XML can.
func xmlText(s string) string { return plain(strings.ToValidUTF8(s, "\ufffd")) }

// writeGitHub writes a workflow command for each finding and one for the
// result. GitHub shows them at the pull request.
func (r *Report) writeGitHub(w io.Writer) error {
	if r.Gate == nil {
		for _, line := range r.detail() {
			fmt.Fprintln(w, annotation("notice", "attnbench", line))
		}
		return nil
	}
	for _, f := range r.Gate.Findings {
		level := "notice"
		switch {
		case f.Fails:
			level = "error"
		case f.Verdict == Ambiguous:
			level = "warning"
		}
		fmt.Fprintln(w, annotation(level, string(f.Verdict)+" "+f.Unit, f.String()))
	}
	level := "notice"
	if !r.Gate.Pass() {
		level = "error"
	}
	fmt.Fprintln(w, annotation(level, "attnbench", r.Gate.Headline()))
	return nil
}

// annotation is one workflow command, escaped as GitHub's runner unescapes it.
func annotation(level, title, message string) string {
	return fmt.Sprintf("::%s title=%s::%s", level, workflowProperty.Replace(plain(title)), workflowData.Replace(plain(message)))
}

var (
	workflowData     = strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A")
	workflowProperty = strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A", ":", "%3A", ",", "%2C")
)

func markdown(s string) string { return reports.EscapeMarkdown(s) }
