package command

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"golang.org/x/perf/benchfmt"

	_ "github.com/attnbench/attnbench/kernels/all"
	"github.com/attnbench/attnbench/reports"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"attnbench": Main})
}

// The scripts in testdata run the command as a person would.
func TestScripts(t *testing.T) {
	if _, err := exec.LookPath("cc"); err != nil && os.Getenv("ATTNBENCH_REQUIRE_CC") != "" {
		t.Fatalf("%v, and ATTNBENCH_REQUIRE_CC wants it", err)
	}
	testscript.Run(t, testscript.Params{
		Dir: "testdata",
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits":     exits,
			"records":   records,
			"oneline":   oneLineOnly,
			"interrupt": interrupt,
			"samecases": sameCases,
			"sweep":     sweep,
		},
		Setup: func(env *testscript.Env) error {
			models, err := filepath.Abs("../../../testdata")
			env.Setenv("MODELS", models)
			env.Setenv("EXTERNAL", filepath.Join(models, "../kernels/external"))
			goEnvironment(env)
			return errors.Join(err, writeHostile(filepath.Join(env.WorkDir, "hostile")))
		},
	})
}

// goEnvironment lets scripts build Go programs with what was built before.
func goEnvironment(env *testscript.Env) {
	out, err := exec.Command("go", "env", "GOCACHE", "GOMODCACHE").Output()
	if err != nil {
		return // no go command: scripts that need it say so
	}
	if dirs := strings.Fields(string(out)); len(dirs) == 2 {
		env.Setenv("GOCACHE", dirs[0])
		env.Setenv("GOMODCACHE", dirs[1])
	}
}

// exits runs a command and wants an exit code: exits CODE PROGRAM ARGS…
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE PROGRAM ARGS…")
	}
	code := 0
	if err := ts.Exec(args[1], args[2:]...); err != nil {
		var exit *exec.ExitError
		if !errors.As(err, &exit) {
			ts.Fatalf("%v", err)
		}
		code = exit.ExitCode()
	}
	if strconv.Itoa(code) != args[0] {
		ts.Fatalf("exit code %d, want %s", code, args[0])
	}
}

// oneLineOnly wants stderr to be one line with each of the given texts in it,
// and stdout to be empty.
func oneLineOnly(ts *testscript.TestScript, neg bool, args []string) {
	text, stdout := ts.ReadFile("stderr"), ts.ReadFile("stdout")
	if strings.Count(text, "\n") != 1 || stdout != "" {
		ts.Fatalf("want one line on stderr and nothing on stdout, got\n%s\n%s", text, stdout)
	}
	for _, want := range args {
		if !strings.Contains(text, want) {
			ts.Fatalf("want %q in %s", want, text)
		}
	}
}

// records wants a file of benchmark records that package reports reads, with
// a number of attention records that matches: records FILE REGEXP
func records(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: records FILE REGEXP")
	}
	text := ts.ReadFile(args[0])
	_, err := reports.Read(strings.NewReader(text), args[0])
	ts.Check(err)
	reader, n := benchfmt.NewReader(strings.NewReader(text), args[0]), 0
	for reader.Scan() {
		if r, ok := reader.Result().(*benchfmt.Result); ok && string(r.Name.Base()) == reports.Base {
			n++
		}
	}
	if !regexp.MustCompile("^(?:" + args[1] + ")$").MatchString(strconv.Itoa(n)) {
		ts.Fatalf("%d records in %s, want %s", n, args[0], args[1])
	}
}

// interrupt runs a command and interrupts it some time after its stderr has a
// text: interrupt TEXT DELAY PROGRAM ARGS… What it wrote goes to stdout.txt and stderr.txt,
// its exit code to code.txt.
func interrupt(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 3 {
		ts.Fatalf("usage: interrupt TEXT DELAY PROGRAM ARGS…")
	}
	delay, err := time.ParseDuration(args[1])
	ts.Check(err)
	program, err := lookPath(ts.Getenv("PATH"), args[2])
	ts.Check(err)
	cmd := exec.Command(program, args[3:]...)
	cmd.Dir = ts.MkAbs(".")
	var stdout bytes.Buffer
	stderr := &watcher{text: args[0], seen: make(chan struct{})}
	cmd.Stdout, cmd.Stderr = &stdout, stderr
	ts.Check(cmd.Start())
	select {
	case <-stderr.seen:
		time.Sleep(delay)
		ts.Check(cmd.Process.Signal(os.Interrupt))
	case <-time.After(2 * time.Minute):
		cmd.Process.Kill()
	}
	cmd.Wait() // its error is the exit code, which the script looks at
	for name, text := range map[string][]byte{
		"stdout.txt": stdout.Bytes(), "stderr.txt": stderr.buf.Bytes(),
		"code.txt": []byte(strconv.Itoa(cmd.ProcessState.ExitCode()) + "\n"),
	} {
		ts.Check(os.WriteFile(ts.MkAbs(name), text, 0o666))
	}
}

// lookPath finds a program in a PATH that is not this process's own.
func lookPath(path, program string) (string, error) {
	for _, dir := range filepath.SplitList(path) {
		if found, err := exec.LookPath(filepath.Join(dir, program)); err == nil {
			return found, nil
		}
	}
	return "", exec.ErrNotFound
}

// A watcher is a buffer that says when a text has gone by.
type watcher struct {
	buf  bytes.Buffer
	text string
	seen chan struct{}
	once sync.Once
}

func (w *watcher) Write(p []byte) (int, error) {
	n, err := w.buf.Write(p)
	if bytes.Contains(w.buf.Bytes(), []byte(w.text)) {
		w.once.Do(func() { close(w.seen) })
	}
	return n, err
}

// sweep writes ten records of each of two kernels: sweep FILE CPU FLASH NAIVE
// ALLOCS, the times in ns and the allocations those of naive; a time of 0 leaves
// a kernel out.
func sweep(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 5 {
		ts.Fatalf("usage: sweep FILE CPU FLASH NAIVE ALLOCS")
	}
	var out strings.Builder
	fmt.Fprintf(&out, "goos: linux\ncpu: %s\n", args[1])
	allocs := []string{"0", args[4]}
	for i, kernel := range []string{"flash", "naive"} {
		ns, err := strconv.Atoi(args[2+i])
		ts.Check(err)
		for j := range 10 {
			if ns > 0 {
				fmt.Fprintf(&out, "BenchmarkAttention/kernel=%s/isa=avx2/mask=causal/batch=1/heads=4/kvheads=4/qlen=64/kvlen=64/dim=32-2 20 %d ns/op %s allocs/op\n",
					kernel, ns*(1000+j)/1000, allocs[i])
			}
		}
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(out.String()), 0o666))
}

// sameCases wants two files to hold the same cases: as many records of each
// name and configuration, with the same metrics where these are no measurements.
func sameCases(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: samecases FILE FILE")
	}
	a, b := cases(ts, args[0]), cases(ts, args[1])
	if len(a) == 0 || !slices.Equal(a, b) {
		ts.Fatalf("%s has\n%s\n%s has\n%s", args[0], strings.Join(a, "\n"), args[1], strings.Join(b, "\n"))
	}
}

func cases(ts *testscript.TestScript, file string) []string {
	var list []string
	reader := benchfmt.NewReader(strings.NewReader(ts.ReadFile(file)), file)
	for reader.Scan() {
		r, ok := reader.Result().(*benchfmt.Result)
		if !ok {
			continue
		}
		line := r.Name.String()
		for _, c := range r.Config {
			line += fmt.Sprintf(" %s:%s", c.Key, c.Value)
		}
		for _, unit := range []string{"workspace-B", "B/op", "allocs/op", "error-ratio"} {
			v, ok := r.Value(unit)
			line += fmt.Sprintf(" %s=%v,%v", unit, v, ok)
		}
		list = append(list, line)
	}
	slices.Sort(list)
	return list
}
