package harness

import (
	"fmt"
	"runtime"

	"github.com/attnbench/attnbench/kernels"
)

// A Setup is a case made ready: operands filled, masked keys poisoned, the
// reference evaluated. Kernels take turns on it.
type Setup struct {
	Case      Case
	Tensors   kernels.Tensors
	Reference *Reference

	sampling Sampling
	rounded  *Reference // for kernels that round P, once it was needed
}

// referenceFor returns what k is held against; see [ReferenceFor].
func (s *Setup) referenceFor(k kernels.Kernel, opts kernels.Options) (*Reference, error) {
	if !Rounds(k, s.Case.Problem, opts) {
		return s.Reference, nil
	}
	var err error
	if s.rounded == nil {
		s.rounded, err = ReferenceFor(k, opts, s.Case.Problem, &s.Tensors, s.sampling)
	}
	return s.rounded, err
}

// NewSetup allocates and fills the operands of c and evaluates the reference.
func NewSetup(c Case, s Sampling) (*Setup, error) {
	tensors, err := kernels.Allocate(c.Problem)
	if err != nil {
		return nil, err
	}
	setup := &Setup{Case: c, Tensors: tensors, sampling: s}
	if err := c.Input.Fill(c.Problem, &setup.Tensors); err != nil {
		return nil, err
	}
	Poison(c.Problem, &setup.Tensors)
	setup.Reference, err = NewReference(c.Problem, &setup.Tensors, s)
	return setup, err
}

// A Trial is a kernel planned for a Setup and bound to its operands. Trials of
// one Setup share the outputs and so must not run at the same time.
type Trial struct {
	setup     *Setup
	tensors   kernels.Tensors // the setup's, without lse where the kernel has none
	reference *Reference
	name      string
	threads   int
	plan      kernels.Plan
	poison    []float32 // a row of O, for Mark
}

// Plan makes k ready to run. Where k does not support the problem the error
// wraps errors.ErrUnsupported.
func (s *Setup) Plan(k kernels.Kernel, opts kernels.Options) (*Trial, error) {
	if err := k.Supports(s.Case.Problem); err != nil {
		return nil, err
	}
	ref, err := s.referenceFor(k, opts)
	if err != nil {
		return nil, err
	}
	plan, err := k.Plan(s.Case.Problem, opts)
	if err != nil {
		return nil, err
	}
	tensors := bindable(k, s.Tensors)
	if err := plan.Bind(tensors); err != nil {
		plan.Close()
		return nil, err
	}
	return &Trial{setup: s, tensors: tensors, reference: ref, name: k.Name(), threads: threads(opts), plan: plan, poison: poisonRow(s.Case.Problem.DType, s.Case.Problem.HeadDim)}, nil
}

// OmitsLSE reports whether k returns no lse, so that none of it is checked.
func OmitsLSE(k kernels.Kernel) bool {
	o, ok := k.(kernels.LSEOmitter)
	return ok && o.OmitsLSE()
}

// bindable returns t as k takes it: without lse where it has none.
func bindable(k kernels.Kernel, t kernels.Tensors) kernels.Tensors {
	if OmitsLSE(k) {
		t.LSE = nil
	}
	return t
}

// threads resolves Options.Threads.
func threads(opts kernels.Options) int {
	if opts.Threads > 0 {
		return opts.Threads
	}
	return runtime.GOMAXPROCS(0)
}

// Result returns what is known of the trial without timing it.
func (t *Trial) Result(v Verdict) Result {
	return Result{
		Kernel: t.name, Case: t.setup.Case, Verdict: v,
		ISA: t.plan.ISA(), Threads: t.threads, Workspace: t.plan.Workspace(),
	}
}

// Run is the call that gets timed.
func (t *Trial) Run() error { return t.plan.Run() }

// Close releases the plan.
func (t *Trial) Close() error { return t.plan.Close() }

// Verify runs once on poisoned outputs and checks what came out.
func (t *Trial) Verify() (Verdict, error) {
	PoisonOutputs(&t.tensors)
	if err := t.plan.Run(); err != nil {
		return Verdict{}, fmt.Errorf("%s: run: %w", t.name, err)
	}
	return t.Check()
}

// Check fetches the outputs as the last run left them and checks them.
func (t *Trial) Check() (Verdict, error) { return t.check(nil) }

// check leaves out the checks whose names are in skip.
func (t *Trial) check(skip map[string]bool) (Verdict, error) {
	if err := t.plan.Fetch(); err != nil {
		return Verdict{}, fmt.Errorf("%s: fetch: %w", t.name, err)
	}
	return t.reference.check(&t.tensors, skip), nil
}

// Mark poisons every head's first and last row. It is quick
// enough to come between a warm call and a timed one, and the Check after that
// finds a run which left the outputs of the call before.
func (t *Trial) Mark() {
	p, o := t.setup.Case.Problem, &t.setup.Tensors.O
	for b := range p.Batch {
		for h := range p.Heads {
			o.WriteRow(t.poison, b, h, 0)
			o.WriteRow(t.poison, b, h, p.QLen-1)
		}
	}
}

// Verify sets up c and verifies k on it. An error that wraps
// errors.ErrUnsupported means that k was skipped, which is no failure.
func Verify(k kernels.Kernel, c Case, opts kernels.Options, s Sampling) (Verdict, error) {
	setup, err := NewSetup(c, s)
	if err != nil {
		return Verdict{}, err
	}
	trial, err := setup.Plan(k, opts)
	if err != nil {
		return Verdict{}, err
	}
	defer trial.Close()
	return trial.Verify()
}
