package page

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"strings"
	"testing"

	"github.com/attnbench/attnbench/reports"
)

// TestDocument: whatever stands in tables and data is text, and only the page's own
// script may run.
func TestDocument(t *testing.T) {
	const hostile = `</script><script>alert(1)</script><img src=x onerror=alert(2)>`
	d := &Document{
		Title: hostile, Style: ".own{color:red}", Script: "\nconst own = 1;",
		Sections: []Section{{Title: hostile, Note: hostile, HTML: `<div id="own"></div>`,
			Tables: []*reports.Table{{Title: hostile, Header: []string{hostile}, Rows: [][]string{{hostile}}}}}},
		Data: map[string]any{"text": []string{hostile, "\u2028"}},
	}
	var buf bytes.Buffer
	if err := d.WriteHTML(&buf); err != nil {
		t.Fatal(err)
	}
	text := buf.String()
	if strings.Contains(text, "<img") || strings.Contains(text, "<script>alert") || strings.Count(text, "<script") != 2 {
		t.Errorf("a text is not escaped:\n%s", text)
	}
	for _, want := range []string{`<div id="own"></div>`, ".own{color:red}", `"text":[`, `\u003c`} {
		if !strings.Contains(text, want) {
			t.Errorf("the page lacks %s", want)
		}
	}
	_, after, _ := strings.Cut(text, "<script>")
	ran, _, _ := strings.Cut(after, "</script>")
	sum := sha256.Sum256([]byte(ran))
	if hash := base64.StdEncoding.EncodeToString(sum[:]); !strings.Contains(text, strings.ReplaceAll("sha256-"+hash, "+", "&#43;")) && !strings.Contains(text, "sha256-"+hash) {
		t.Errorf("the policy does not allow the script, %s", hash)
	}
	if !strings.HasSuffix(ran, "const own = 1;") {
		t.Error("the script lacks the document's own part")
	}
}
