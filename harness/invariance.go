package harness

import (
	"errors"
	"fmt"
	"sync"

	"github.com/attnbench/attnbench/kernels"
)

// An Invariance is a property of attention that no oracle is needed for: run a
// kernel in two ways that must not matter, and compare. It also holds what an
// oracle that reads the same mask would never question.
type Invariance struct {
	Name    string
	Broken  string // what differed, with index and values; "" when it holds
	Skipped string // why it does not apply to the problem or kernel
}

// invariances are in the order in which they are checked. The first six want
// the same bits, the last four the same within what the two-error rule grants.
var invariances = []struct {
	name  string
	check func(pr *prober) error
}{
	{"repeat", checkRepeat},
	{"rebind", checkRebind},
	{"threads", checkThreads},
	{"batch neighbours", checkNeighbours},
	{"strides", checkStrides},
	{"without lse", checkWithoutLSE},
	{"stray writes", checkStray},
	{"decode", checkDecode},
	{"split keys", checkSplit},
	{"key order", checkKeyOrder},
	{"shifted logits", checkShift},
}

// InvarianceNames returns the names of the invariances, in their order.
func InvarianceNames() []string {
	names := make([]string, len(invariances))
	for i, v := range invariances {
		names[i] = v.name
	}
	return names
}

// errBroken and errInapplicable carry the outcome of an invariance.
type (
	errBroken       struct{ what string }
	errInapplicable struct{ why string }
)

func (e errBroken) Error() string       { return e.what }
func (e errInapplicable) Error() string { return e.why }

func broken(format string, args ...any) error { return errBroken{fmt.Sprintf(format, args...)} }
func inapplicable(why string) error           { return errInapplicable{why} }

// CheckInvariances runs k on c in every way that must not matter. The options'
// thread count is that of the runs that others are compared with. An error that
// wraps errors.ErrUnsupported means that k does not do c at all.
//
// It takes some fifty runs of problems up to the size of c: choose a small one.
func CheckInvariances(k kernels.Kernel, c Case, opts kernels.Options) ([]Invariance, error) {
	return checkInvariances(k, c, opts, nil)
}

func checkInvariances(k kernels.Kernel, c Case, opts kernels.Options, skip map[string]bool) ([]Invariance, error) {
	pr := &prober{kernel: k, c: c, opts: opts}
	pr.baseSlack = sync.OnceValues(func() (slack, error) { return pr.slackOf(c.Problem, &pr.base) })
	var err error
	if pr.base, err = newOperands(c.Problem, c.Input); err != nil {
		return nil, err
	}
	if err := pr.run(c.Problem, &pr.base, opts.Threads); err != nil {
		return nil, err
	}
	var results []Invariance
	for _, v := range invariances {
		if skip[v.name] {
			continue
		}
		r := Invariance{Name: v.name}
		var no errInapplicable
		switch err := v.check(pr); {
		case err == nil:
		case errors.As(err, &no):
			r.Skipped = no.why
		case errors.Is(err, errors.ErrUnsupported):
			r.Skipped = err.Error()
		default:
			r.Broken = err.Error()
		}
		results = append(results, r)
	}
	return results, nil
}

// A prober runs one kernel in many ways.
type prober struct {
	kernel    kernels.Kernel
	c         Case
	opts      kernels.Options
	base      kernels.Tensors // operands and what the first run made of them
	baseSlack func() (slack, error)
}

// newOperands returns filled and poisoned operands.
func newOperands(p kernels.Problem, in Input) (kernels.Tensors, error) {
	t, err := kernels.Allocate(p)
	if err != nil {
		return t, err
	}
	if err := in.Fill(p, &t); err != nil {
		return t, err
	}
	Poison(p, &t)
	return t, nil
}

// plan returns a plan bound to t.
func (pr *prober) plan(p kernels.Problem, t *kernels.Tensors, threads int) (kernels.Plan, error) {
	if err := pr.kernel.Supports(p); err != nil {
		return nil, err
	}
	opts := pr.opts
	opts.Threads = threads
	pl, err := pr.kernel.Plan(p, opts)
	if err != nil {
		return nil, err
	}
	if err := pl.Bind(bindable(pr.kernel, *t)); err != nil {
		pl.Close()
		return nil, err
	}
	return pl, nil
}

// run computes p on t by a plan of its own. Of a kernel without lse, t has none
// afterwards.
func (pr *prober) run(p kernels.Problem, t *kernels.Tensors, threads int) error {
	pl, err := pr.plan(p, t, threads)
	if err != nil {
		return err
	}
	defer pl.Close()
	*t = bindable(pr.kernel, *t)
	return runOnce(pl, t)
}

func runOnce(pl kernels.Plan, t *kernels.Tensors) error {
	PoisonOutputs(t)
	if err := pl.Run(); err != nil {
		return err
	}
	return pl.Fetch()
}

// outputsOf returns the operands of t with outputs of their own.
func outputsOf(p kernels.Problem, t kernels.Tensors) kernels.Tensors {
	t.O = t.O.As(p.DType, 0)
	t.LSE = make([]float32, p.Batch*p.Heads*p.QLen)
	return t
}

// eachOutput calls f for every element of O and LSE of two outputs, the second
// as wanted, until it returns an error. An lse is its row's element 0, and is passed
// over where one of them has none.
func eachOutput(p kernels.Problem, got, want *kernels.Tensors, f func(e Element, name string) error) error {
	x, y := make([]float32, p.HeadDim), make([]float32, p.HeadDim)
	for n := range p.Batch * p.Heads * p.QLen {
		e := Element{Batch: n / p.QLen / p.Heads, Head: n / p.QLen % p.Heads, Query: n % p.QLen}
		if got.LSE != nil && want.LSE != nil {
			e.Got, e.Want = float64(got.LSE[n]), float64(want.LSE[n])
			if err := f(e, "lse"); err != nil {
				return err
			}
		}
		w := want.O.ReadRow(y, e.Batch, e.Head, e.Query)
		for d, g := range got.O.ReadRow(x, e.Batch, e.Head, e.Query) {
			e.Dim, e.Got, e.Want = d, float64(g), float64(w[d])
			if err := f(e, "O"); err != nil {
				return err
			}
		}
	}
	return nil
}
