/*
 * libcuda.c: a libcuda to link against that finds the real one at run time.
 *
 * gorgonia.org/cu links libcuda and calls cuInit from a Go init function; where
 * that fails it ends the process, so that a plain build would not even print
 * its help on a machine without a driver. Here cuInit only says yes. The driver
 * is looked for when attnbenchOpenDriver is called, and that says what is
 * missing. Until then every other function answers CUDA_ERROR_NOT_INITIALIZED.
 *
 * A forwarded function is one indirect jump through its slot, which leaves the
 * arguments where they are; so one stub serves every signature.
 */
#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "cuda.h"
#include "symbols.h"

static CUresult notInitialized(void) { return CUDA_ERROR_NOT_INITIALIZED; }

/* notInDriver stands for what an older driver lacks. */
static CUresult notInDriver(void) { return CUDA_ERROR_NOT_SUPPORTED; }

typedef CUresult (*function)(void);

#define SLOT(name) __attribute__((visibility("hidden"))) function attnbenchSlot_##name = notInitialized;
DRIVER_SYMBOLS(SLOT)

#if defined(__x86_64__)
#define JUMP(name) "jmp *attnbenchSlot_" #name "(%rip)\n"
#elif defined(__aarch64__)
#define JUMP(name) \
	"adrp x16, attnbenchSlot_" #name "\n" \
	"ldr x16, [x16, :lo12:attnbenchSlot_" #name "]\n" \
	"br x16\n"
#else
#error "libcuda.c: no stub for this architecture"
#endif

#define STUB(name) \
	__asm__(".text\n.globl " #name "\n.type " #name ", %function\n" #name ":\n" JUMP(name) \
		".size " #name ", .-" #name "\n");
DRIVER_SYMBOLS(STUB)

static const struct {
	const char *name;
	function *slot;
} slots[] = {
#define ROW(name) {#name, &attnbenchSlot_##name},
	DRIVER_SYMBOLS(ROW)
};

CUresult cuInit(unsigned int flags)
{
	(void)flags;
	return CUDA_SUCCESS;
}

static char reason[512];

static void *load(void)
{
	const char *path = getenv("ATTNBENCH_LIBCUDA");
	if (path == NULL || *path == 0)
		path = "libcuda.so.1";
	void *lib = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	if (lib == NULL)
		snprintf(reason, sizeof reason, "no driver library: %s", dlerror());
	return lib;
}

static void fill(void *lib)
{
	for (size_t i = 0; i < sizeof slots / sizeof slots[0]; i++) {
		function f = (function)dlsym(lib, slots[i].name);
		*slots[i].slot = f != NULL ? f : notInDriver;
	}
}

static void explain(CUresult err)
{
	const char *name = NULL, *text = NULL;
	if (cuGetErrorName(err, &name) != CUDA_SUCCESS || name == NULL)
		name = "unknown error";
	if (cuGetErrorString(err, &text) != CUDA_SUCCESS || text == NULL)
		text = "no description";
	snprintf(reason, sizeof reason, "cuInit: %s (%d): %s", name, (int)err, text);
}

static void openDriver(void)
{
	void *lib = load();
	if (lib == NULL)
		return;
	CUresult (*init)(unsigned int) = (CUresult (*)(unsigned int))dlsym(lib, "cuInit");
	if (init == NULL) {
		snprintf(reason, sizeof reason, "no driver library: it exports no cuInit");
		return;
	}
	fill(lib);
	CUresult err = init(0);
	if (err != CUDA_SUCCESS)
		explain(err);
}

/*
 * attnbenchOpenDriver loads and initialises the driver, once, and returns NULL
 * or the reason why there is none.
 */
const char *attnbenchOpenDriver(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	pthread_once(&once, openDriver);
	return reason[0] ? reason : NULL;
}
