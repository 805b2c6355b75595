package command

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"

	"github.com/attnbench/attnbench/kernels"
)

// wrong is a kernel that computes something else than it was asked.
type wrong struct{ kernels.Kernel }

func (wrong) Name() string { return "wrong" }

func (k wrong) Plan(p kernels.Problem, opts kernels.Options) (kernels.Plan, error) {
	p.Scale = 1.01 * p.EffectiveScale()
	return k.Kernel.Plan(p, opts)
}

// unwilling is a kernel that supports nothing.
type unwilling struct{ kernels.Kernel }

func (unwilling) Name() string { return "unwilling" }

func (unwilling) Supports(kernels.Problem) error {
	return fmt.Errorf("unwilling: %w: anything", errors.ErrUnsupported)
}

// runWith runs small sizes on the given kernels alone.
func runWith(t *testing.T, list ...kernels.Kernel) (records, stderr string, err error) {
	t.Helper()
	var f sweepFlags
	cmd := &cobra.Command{}
	cmd.SetContext(t.Context())
	cmd.SetIn(strings.NewReader("White light is a mixture of rays."))
	f.register(cmd.Flags())
	if err := cmd.ParseFlags([]string{"--prompt=-", "--n=24", "--mask=causal", "--inputs=normal,captured", "--threads=1"}); err != nil {
		t.Fatal(err)
	}
	j, err := f.resolve(cmd)
	if err != nil {
		t.Fatal(err)
	}
	j.kernels = list
	var out, progress bytes.Buffer
	r := &runner{
		job: j, checks: newChecks(&progress), format: "bench", out: &output{stdout: &out},
		measure: measureFlags{count: 2, benchTime: time.Millisecond, limit: time.Hour},
	}
	err = r.run(t.Context())
	return out.String(), progress.String(), err
}

func baseline(t *testing.T) kernels.Kernel {
	t.Helper()
	k, err := kernels.Get("naive")
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func TestWrongKernelFailsTheRun(t *testing.T) {
	good := baseline(t)
	records, stderr, err := runWith(t, good, wrong{good})
	var coded *exitError
	if !errors.As(err, &coded) || coded.code != exitFailed {
		t.Errorf("error %v, want one with exit code %d", err, exitFailed)
	}
	for _, want := range []string{"FAILED swap wrong: logits differ", "FAILED Attention/kernel=wrong/", "on input captured:layer0", " FAILED "} {
		if !strings.Contains(stderr, want) {
			t.Errorf("stderr lacks %q:\n%s", want, stderr)
		}
	}
	if strings.Contains(records, "kernel=wrong") || strings.Count(records, "kernel=naive") != 2 {
		t.Errorf("records of a wrong kernel, or none of the right one:\n%s", records)
	}
}

func TestNothingMeasured(t *testing.T) {
	records, stderr, err := runWith(t, unwilling{baseline(t)})
	var coded *exitError
	if !errors.As(err, &coded) || coded.code != exitNothing {
		t.Errorf("error %v, want one with exit code %d", err, exitNothing)
	}
	if records != "" {
		t.Errorf("nothing was measured, and yet there are records:\n%s", records)
	}
	if want := "skipped unwilling: unwilling: unsupported operation: anything"; !strings.Contains(stderr, want) {
		t.Errorf("stderr lacks %q:\n%s", want, stderr)
	}
}

func TestTimeLimitKeepsWhatThereIs(t *testing.T) {
	cmd := newRoot()
	var out, stderr bytes.Buffer
	code := run(context.Background(), []string{"run", "--prompt=-", "--n=16", "--mask=full", "--inputs=normal", "--kernel=naive",
		"--count=1000000", "--benchtime=1ms", "--limit=500ms"}, strings.NewReader("Light"), &out, &stderr)
	if code != exitOK || !strings.Contains(stderr.String(), "the time limit was reached") {
		t.Errorf("exit code %d, stderr\n%s", code, stderr.String())
	}
	if n := strings.Count(out.String(), "kernel=naive"); n == 0 {
		t.Errorf("no samples of %s were kept", cmd.Name())
	}
}
