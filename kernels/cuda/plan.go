//go:build cuda

package cuda

import (
	"errors"
	"fmt"
	"strings"
	"time"
	"unsafe"

	"gorgonia.org/cu"

	"github.com/attnbench/attnbench/kernels"
)

// A plan holds a call on the device: operands, workspace and launches. On the
// device all tensors are contiguous [batch, head, position, width], columns
// beyond headDim being zero.
type plan struct {
	name    string
	problem kernels.Problem
	dev     *device
	isa     string
	width   int

	q, k, v, o, lse cu.DevicePtr
	held            []cu.DevicePtr // all that Close frees
	workspace       int64
	launches        []*launch
	lseSlots        []*uint64 // the launches' pointers to lse, 0 where it is not wanted

	bound         kernels.Tensors
	staging       staging
	start, end    cu.Event
	ran           bool
	upload, fetch time.Duration
}

// newPlan allocates the operands of p on the device.
func newPlan(name string, p kernels.Problem, opts kernels.Options) (*plan, error) {
	if err := p.Validate(); err != nil {
		return nil, err
	}
	if opts.Threads < 0 {
		return nil, fmt.Errorf("threads %d: must not be negative", opts.Threads)
	}
	d, err := openDevice()
	if err != nil {
		return nil, err
	}
	isa, err := d.selectISA(p.DType, opts.ISA)
	if err != nil {
		return nil, err
	}
	sizes := widths
	if strings.HasSuffix(isa, wgmmaSuffix) {
		sizes = wgmmaWidths
	}
	pl := &plan{name: name, problem: p, dev: d, isa: isa, width: width(p.HeadDim, sizes)}
	if err := d.enter(); err != nil {
		return nil, err
	}
	defer d.leave()
	if err := pl.allocateOperands(); err != nil {
		pl.release()
		return nil, err
	}
	return pl, nil
}

func (pl *plan) allocateOperands() error {
	p := &pl.problem
	q := int64(p.Batch*p.Heads*p.QLen*pl.width) * p.DType.Size()
	kv := int64(p.Batch*p.KVHeads*p.KVLen*pl.width) * p.KVDType.Size()
	for _, x := range []struct {
		what  string
		to    *cu.DevicePtr
		bytes int64
	}{{"Q", &pl.q, q}, {"K", &pl.k, kv}, {"V", &pl.v, kv}, {"O", &pl.o, q}, {"lse", &pl.lse, int64(p.Batch*p.Heads*p.QLen) * 4}} {
		var err error
		if *x.to, err = pl.allocate(x.what, x.bytes); err != nil {
			return err
		}
	}
	padding := int64(pl.width-p.HeadDim) * 2 // of Q and O, K and V
	pl.workspace = padding*int64(p.Batch*p.Heads*p.QLen)*p.DType.Size() + padding*int64(p.Batch*p.KVHeads*p.KVLen)*p.KVDType.Size()
	return pl.makeEvents()
}

func (pl *plan) makeEvents() error {
	for _, e := range []*cu.Event{&pl.start, &pl.end} {
		var err error
		if *e, err = cu.MakeEvent(cu.DefaultEvent); err != nil {
			return driverError("make event", err)
		}
	}
	return nil
}

// allocate returns device memory that release frees.
func (pl *plan) allocate(what string, bytes int64) (cu.DevicePtr, error) {
	ptr, err := cu.MemAlloc(bytes)
	if err != nil {
		err = driverError(fmt.Sprintf("allocate %d bytes for %s", bytes, what), err)
		if free, total, e := cu.MemInfo(); e == nil && errors.Is(err, result(cu.OutOfMemory)) {
			return 0, unsupportedf("%v: %d of the device's %d are free", err, free, total)
		}
		return 0, err
	}
	pl.held = append(pl.held, ptr)
	return ptr, nil
}

// scratch returns device memory that counts as workspace.
func (pl *plan) scratch(what string, bytes int64) (cu.DevicePtr, error) {
	ptr, err := pl.allocate(what, bytes)
	if err == nil {
		pl.workspace += bytes
	}
	return ptr, err
}

// table returns workspace filled with a table of n elements of a size; it has a
// place for one where the table is empty.
func (pl *plan) table(what string, first unsafe.Pointer, n int, size uintptr) (cu.DevicePtr, error) {
	ptr, err := pl.scratch(what, int64(max(n, 1))*int64(size))
	if err != nil || n == 0 {
		return ptr, err
	}
	if err := cu.MemcpyHtoD(ptr, first, int64(n)*int64(size)); err != nil {
		return 0, driverError("upload "+what, err)
	}
	return ptr, nil
}

// add appends a launch; lse is the index of its argument that points to lse, or
// −1.
func (pl *plan) add(l *launch, err error, lse int) error {
	if err != nil {
		return err
	}
	pl.launches = append(pl.launches, l)
	if lse >= 0 {
		pl.lseSlots = append(pl.lseSlots, &l.slots[lse])
	}
	return nil
}

// Bind uploads Q, K and V.
func (pl *plan) Bind(t kernels.Tensors) error {
	if err := t.Check(pl.problem); err != nil {
		return fmt.Errorf("%s: %w", pl.name, err)
	}
	if err := pl.dev.enter(); err != nil {
		return pl.wrap(err)
	}
	defer pl.dev.leave()
	began := time.Now()
	for _, x := range []struct {
		what string
		t    *kernels.Tensor
		to   cu.DevicePtr
	}{{"Q", &t.Q, pl.q}, {"K", &t.K, pl.k}, {"V", &t.V, pl.v}} {
		src, bytes := pl.staging.gather(x.t, pl.width)
		if err := cu.MemcpyHtoD(x.to, src, bytes); err != nil {
			return pl.wrap(driverError("upload "+x.what, err))
		}
	}
	pl.upload = time.Since(began)
	for _, slot := range pl.lseSlots {
		*slot = 0
		if t.LSE != nil {
			*slot = uint64(pl.lse)
		}
	}
	pl.bound, pl.ran = t, false
	return nil
}

// Run computes O on the device and waits for it. Before, and outside of what
// Elapsed measures, the L2 cache is filled with something else.
func (pl *plan) Run() error {
	if pl.bound.Q.Dim == 0 {
		return fmt.Errorf("%s: Run before Bind", pl.name)
	}
	if err := pl.dev.enter(); err != nil {
		return pl.wrap(err)
	}
	defer pl.dev.leave()
	if err := pl.launch(); err != nil {
		return pl.wrap(err)
	}
	pl.ran = true
	return nil
}

func (pl *plan) launch() error {
	if d := pl.dev; d.flushWords > 0 {
		if err := cu.MemsetD32Async(d.flush, 0, d.flushWords, cu.Stream{}); err != nil {
			return driverError("flush the L2 cache", err)
		}
	}
	if err := pl.start.Record(cu.Stream{}); err != nil {
		return driverError("record event", err)
	}
	for _, l := range pl.launches {
		if err := l.run(); err != nil {
			return err
		}
	}
	if err := pl.end.Record(cu.Stream{}); err != nil {
		return driverError("record event", err)
	}
	if err := cu.Synchronize(); err != nil {
		return driverError("run", err)
	}
	return nil
}

// Fetch downloads O, and LSE where bound.
func (pl *plan) Fetch() error {
	if pl.bound.Q.Dim == 0 {
		return fmt.Errorf("%s: Fetch before Bind", pl.name)
	}
	if err := pl.dev.enter(); err != nil {
		return pl.wrap(err)
	}
	defer pl.dev.leave()
	began := time.Now()
	dst, bytes := pl.staging.room(&pl.bound.O, pl.width)
	if err := cu.MemcpyDtoH(dst, pl.o, bytes); err != nil {
		return pl.wrap(driverError("download O", err))
	}
	pl.staging.scatter(&pl.bound.O, pl.width)
	if lse := pl.bound.LSE; lse != nil {
		if err := cu.MemcpyDtoH(unsafe.Pointer(&lse[0]), pl.lse, int64(len(lse))*4); err != nil {
			return pl.wrap(driverError("download lse", err))
		}
	}
	pl.fetch = time.Since(began)
	return nil
}

// Elapsed returns the time of the last run between events around its kernels.
func (pl *plan) Elapsed() (time.Duration, error) {
	if pl.dev.emulated {
		return 0, pl.wrap(unsupportedf("%s: its time says nothing about a GPU", pl.dev.name))
	}
	if !pl.ran {
		return 0, fmt.Errorf("%s: Elapsed before Run", pl.name)
	}
	if err := pl.dev.enter(); err != nil {
		return 0, pl.wrap(err)
	}
	defer pl.dev.leave()
	ms, err := pl.start.Elapsed(pl.end)
	if err != nil {
		return 0, pl.wrap(driverError("elapsed time", err))
	}
	return time.Duration(ms * float64(time.Millisecond)), nil
}

// Transfers returns how long the last Bind and the last Fetch took, the copies
// to and from the device's layout included.
func (pl *plan) Transfers() (bind, fetch time.Duration) { return pl.upload, pl.fetch }

// Workspace returns the device memory beyond inputs and outputs: padding of
// the heads, the mask's schedule, and what the kernel itself needs.
func (pl *plan) Workspace() int64 { return pl.workspace }

// ISA returns the device's architecture, sm_90 for compute capability 9.0, and the
// kind of tensor core instruction where they are used.
func (pl *plan) ISA() string { return pl.isa }

// Close frees the device memory.
func (pl *plan) Close() error {
	if err := pl.dev.enter(); err != nil {
		return pl.wrap(err)
	}
	defer pl.dev.leave()
	pl.bound = kernels.Tensors{}
	return pl.release()
}

func (pl *plan) release() error {
	var errs []error
	for _, ptr := range pl.held {
		if err := cu.MemFree(ptr); err != nil {
			errs = append(errs, driverError("free", err))
		}
	}
	for _, e := range []*cu.Event{&pl.start, &pl.end} {
		if *e != (cu.Event{}) {
			errs = append(errs, cu.DestroyEvent(e))
		}
	}
	pl.held = nil
	if err := errors.Join(errs...); err != nil {
		return pl.wrap(err)
	}
	return nil
}

func (pl *plan) wrap(err error) error { return fmt.Errorf("%s: %w", pl.name, err) }
