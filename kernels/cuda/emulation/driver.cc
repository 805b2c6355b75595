// driver.cc: a libcuda.so.1 with the functions that attnbench uses, over the
// emulated machine. It knows one device. Launches run when they are called, and a
// fault shows at the next call, as an error that stays, like a real driver's.

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <mutex>

#include "machine.h"
#include "ptx.h"

using namespace emulation;

struct CUctx_st {
	int unused;
};
struct CUfunc_st {
	const Kernel *kernel;
	Entry entry;
	size_t sharedLimit = plainShared;
};
struct CUmod_st {
	Module ptx;
	std::map<std::string, CUfunc_st> functions;
};
struct CUevent_st {
	bool recorded;
};

namespace {

std::mutex lock;
thread_local CUcontext current;
CUresult sticky = CUDA_SUCCESS;
bool initialised;
int contexts;

int number(const char *name, int fallback)
{
	const char *s = getenv(name);
	return s && *s ? atoi(s) : fallback;
}

Settings read()
{
	Settings s;
	s.seed = number("ATTNBENCH_EMULATION_SEED", s.seed);
	s.capability = number("ATTNBENCH_EMULATION_CAPABILITY", s.capability);
	s.driver = number("ATTNBENCH_EMULATION_DRIVER", s.driver);
	s.memory = (size_t)number("ATTNBENCH_EMULATION_MEMORY_MB", s.memory >> 20) << 20;
	const char *copies = getenv("ATTNBENCH_EMULATION_COPIES");
	s.eagerCopies = copies && strcmp(copies, "eager") == 0;
	const char *fail = getenv("ATTNBENCH_EMULATION_FAIL"); // function=code
	if (const char *code = fail ? strchr(fail, '=') : nullptr) {
		s.failAt = std::string(fail, code);
		s.failCode = atoi(code + 1);
	}
	return s;
}

// A Call is one call of the driver: it holds the lock, and err says whether the
// call may go on.
struct Call {
	std::lock_guard<std::mutex> guard{lock};
	CUresult err = CUDA_SUCCESS;

	explicit Call(const char *function, bool needsContext = true)
	{
		if (settings().failAt == function)
			err = (CUresult)settings().failCode;
		else if (!initialised)
			err = CUDA_ERROR_NOT_INITIALIZED;
		else if (needsContext && !current)
			err = CUDA_ERROR_INVALID_CONTEXT;
		else if (needsContext)
			err = sticky;
	}
	CUresult check(bool fine, CUresult otherwise) const { return err ? err : fine ? CUDA_SUCCESS : otherwise; }
};

CUresult faulted(const Fault &f)
{
	if (f.code) {
		fprintf(stderr, "attnbench emulation: %s\n", f.text.c_str());
		sticky = f.code;
	}
	return CUDA_SUCCESS; // the launch itself was fine
}

// refuse explains what is wrong with a call, which a real driver would not.
CUresult refuse(CUresult code, const char *name, const char *why)
{
	fprintf(stderr, "attnbench emulation: %s: %s\n", name, why);
	return code;
}

// checkLaunch holds a launch against the limits and the PTX.
CUresult checkLaunch(const CUfunc_st &f, Dim grid, Dim block, size_t shared)
{
	const char *name = f.kernel->name;
	const unsigned threads = block.x * block.y * block.z;
	if (!grid.x || !grid.y || !grid.z || grid.x > 0x7fffffff || grid.y > 65535 || grid.z > 65535)
		return refuse(CUDA_ERROR_INVALID_VALUE, name, "grid out of range");
	if (!threads || threads > maxThreads || (f.entry.maxThreads && threads > f.entry.maxThreads))
		return refuse(CUDA_ERROR_INVALID_VALUE, name, "more threads in a block than .maxntid");
	if (threads % warpSize || threads != block.x)
		return refuse(CUDA_ERROR_INVALID_VALUE, name, "the emulation wants blocks of whole warps along x");
	if (shared > f.sharedLimit)
		return refuse(CUDA_ERROR_INVALID_VALUE, name, "more dynamic shared memory than the function may have");
	if (f.entry.sizes != f.kernel->sizes)
		return refuse(CUDA_ERROR_INVALID_IMAGE, name, "the parameters in the PTX are not those of the source");
	return CUDA_SUCCESS;
}

struct Name {
	CUresult code;
	const char *name, *text;
};

const Name names[] = {
	{CUDA_SUCCESS, "CUDA_SUCCESS", "no error"},
	{CUDA_ERROR_INVALID_VALUE, "CUDA_ERROR_INVALID_VALUE", "invalid argument"},
	{CUDA_ERROR_OUT_OF_MEMORY, "CUDA_ERROR_OUT_OF_MEMORY", "out of memory"},
	{CUDA_ERROR_NOT_INITIALIZED, "CUDA_ERROR_NOT_INITIALIZED", "initialization error"},
	{CUDA_ERROR_NO_DEVICE, "CUDA_ERROR_NO_DEVICE", "no CUDA-capable device is detected"},
	{CUDA_ERROR_INVALID_DEVICE, "CUDA_ERROR_INVALID_DEVICE", "invalid device ordinal"},
	{CUDA_ERROR_INVALID_IMAGE, "CUDA_ERROR_INVALID_IMAGE", "device kernel image is invalid"},
	{CUDA_ERROR_INVALID_CONTEXT, "CUDA_ERROR_INVALID_CONTEXT", "invalid device context"},
	{CUDA_ERROR_NO_BINARY_FOR_GPU, "CUDA_ERROR_NO_BINARY_FOR_GPU", "no kernel image is available for execution on the device"},
	{CUDA_ERROR_INVALID_PTX, "CUDA_ERROR_INVALID_PTX", "a PTX JIT compilation failed"},
	{CUDA_ERROR_UNSUPPORTED_PTX_VERSION, "CUDA_ERROR_UNSUPPORTED_PTX_VERSION", "the provided PTX was compiled with an unsupported toolchain"},
	{CUDA_ERROR_INVALID_HANDLE, "CUDA_ERROR_INVALID_HANDLE", "invalid resource handle"},
	{CUDA_ERROR_NOT_FOUND, "CUDA_ERROR_NOT_FOUND", "named symbol not found"},
	{CUDA_ERROR_ILLEGAL_ADDRESS, "CUDA_ERROR_ILLEGAL_ADDRESS", "an illegal memory access was encountered"},
	{CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES, "CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES", "too many resources requested for launch"},
	{CUDA_ERROR_LAUNCH_TIMEOUT, "CUDA_ERROR_LAUNCH_TIMEOUT", "the launch timed out and was terminated"},
	{CUDA_ERROR_MISALIGNED_ADDRESS, "CUDA_ERROR_MISALIGNED_ADDRESS", "misaligned address"},
	{CUDA_ERROR_LAUNCH_FAILED, "CUDA_ERROR_LAUNCH_FAILED", "unspecified launch failure"},
	{CUDA_ERROR_NOT_SUPPORTED, "CUDA_ERROR_NOT_SUPPORTED", "operation not supported"},
	{CUDA_ERROR_SYSTEM_DRIVER_MISMATCH, "CUDA_ERROR_SYSTEM_DRIVER_MISMATCH", "system has unsupported display driver / cuda driver combination"},
};

const Name *find(CUresult code)
{
	for (const Name &n : names)
		if (n.code == code)
			return &n;
	return nullptr;
}

} // namespace

const Settings &emulation::settings()
{
	static const Settings s = read();
	return s;
}

extern "C" {

#define EXPORTED __attribute__((visibility("default")))

EXPORTED CUresult cuInit(unsigned)
{
	Call call("cuInit", false);
	if (settings().failAt == "cuInit")
		return call.err;
	initialised = true;
	return CUDA_SUCCESS;
}

EXPORTED CUresult cuDriverGetVersion(int *version)
{
	*version = settings().driver;
	return CUDA_SUCCESS;
}

EXPORTED CUresult cuGetErrorName(CUresult code, const char **name)
{
	const Name *n = find(code);
	*name = n ? n->name : nullptr;
	return n ? CUDA_SUCCESS : CUDA_ERROR_INVALID_VALUE;
}

EXPORTED CUresult cuGetErrorString(CUresult code, const char **text)
{
	const Name *n = find(code);
	*text = n ? n->text : nullptr;
	return n ? CUDA_SUCCESS : CUDA_ERROR_INVALID_VALUE;
}

// Devices and contexts.

EXPORTED CUresult cuDeviceGetCount(int *count)
{
	Call call("cuDeviceGetCount", false);
	*count = 1;
	return call.err;
}

EXPORTED CUresult cuDeviceGet(CUdevice *dev, int ordinal)
{
	Call call("cuDeviceGet", false);
	*dev = ordinal;
	return call.check(ordinal == 0, CUDA_ERROR_INVALID_DEVICE);
}

EXPORTED CUresult cuDeviceGetName(char *name, int len, CUdevice)
{
	Call call("cuDeviceGetName", false);
	snprintf(name, len, "attnbench emulation");
	return call.err;
}

EXPORTED CUresult cuDeviceTotalMem_v2(size_t *bytes, CUdevice)
{
	Call call("cuDeviceTotalMem", false);
	*bytes = settings().memory;
	return call.err;
}

EXPORTED CUresult cuDeviceGetAttribute(int *value, CUdevice_attribute a, CUdevice)
{
	Call call("cuDeviceGetAttribute", false);
	switch ((int)a) {
	case CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR:
		*value = settings().capability / 10;
		break;
	case CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR:
		*value = settings().capability % 10;
		break;
	case CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT:
		*value = 1;
		break;
	case CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK_OPTIN:
		*value = maxShared();
		break;
	case CU_DEVICE_ATTRIBUTE_L2_CACHE_SIZE:
		*value = 64 << 10;
		break;
	case CU_DEVICE_ATTRIBUTE_CLOCK_RATE:
	case CU_DEVICE_ATTRIBUTE_MEMORY_CLOCK_RATE:
	case CU_DEVICE_ATTRIBUTE_GLOBAL_MEMORY_BUS_WIDTH:
		*value = 0; // there is none
		break;
	default:
		return call.check(false, CUDA_ERROR_INVALID_VALUE);
	}
	return call.err;
}

EXPORTED CUresult cuCtxCreate_v2(CUcontext *ctx, unsigned, CUdevice)
{
	Call call("cuCtxCreate", false);
	if (!call.err) {
		*ctx = current = new CUctx_st;
		contexts++;
	}
	return call.err;
}

EXPORTED CUresult cuCtxDestroy_v2(CUcontext ctx)
{
	Call call("cuCtxDestroy", false);
	delete ctx;
	current = nullptr;
	contexts--;
	return call.err;
}

EXPORTED CUresult cuCtxSetCurrent(CUcontext ctx)
{
	Call call("cuCtxSetCurrent", false);
	current = ctx;
	return call.err;
}

EXPORTED CUresult cuCtxSynchronize(void) { return Call("cuCtxSynchronize").err; }

// Memory.

EXPORTED CUresult cuMemGetInfo_v2(size_t *free, size_t *total)
{
	Call call("cuMemGetInfo");
	*total = settings().memory;
	*free = *total - allocated();
	return call.err;
}

EXPORTED CUresult cuMemAlloc_v2(CUdeviceptr *ptr, size_t bytes)
{
	Call call("cuMemAlloc");
	if (call.err)
		return call.err;
	*ptr = (CUdeviceptr)(uintptr_t)allocate(bytes);
	return call.check(*ptr, bytes ? CUDA_ERROR_OUT_OF_MEMORY : CUDA_ERROR_INVALID_VALUE);
}

EXPORTED CUresult cuMemFree_v2(CUdeviceptr ptr)
{
	Call call("cuMemFree");
	return call.err ? call.err : call.check(release((void *)(uintptr_t)ptr), CUDA_ERROR_INVALID_VALUE);
}

EXPORTED CUresult cuMemcpyHtoD_v2(CUdeviceptr dst, const void *src, size_t bytes)
{
	Call call("cuMemcpyHtoD");
	void *p = (void *)(uintptr_t)dst;
	if (call.err || !inBounds(p, bytes))
		return call.check(false, CUDA_ERROR_INVALID_VALUE);
	memcpy(p, src, bytes);
	return CUDA_SUCCESS;
}

EXPORTED CUresult cuMemcpyDtoH_v2(void *dst, CUdeviceptr src, size_t bytes)
{
	Call call("cuMemcpyDtoH");
	const void *p = (const void *)(uintptr_t)src;
	if (call.err || !inBounds(p, bytes))
		return call.check(false, CUDA_ERROR_INVALID_VALUE);
	memcpy(dst, p, bytes);
	return CUDA_SUCCESS;
}

EXPORTED CUresult cuMemsetD32Async(CUdeviceptr dst, unsigned value, size_t n, CUstream)
{
	Call call("cuMemsetD32Async");
	uint32_t *p = (uint32_t *)(uintptr_t)dst;
	if (call.err || !inBounds(p, 4 * n))
		return call.check(false, CUDA_ERROR_INVALID_VALUE);
	for (size_t i = 0; i < n; i++)
		p[i] = value;
	return CUDA_SUCCESS;
}

// Events. There is no time on the emulation, and it says so.

EXPORTED CUresult cuEventCreate(CUevent *event, unsigned)
{
	Call call("cuEventCreate");
	if (!call.err)
		*event = new CUevent_st{false};
	return call.err;
}

EXPORTED CUresult cuEventDestroy_v2(CUevent event)
{
	Call call("cuEventDestroy");
	delete event;
	return call.err;
}

EXPORTED CUresult cuEventRecord(CUevent event, CUstream)
{
	Call call("cuEventRecord");
	event->recorded = true;
	return call.err;
}

EXPORTED CUresult cuEventSynchronize(CUevent event)
{
	Call call("cuEventSynchronize");
	return call.check(event->recorded, CUDA_ERROR_INVALID_HANDLE);
}

EXPORTED CUresult cuEventElapsedTime(float *, CUevent, CUevent)
{
	Call call("cuEventElapsedTime");
	return call.check(false, CUDA_ERROR_NOT_SUPPORTED);
}

// Modules and launches.

EXPORTED CUresult cuModuleLoadData(CUmodule *mod, const void *image)
{
	Call call("cuModuleLoadData");
	if (call.err)
		return call.err;
	CUmod_st *m = new CUmod_st;
	CUresult err = CUDA_SUCCESS;
	if (!parse((const char *)image, m->ptx))
		err = CUDA_ERROR_INVALID_PTX;
	else if (m->ptx.target > settings().capability)
		err = CUDA_ERROR_NO_BINARY_FOR_GPU;
	if (err)
		delete m;
	else
		*mod = m;
	return err;
}

EXPORTED CUresult cuModuleLoadDataEx(CUmodule *mod, const void *image, unsigned, CUjit_option *, void **)
{
	return cuModuleLoadData(mod, image);
}

EXPORTED CUresult cuModuleUnload(CUmodule mod)
{
	Call call("cuModuleUnload");
	delete mod;
	return call.err;
}

EXPORTED CUresult cuModuleGetFunction(CUfunction *f, CUmodule mod, const char *name)
{
	Call call("cuModuleGetFunction");
	if (call.err)
		return call.err;
	auto entry = mod->ptx.entries.find(name);
	const Kernel *kernel = findKernel(name);
	if (entry == mod->ptx.entries.end())
		return CUDA_ERROR_NOT_FOUND;
	if (!kernel)
		return refuse(CUDA_ERROR_NOT_FOUND, name, "in the PTX, but not compiled into the emulation");
	CUfunc_st &function = mod->functions[name];
	function.kernel = kernel;
	function.entry = entry->second;
	*f = &function;
	return CUDA_SUCCESS;
}

EXPORTED CUresult cuFuncSetAttribute(CUfunction f, CUfunction_attribute a, int value)
{
	Call call("cuFuncSetAttribute");
	if (call.err)
		return call.err;
	if (a != CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES || value < 0 || (size_t)value > maxShared())
		return CUDA_ERROR_INVALID_VALUE;
	f->sharedLimit = value;
	return CUDA_SUCCESS;
}

EXPORTED CUresult cuLaunchKernel(CUfunction f, unsigned gridX, unsigned gridY, unsigned gridZ, unsigned blockX, unsigned blockY,
	unsigned blockZ, unsigned shared, CUstream, void **params, void **)
{
	Call call("cuLaunchKernel");
	if (call.err)
		return call.err;
	const Dim grid{gridX, gridY, gridZ}, block{blockX, blockY, blockZ};
	const CUresult err = checkLaunch(*f, grid, block, shared);
	return err ? err : faulted(launch(*f->kernel, grid, block, shared, params));
}

} // extern "C"
