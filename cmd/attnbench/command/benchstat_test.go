package command

import (
	"context"
	"io"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// benchstat itself must put two runs side by side, by kernel and length.
func TestBenchstatComparesTwoRuns(t *testing.T) {
	if testing.Short() {
		t.Skip("builds benchstat")
	}
	dir := t.TempDir()
	a, b := filepath.Join(dir, "a.txt"), filepath.Join(dir, "b.txt")
	for _, file := range []string{a, b} {
		args := []string{"run", "--prompt=-", "--kernel=flash,naive", "--mask=causal", "--n=16,32", "--count=6",
			"--benchtime=200us", "--inputs=normal", "-o", file}
		if code := run(context.Background(), args, strings.NewReader("Light"), io.Discard, io.Discard); code != exitOK {
			t.Fatalf("attnbench %s: exit code %d", strings.Join(args, " "), code)
		}
	}
	out, err := exec.Command("go", "tool", "benchstat", "-row=/kernel,/kvlen", "a="+a, "b="+b).CombinedOutput()
	if err != nil {
		t.Fatalf("benchstat: %v\n%s", err, out)
	}
	for _, want := range []string{
		`sec/op +│ +sec/op +vs base`, `FLOP/s +│ +FLOP/s +vs base`, `workspace-B +│ +workspace-B +vs base`,
		`flash 16 .*n=6`, `naive 16 .*n=6`, `flash 32 .*n=6`, `naive 32 .*n=6`,
	} {
		if !regexp.MustCompile(want).Match(out) {
			t.Errorf("benchstat's output lacks %s", want)
		}
	}
	if n := strings.Count(string(out), "goos:"); n != 1 {
		t.Errorf("benchstat split the runs into %d tables, want 1", n)
	}
	if t.Failed() {
		t.Logf("%s", out)
	}
}
