package harness

import (
	"errors"
	"fmt"

	"github.com/attnbench/attnbench/kernels"
)

// fake is a Kernel made of online, with the faults that only show over several
// runs. It notes in log what is run.
type fake struct {
	name       string
	online     online
	log        *[]string
	supports   error
	planErr    error
	runErr     error
	stopsAfter int // runs after which the outputs are left as they are; 0: never
	isa        string
}

func (f fake) Name() string                     { return f.name }
func (f fake) Supports(p kernels.Problem) error { return f.supports }

func (f fake) Plan(p kernels.Problem, opts kernels.Options) (kernels.Plan, error) {
	if f.isa == "" {
		f.isa = kernels.Generic
	}
	return &fakePlan{fake: f, p: p}, f.planErr
}

type fakePlan struct {
	fake
	p    kernels.Problem
	t    kernels.Tensors
	runs int
}

func (f *fakePlan) Bind(t kernels.Tensors) error { f.t = t; return t.Check(f.p) }
func (f *fakePlan) Fetch() error                 { return nil }
func (f *fakePlan) Workspace() int64             { return 4096 }
func (f *fakePlan) ISA() string                  { return f.isa }
func (f *fakePlan) Close() error                 { return nil }

func (f *fakePlan) Run() error {
	if f.runs++; f.stopsAfter == 0 || f.runs <= f.stopsAfter {
		f.online.run(f.p, &f.t)
	}
	if f.log != nil {
		*f.log = append(*f.log, fmt.Sprint(f.name, f.p.KVLen))
	}
	return f.runErr
}

var errNoSoftcap = fmt.Errorf("softcap: %w", errors.ErrUnsupported)
