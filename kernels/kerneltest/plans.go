package kerneltest

import (
	"strings"
	"testing"

	"github.com/attnbench/attnbench/kernels"
)

// allocations wants a Run that allocates nothing, prefill and decode, and a
// workspace that is counted.
func (v variant) allocations(t *testing.T) {
	for _, sh := range []shape{{1, 4, 2, 130, 130, 64}, {1, 4, 2, 1, 700, 64}} {
		for _, spec := range []string{"full", "causal+window:40+sinks:2+blocks:16:2:2"} {
			p := v.problem(sh, mustParse(spec, sh.kvLen))
			pl := v.plan(t, p, 2)
			if err := pl.Bind(operands(t, p, "normal")); err != nil {
				t.Fatal(err)
			}
			if n := testing.AllocsPerRun(5, func() { _ = pl.Run() }); n != 0 {
				t.Errorf("%s: %v allocations a Run", caseName(p), n)
			}
			if pl.Workspace() <= 0 {
				t.Errorf("%s: workspace of %d bytes", caseName(p), pl.Workspace())
			}
			if err := pl.Close(); err != nil {
				t.Error(err)
			}
		}
	}
}

// refusals wants an error, with the value in it, for what is wrong.
func (v variant) refusals(t *testing.T) {
	good := shapes[1].problem(kernels.Mask{})
	bad := good
	bad.KVHeads = 0
	if _, err := v.kernel.Plan(bad, kernels.Options{}); err == nil || !strings.Contains(err.Error(), "kvHeads 0") {
		t.Errorf("Plan of kvHeads 0: %v", err)
	}
	if _, err := v.kernel.Plan(good, kernels.Options{Threads: -3}); err == nil || !strings.Contains(err.Error(), "-3") {
		t.Errorf("Plan with -3 threads: %v", err)
	}
	if _, err := v.kernel.Plan(good, kernels.Options{ISA: "vax"}); err == nil || !strings.Contains(err.Error(), "vax") {
		t.Errorf("Plan for isa vax: %v", err)
	}
	pl := v.plan(t, good, 1)
	defer pl.Close()
	if pl.Run() == nil {
		t.Error("Run before Bind: no error")
	}
	other := good
	other.KVLen++
	if pl.Bind(kernels.NewTensors(other)) == nil {
		t.Error("Bind of operands for another problem: no error")
	}
}
