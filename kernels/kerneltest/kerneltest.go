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
	s := newSuite(t, k, kernels.Float32)
	t.Run("oracle", s.oracle)
	if !testing.Short() {
		t.Run("families", s.families)
		t.Run("features", s.features)
		t.Run("storage", s.storage)
	}
	t.Run("nonfinite", s.nonFinite)
	for _, v := range s.variants {
		t.Run("invariance/isa="+v.isa, v.invariance)
		t.Run("allocations/isa="+v.isa, v.allocations)
		t.Run("refusals/isa="+v.isa, v.refusals)
	}
}

// RunAs holds a kernel that has code of its own for an element type against the
// oracle on operands of that type, every shape, mask and input: Run itself
// visits few.
func RunAs(t *testing.T, k kernels.Kernel, dtype kernels.DType) {
	s := newSuite(t, k, dtype)
	t.Run("oracle", s.oracle)
	t.Run("families", s.families)
	t.Run("nonfinite", s.nonFinite)
}

// RunRestAs holds such a kernel against what Run has and RunAs leaves out:
// what shapes the scores, pages, and the invariances.
func RunRestAs(t *testing.T, k kernels.Kernel, dtype kernels.DType) {
	s := newSuite(t, k, dtype)
	t.Run("features", s.features)
	t.Run("pages", s.pages)
	for _, v := range s.variants {
		t.Run("invariance/isa="+v.isa, v.invariance)
		t.Run("allocations/isa="+v.isa, v.allocations)
	}
}

// newSuite finds the instruction sets of this machine that k has a variant for.
func newSuite(t *testing.T, k kernels.Kernel, dtype kernels.DType) suite {
	s := suite{kernel: k, dtype: dtype}
	for _, isa := range isas(t, k) {
		t.Run("isa="+isa.Name, func(t *testing.T) {
			if !isa.Available {
				missing(t, isa.Name)
			}
			if v := (variant{k, isa.Name, dtype}); v.actual(t) == isa.Name {
				s.variants = append(s.variants, v)
			} else {
				t.Skipf("%s has no %s variant", k.Name(), isa.Name)
			}
		})
	}
	if _, device := k.(kernels.DeviceKernel); device && len(s.variants) == 0 && !t.Skipped() {
		t.Fatalf("%s: no variant to test", k.Name())
	}
	return s
}

// isas returns the instruction sets to look for: a device has its own.
func isas(t *testing.T, k kernels.Kernel) []kernels.ISA {
	d, ok := k.(kernels.DeviceKernel)
	if !ok {
		return kernels.ISAs()
	}
	names, err := d.DeviceISAs()
	if err != nil {
		t.Log(err)
		missing(t, "device")
	}
	var list []kernels.ISA
	for _, name := range names {
		list = append(list, kernels.ISA{Name: name, Available: true})
	}
	return list
}

func missing(t *testing.T, isa string) {
	if slices.Contains(strings.Split(os.Getenv(RequireISA), ","), isa) {
		t.Fatalf("this machine has no %s, and %s wants it", isa, RequireISA)
	}
	t.Skipf("this machine has no %s", isa)
}

// A suite is a kernel on all the instruction sets it is tested on.
type suite struct {
	kernel   kernels.Kernel
	dtype    kernels.DType // of Q, K, V and O, where a test does not choose
	variants []variant
}

// problem is sh with a mask and the suite's element type.
func (s suite) problem(sh shape, m kernels.Mask) kernels.Problem {
	p := sh.problem(m)
	p.DType, p.KVDType = s.dtype, s.dtype
	return p
}

// A variant is a kernel on one instruction set.
type variant struct {
	kernel kernels.Kernel
	isa    string
	dtype  kernels.DType // of Q, K, V and O, where a test does not choose
}

// problem is sh with a mask and the variant's element type.
func (v variant) problem(sh shape, m kernels.Mask) kernels.Problem {
	return suite{dtype: v.dtype}.problem(sh, m)
}

// actual returns the instruction set that a plan reports.
func (v variant) actual(t *testing.T) string {
	pl := v.plan(t, v.problem(shapes[4], kernels.Mask{}), 1)
	defer pl.Close()
	return pl.ISA()
}

// plan returns a plan, or skips the test where the kernel says that it does
// not support p.
func (v variant) plan(t *testing.T, p kernels.Problem, threads int) kernels.Plan {
	t.Helper()
	if err := v.kernel.Supports(p); errors.Is(err, errors.ErrUnsupported) {
		t.Skip(err)
	} else if err != nil {
		t.Fatal(err)
	}
	pl, err := v.kernel.Plan(p, kernels.Options{Threads: threads, ISA: v.isa})
	if err != nil {
		t.Fatal(err)
	}
	return pl
}

// run computes p on the operands with so many threads.
func (v variant) run(t *testing.T, p kernels.Problem, x kernels.Tensors, threads int) {
	t.Helper()
	pl := v.plan(t, p, threads)
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

// check runs p on x with every variant and holds the results against the
// oracle.
func (s suite) check(t *testing.T, p kernels.Problem, x kernels.Tensors) {
	t.Helper()
	if err := s.kernel.Supports(p); errors.Is(err, errors.ErrUnsupported) {
		t.Skip(err) // before the oracle is evaluated for nothing
	}
	refs := map[bool]*harness.Reference{} // by whether P is rounded
	for _, v := range s.variants {
		opts := kernels.Options{ISA: v.isa}
		rounds := harness.Rounds(s.kernel, p, opts)
		if refs[rounds] == nil {
			ref, err := harness.ReferenceFor(s.kernel, opts, p, &x, harness.Sampling{})
			if err != nil {
				t.Fatal(err)
			}
			refs[rounds] = ref
		}
		ref := refs[rounds]
		v.run(t, p, x, 2)
		if verdict := ref.Check(&x); !verdict.Pass() {
			t.Errorf("isa %s, seed %d: %v", v.isa, seed, verdict)
		}
	}
}
