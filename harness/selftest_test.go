package harness_test

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/attnbench/attnbench/harness"
	"github.com/attnbench/attnbench/harness/faults"
	"github.com/attnbench/attnbench/kernels"
	_ "github.com/attnbench/attnbench/kernels/all"
)

// TestSelftest wants every fault rejected and every kernel accepted.
func TestSelftest(t *testing.T) {
	all, err := harness.Selftest{Kernels: append(kernels.All(), faults.Right())}.Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	rejected := 0
	for _, j := range all {
		if !j.Right() {
			t.Errorf("%s %s: %d cases passed, then %q on %s: %s", j.Kernel, j.ISA, j.Passed, j.Check, j.Case, j.Reason)
		}
		if j.Rejected() {
			rejected++
		}
	}
	checkDocument(t, all)
	if rejected < 25 || rejected != len(faults.All()) {
		t.Errorf("rejected %d kernels, want the %d faults", rejected, len(faults.All()))
	}
}

func TestSelftestRefuses(t *testing.T) {
	_, err := harness.Selftest{Without: []string{"luck"}}.Run(t.Context())
	if err == nil || !strings.Contains(err.Error(), `"luck"`) || !strings.Contains(err.Error(), "key order") {
		t.Errorf("an unknown check: %v", err)
	}
	ctx, stop := context.WithCancel(t.Context())
	s := harness.Selftest{Faults: faults.All()[:3], Progress: func(done, _ int, _ string) {
		if done == 1 {
			stop()
		}
	}}
	all, err := s.Run(ctx)
	if len(all) != 2 || err == nil || !strings.Contains(err.Error(), "2 of 3") {
		t.Errorf("stopped in the second: %d judgements, %v", len(all), err)
	}
}

// TestFaultsAreHidden wants no fault where a user could choose or time it.
func TestFaultsAreHidden(t *testing.T) {
	seen := map[string]bool{}
	for _, f := range faults.All() {
		if slices.Contains(kernels.Names(), f.Name) || seen[f.Name] || f.Wrong == "" || f.Kernel.Name() != f.Name {
			t.Errorf("fault %q: registered, named twice or not explained", f.Name)
		}
		seen[f.Name] = true
	}
}

var update = flag.Bool("update", false, "rewrite the table of faults")

// document is where the table of faults stands, between two markers.
const document = "../docs/equivalence.md"

func checkDocument(t *testing.T, all []harness.Judgement) {
	var table strings.Builder
	fmt.Fprintf(&table, "\n| kernel | what it does | rejected by | on |\n|---|---|---|---|\n")
	for _, j := range all {
		if j.Wrong != "" {
			fmt.Fprintf(&table, "| %s | %s | %s | %s |\n", j.Kernel, j.Wrong, j.Check, j.Case)
		}
	}
	text, err := os.ReadFile(document)
	if err != nil {
		t.Fatal(err)
	}
	begin := bytes.Index(text, []byte("<!-- faults:"))
	begin += bytes.IndexByte(text[begin:], '\n') + 1
	end := bytes.Index(text, []byte("<!-- end -->"))
	if *update {
		text = slices.Concat(text[:begin], []byte(table.String()+"\n"), text[end:])
		if err := os.WriteFile(document, text, 0o666); err != nil {
			t.Fatal(err)
		}
		return
	}
	if got := string(text[begin:end]); got != table.String()+"\n" {
		t.Errorf("the table of faults in %s is not what the checks say: run go test -run TestSelftest -update", document)
	}
}
