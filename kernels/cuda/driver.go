//go:build cuda

package cuda

/*
#include <cuda.h>

const char *attnbenchOpenDriver(void);
*/
import "C"

import (
	"fmt"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"unsafe"

	"gorgonia.org/cu"

	"github.com/attnbench/attnbench/kernels"
)

// Lowest versions: the PTX is 7.0 for sm_80, which a driver of CUDA 11.0 reads, but
// for what device.wgmma asks for.
const (
	minCapability = 80
	minDriver     = 11000
)

// emulation is the name of the device that the tests' own libcuda shows.
const emulation = "attnbench emulation"

// maxDynamicShared is cuda.h's attribute, which gorgonia.org/cu does not name.
const (
	maxSharedOptin cu.DeviceAttribute = C.CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK_OPTIN
	plainShared                       = 48 << 10 // bytes that a kernel gets without asking
)

// A device is the GPU in use with a context of its own. It is open until the
// process ends.
type device struct {
	ctx        cu.CUContext
	name       string
	capability int // 80 for 8.0
	driver     int // 12040 for CUDA 12.4
	memory     int64
	maxShared  int // bytes a block may have
	processors int
	clock      int // kHz
	emulated   bool

	flush      cu.DevicePtr // as much memory as pushes everything out of the L2 cache
	flushWords int64

	limitsOnce sync.Once
	limit      kernels.DeviceLimits
	limitErr   error

	mu        sync.Mutex
	modules   map[string]cu.Module
	functions map[string]cu.Function
}

// openDevice opens the device on first use. Its error wraps
// errors.ErrUnsupported and says what is missing.
//
// ATTNBENCH_CUDA_DEVICE chooses among several.
var openDevice = sync.OnceValues(func() (*device, error) {
	if reason := C.attnbenchOpenDriver(); reason != nil {
		return nil, unsupportedf("unavailable: %s", C.GoString(reason))
	}
	d, err := findDevice()
	if err != nil {
		return nil, unsupportedf("unavailable: %v", err)
	}
	return d, nil
})

func findDevice() (*device, error) {
	n, err := cu.NumDevices()
	if err != nil {
		return nil, driverError("count devices", err)
	}
	ordinal, _ := strconv.Atoi(os.Getenv("ATTNBENCH_CUDA_DEVICE"))
	if ordinal < 0 || ordinal >= n {
		return nil, fmt.Errorf("no device %d: the driver shows %d", ordinal, n)
	}
	dev, err := cu.GetDevice(ordinal)
	if err != nil {
		return nil, driverError("get device", err)
	}
	d := &device{modules: map[string]cu.Module{}, functions: map[string]cu.Function{}}
	if err := d.read(dev); err != nil {
		return nil, err
	}
	if d.driver < minDriver {
		return nil, fmt.Errorf("the driver is of CUDA %d.%d: at least %d.%d is needed",
			d.driver/1000, d.driver%1000/10, minDriver/1000, minDriver%1000/10)
	}
	if d.capability < minCapability {
		return nil, fmt.Errorf("%s has compute capability %d.%d: at least %d.%d is needed",
			d.name, d.capability/10, d.capability%10, minCapability/10, minCapability%10)
	}
	return d, d.start(dev)
}

// read finds out what the device is.
func (d *device) read(dev cu.Device) error {
	var major, minor, l2 int
	for _, a := range []struct {
		attribute cu.DeviceAttribute
		to        *int
	}{
		{cu.ComputeCapabilityMajor, &major}, {cu.ComputeCapabilityMinor, &minor}, {cu.L2CacheSize, &l2},
		{cu.MultiprocessorCount, &d.processors}, {cu.ClockRate, &d.clock}, {maxSharedOptin, &d.maxShared},
	} {
		x, err := dev.Attribute(a.attribute)
		if err != nil {
			return driverError("read device attribute "+strconv.Itoa(int(a.attribute)), err)
		}
		*a.to = x
	}
	name, err := dev.Name()
	if err != nil {
		return driverError("read device name", err)
	}
	if d.memory, err = dev.TotalMem(); err != nil {
		return driverError("read device memory", err)
	}
	d.name, d.emulated = name, name == emulation
	d.capability, d.driver = 10*major+minor, cu.Version()
	d.flushWords = int64(l2) * 2 / 4
	return nil
}

// start makes the context and the memory that flushes the L2 cache.
func (d *device) start(dev cu.Device) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	var err error
	if d.ctx, err = dev.MakeContext(cu.SchedAuto); err != nil {
		return driverError("make context", err)
	}
	if d.flushWords == 0 {
		return nil
	}
	if d.flush, err = cu.MemAlloc(4 * d.flushWords); err != nil {
		d.ctx.Destroy()
		return driverError("allocate", err)
	}
	return nil
}

// enter makes the context current for the calling goroutine's thread, which is
// its own until leave.
func (d *device) enter() error {
	runtime.LockOSThread()
	if err := cu.SetCurrentContext(d.ctx); err != nil {
		return driverError("set context", err)
	}
	return nil
}

func (d *device) leave() { runtime.UnlockOSThread() }

// What follows a device's instruction set where tensor cores are used: mma.sync,
// and wgmma of compute capability 9.0.
const (
	mmaSuffix   = "-mma"
	wgmmaSuffix = "-wgmma"
)

// wgmma reports whether the device has the instructions of sm_90a, which no other
// does, and the driver compiles them: PTX 8.0.
func (d *device) wgmma() bool { return d.capability == 90 && d.driver >= 12000 }

// isa is what records call the device's instruction set.
func (d *device) isa() string {
	if d.emulated {
		return "emulated"
	}
	return "sm_" + strconv.Itoa(d.capability)
}

// isas returns what plans report, those on halves last and from plain to best.
func (d *device) isas() []string {
	list := []string{d.isa(), d.isa() + mmaSuffix}
	if d.wgmma() {
		list = append(list, d.isa()+wgmmaSuffix)
	}
	return list
}

// selectISA resolves Options.ISA for an element type: what is not for it gives way
// to the best that is.
func (d *device) selectISA(t kernels.DType, name string) (string, error) {
	list := d.isas()
	switch {
	case name != "" && !slices.Contains(list, name):
		return "", unsupportedf("isa %q: the device has %s", name, strings.Join(list, ", "))
	case t == kernels.Float32:
		return d.isa(), nil
	case name != "" && name != d.isa():
		return name, nil
	}
	return list[len(list)-1], nil
}

// String describes the device in a line.
func (d *device) String() string {
	text := fmt.Sprintf("%s, compute capability %d.%d, %.1f GB, CUDA %d.%d driver",
		d.name, d.capability/10, d.capability%10, float64(d.memory)/1e9, d.driver/1000, d.driver%1000/10)
	if d.clock > 0 {
		text += fmt.Sprintf(", %d MHz", d.clock/1000)
	}
	return text
}

// function returns a kernel, allowed to have so much shared memory. Its module
// is compiled for the device on first use.
func (d *device) function(module, name string, shared int) (cu.Function, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if fn, ok := d.functions[name]; ok {
		return fn, nil
	}
	if shared > d.maxShared {
		return cu.Function{}, unsupportedf("%s: %d bytes of shared memory a block: the device has %d", name, shared, d.maxShared)
	}
	mod, ok := d.modules[module]
	if !ok {
		text, err := moduleText(module)
		if err != nil {
			return cu.Function{}, err
		}
		if mod, err = cu.LoadData(text); err != nil {
			return cu.Function{}, driverError("load "+module+".ptx", err)
		}
		d.modules[module] = mod
	}
	fn, err := mod.Function(name)
	if err != nil {
		return fn, driverError("find "+name, err)
	}
	if shared > plainShared {
		if err := allowShared(fn, shared); err != nil {
			return fn, driverError("give "+name+" "+strconv.Itoa(shared)+" bytes of shared memory", err)
		}
	}
	d.functions[name] = fn
	return fn, nil
}

// allowShared raises a kernel's limit of dynamic shared memory.
//
// Note: gorgonia.org/cu lacks cuFuncSetAttribute and hides the handle, which is
// all that a cu.Function holds.
func allowShared(fn cu.Function, bytes int) error {
	handle := *(*C.CUfunction)(unsafe.Pointer(&fn))
	if code := C.cuFuncSetAttribute(handle, C.CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES, C.int(bytes)); code != C.CUDA_SUCCESS {
		return result(code)
	}
	return nil
}

// result is a driver's code as an error.
type result C.CUresult

func (r result) Error() string {
	name, text := codeName(int(r))
	return name + ": " + text
}

// codeName returns what the driver calls a code, and its description.
func codeName(code int) (name, text string) {
	var n, t *C.char
	if C.cuGetErrorName(C.CUresult(code), &n) != C.CUDA_SUCCESS || n == nil {
		return "CUDA error " + strconv.Itoa(code), "not known to the driver"
	}
	if C.cuGetErrorString(C.CUresult(code), &t) != C.CUDA_SUCCESS || t == nil {
		return C.GoString(n), "no description"
	}
	return C.GoString(n), C.GoString(t)
}

// driverError says what failed, with the driver's name for why.
//
// Note: the module's error type is hidden and prints names of its own; as a
// number it is the driver's code.
func driverError(what string, err error) error {
	if _, ours := err.(result); !ours {
		if code, e := strconv.Atoi(strings.TrimSpace(fmt.Sprintf("%d", err))); e == nil {
			err = result(code)
		}
	}
	return fmt.Errorf("%s: %w", what, err)
}
