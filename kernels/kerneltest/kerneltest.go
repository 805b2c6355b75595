package kerneltest

import (
	"errors"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/attnbench/attnbench/harness"
	"github.com/attnbench/attnbench/kernels"
)

// RequireISA names the environment variable that lists, with commas, the
// instruction sets whose absence fails a test instead of skipping it.
const RequireISA = "ATTNBENCH_REQUIRE_ISA"

// Run holds a kernel against the contract on every instruction set of this
// machine that it has a variant for.
func Run(t *testing.T, k kernels.Kernel) {
	for _, isa := range kernels.ISAs() {
		t.Run("isa="+isa.Name, func(t *testing.T) {
			if !isa.Available {
				missing(t, isa.Name)
			}
			s := suite{kernel: k, isa: isa.Name}
			if s.actual(t) != isa.Name {
				t.Skipf("%s has no %s variant", k.Name(), isa.Name)
			}
			t.Run("oracle", s.oracle)
			t.Run("families", s.families)
			t.Run("features", s.features)
			t.Run("storage", s.storage)
			t.Run("nonfinite", s.nonFinite)
			t.Run("invariance", s.invariance)
			t.Run("allocations", s.allocations)
			t.Run("refusals", s.refusals)
		})
	}
}

func missing(t *testing.T, isa string) {
	if slices.Contains(strings.Split(os.Getenv(RequireISA), ","), isa) {
		t.Fatalf("this machine has no %s, and %s wants it", isa, RequireISA)
	}
	t.Skipf("this machine has no %s", isa)
}

type suite struct {
	kernel kernels.Kernel
	isa    string
}

// actual returns the instruction set that a plan reports.
func (s suite) actual(t *testing.T) string {
	p := shapes[1].problem(kernels.Mask{})
	pl := s.plan(t, p, 1)
	defer pl.Close()
	return pl.ISA()
}

// plan returns a plan, or skips the test where the kernel says that it does
// not support p.
func (s suite) plan(t *testing.T, p kernels.Problem, threads int) kernels.Plan {
	t.Helper()
	if err := s.kernel.Supports(p); errors.Is(err, errors.ErrUnsupported) {
		t.Skip(err)
	} else if err != nil {
		t.Fatal(err)
	}
	pl, err := s.kernel.Plan(p, kernels.Options{Threads: threads, ISA: s.isa})
	if err != nil {
		t.Fatal(err)
	}
	return pl
}

// run computes p on the operands with so many threads.
func (s suite) run(t *testing.T, p kernels.Problem, x kernels.Tensors, threads int) {
	t.Helper()
	pl := s.plan(t, p, threads)
	defer pl.Close()
	harness.PoisonOutputs(&x)
	for _, step := range []func() error{func() error { return pl.Bind(x) }, pl.Run, pl.Fetch} {
		if err := step(); err != nil {
			t.Fatal(err)
		}
	}
}

// operands returns filled operands for p with poison in the masked places.
func operands(t *testing.T, p kernels.Problem, family string) kernels.Tensors {
	t.Helper()
	x := kernels.NewTensors(p)
	fill(t, p, &x, family)
	return x
}

func fill(t *testing.T, p kernels.Problem, x *kernels.Tensors, family string) {
	t.Helper()
	in, err := harness.LookupInput(family, seed)
	if err != nil {
		t.Fatal(err)
	}
	if err := in.Fill(p, x); err != nil {
		t.Fatal(err)
	}
	harness.Poison(p, x)
}

// check runs p on x and holds the result against the oracle.
func (s suite) check(t *testing.T, p kernels.Problem, x kernels.Tensors, threads int) {
	t.Helper()
	ref, err := harness.NewReference(p, &x, harness.Sampling{})
	if err != nil {
		t.Fatal(err)
	}
	s.run(t, p, x, threads)
	if v := ref.Check(&x); !v.Pass() {
		t.Errorf("seed %d: %v", seed, v)
	}
}
