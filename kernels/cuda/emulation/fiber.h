// fiber.h: switching stacks, the one thing that C++17 cannot say. Elsewhere than
// on x86-64 it falls back on ucontext, which is slower.
#pragma once

#include <cstddef>

#if defined(__x86_64__) && !defined(ATTNBENCH_UCONTEXT)

namespace emulation {

struct Context {
	void *sp = nullptr;
};

extern "C" void attnbenchSwitch(void **save, void *to);

// switchTo leaves from and goes on where to was left.
inline void switchTo(Context &from, Context &to) { attnbenchSwitch(&from.sp, to.sp); }

// prepare makes c begin at f, which must not return, on a stack of its own.
inline void prepare(Context &c, char *stack, size_t bytes, void (*f)())
{
	void **top = (void **)(stack + bytes) - 1; // f finds the stack as a call leaves it, 8 off a multiple of 16
	*--top = (void *)f;
	for (int i = 0; i < 6; i++) // the registers that a call preserves
		*--top = nullptr;
	c.sp = top;
}

} // namespace emulation

#else

#include <ucontext.h>

namespace emulation {

struct Context {
	ucontext_t u;
};

inline void switchTo(Context &from, Context &to) { swapcontext(&from.u, &to.u); }

inline void prepare(Context &c, char *stack, size_t bytes, void (*f)())
{
	getcontext(&c.u);
	c.u.uc_stack.ss_sp = stack;
	c.u.uc_stack.ss_size = bytes;
	c.u.uc_link = nullptr;
	makecontext(&c.u, f, 0);
}

} // namespace emulation

#endif
