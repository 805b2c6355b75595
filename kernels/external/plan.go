package external

import (
	"errors"
	"fmt"
	"runtime"
	"time"

	"github.com/attnbench/attnbench/kernels"
)

// A plan is a library's plan. What the library is given stays pinned until it
// lets go of it: the problem until Close, operands until the next Bind.
type plan struct {
	kernel    *kernel
	problem   kernels.Problem
	handle    uintptr // what the library calls the plan
	why       [reasonSize]byte
	reason    uintptr   // where why is
	args      []uintptr // of run and fetch, which allocate nothing
	workspace int64
	isa       string
	closed    bool

	pins  runtime.Pinner // of the problem and the plan itself
	bound *binding

	upload, download time.Duration
}

// A binding is operands as the library has them.
type binding struct {
	tensors kernels.Tensors // kept alive
	pins    runtime.Pinner
}

// Plan asks the library for a plan. It computes as it was compiled, whatever
// instruction set the options name, as long as there is one of that name.
func (k *kernel) Plan(p kernels.Problem, opts kernels.Options) (kernels.Plan, error) {
	if err := p.Validate(); err != nil {
		return nil, fmt.Errorf("%s: %w", k.name, err)
	}
	best, err := kernels.SelectISA(opts.ISA)
	if err == nil {
		best, err = kernels.SelectISA("")
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", k.name, err)
	}
	threads := opts.Threads
	switch {
	case threads < 0:
		return nil, fmt.Errorf("%s: threads %d: must not be negative", k.name, threads)
	case threads == 0:
		threads = runtime.GOMAXPROCS(0)
	}
	pl := &plan{kernel: k, problem: p}
	if err := pl.open(threads); err != nil {
		pl.pins.Unpin()
		return nil, err
	}
	pl.args = []uintptr{pl.handle, pl.reason, reasonSize}
	if err := pl.ask(best); err != nil {
		return nil, errors.Join(err, pl.Close())
	}
	if k.elapsed != 0 {
		return timed{pl}, nil
	}
	return pl, nil
}

// open makes the library's plan.
func (pl *plan) open(threads int) error {
	k := pl.kernel
	c := newProblem(&pl.problem, &pl.pins)
	if k.flags&flagRows != 0 {
		r, few := newRows(&pl.problem)
		if !few {
			return refusal{fmt.Sprintf("%s: the rows of mask %v take more than %d bytes", k.name, pl.problem.Mask, maxRows)}
		}
		r.give(c, &pl.pins)
		pl.workspace = r.bytes
	}
	pl.reason = address(&pl.pins, &pl.why[0])
	return k.call("plan", k.plan, &pl.why, address(&pl.pins, c), uintptr(threads), address(&pl.pins, &pl.handle), pl.reason, reasonSize)
}

// ask asks for what is known once there is a plan.
func (pl *plan) ask(best string) error {
	k := pl.kernel
	if k.workspace != 0 {
		n := int64(call(k.workspace, pl.handle))
		if n < 0 {
			return fmt.Errorf("%s: workspace of %d bytes: must not be negative", k.name, n)
		}
		pl.workspace += n
	}
	var err error
	if pl.isa, err = k.isaOf(pl.handle, best); err != nil {
		return fmt.Errorf("%s: isa %w", k.name, err)
	}
	return nil
}

// unstated is the instruction set of a kernel that says none, on a machine where
// no vector instructions are measured.
const unstated = "unstated"

// isaOf returns what records name: what the library says, or the best that
// multiplies floats on this machine.
func (k *kernel) isaOf(plan uintptr, best string) (string, error) {
	if k.isa == 0 {
		if best = kernels.Float32ISA(best); best == kernels.Generic {
			best = unstated
		}
		return best, nil
	}
	name, err := readText(call(k.isa, plan), maxName)
	switch {
	case err != nil:
		return "", err
	case !nameForm.MatchString(name):
		return "", fmt.Errorf("%q: want letters a-z, digits, and . _ - behind the first", name)
	}
	for _, isa := range kernels.ISAs() {
		if isa.Name == name && !isa.Available {
			return "", fmt.Errorf("%s: this machine lacks it", name)
		}
	}
	return name, nil
}

// Bind checks the operands and gives them to the library.
func (pl *plan) Bind(t kernels.Tensors) error {
	if pl.closed {
		return fmt.Errorf("%s: Bind after Close", pl.kernel.name)
	}
	if err := t.Check(pl.problem); err != nil {
		return fmt.Errorf("%s: %w", pl.kernel.name, err)
	}
	b := &binding{tensors: t}
	began := time.Now()
	c := newOperands(&b.tensors, &b.pins)
	err := pl.kernel.call("bind", pl.kernel.bind, &pl.why, pl.handle, address(&b.pins, c), pl.reason, reasonSize)
	pl.upload = time.Since(began)
	if err != nil {
		b.pins.Unpin()
		pl.unbind() // the library may hold either
		return err
	}
	pl.unbind()
	pl.bound = b
	return nil
}

func (pl *plan) unbind() {
	if pl.bound != nil {
		pl.bound.pins.Unpin()
		pl.bound = nil
	}
}

// Run calls the library's run.
func (pl *plan) Run() error { return pl.bounded("run", "Run", pl.kernel.run) }

// Fetch calls the library's fetch, if it has one.
func (pl *plan) Fetch() error {
	if pl.kernel.fetch == 0 {
		return nil
	}
	began := time.Now()
	err := pl.bounded("fetch", "Fetch", pl.kernel.fetch)
	pl.download = time.Since(began)
	return err
}

// bounded calls what needs operands.
func (pl *plan) bounded(step, method string, fn uintptr) error {
	if pl.bound == nil {
		return fmt.Errorf("%s: %s before Bind", pl.kernel.name, method)
	}
	return pl.kernel.call(step, fn, &pl.why, pl.args...)
}

// Workspace is what the library says, and the rows of the mask if it wanted them.
func (pl *plan) Workspace() int64 { return pl.workspace }

// ISA is what the library said when it made the plan.
func (pl *plan) ISA() string { return pl.isa }

// Close lets the library release its plan, once.
func (pl *plan) Close() error {
	if pl.closed {
		return nil
	}
	pl.closed = true
	call(pl.kernel.close, pl.handle)
	pl.unbind()
	pl.pins.Unpin()
	return nil
}

// A timed plan is one of a device that has a clock.
type timed struct{ *plan }

// Elapsed asks the library.
func (t timed) Elapsed() (time.Duration, error) {
	if t.bound == nil {
		return 0, fmt.Errorf("%s: Elapsed before Bind", t.kernel.name)
	}
	d := time.Duration(call(t.kernel.elapsed, t.handle))
	if d < 0 {
		return 0, refusal{fmt.Sprintf("%s: the library has no time of its runs", t.kernel.name)}
	}
	return d, nil
}

// Transfers returns how long bind and fetch took.
func (t timed) Transfers() (bind, fetch time.Duration) { return t.upload, t.download }

var _ kernels.Timer = timed{}
