// device.cuh: the few things that the kernels ask of a GPU, under plain names.
//
// The kernels include this file and nothing else, so one source serves clang and
// nvcc, which see the PTX below, and a host compiler, which sees the emulation
// (../emulation/device.h) with the same names. All access to memory goes through
// load, store and copyAsync: there the emulation checks bounds and races.
#pragma once

#ifdef ATTNBENCH_EMULATION
#include "device.h"
#else

#ifndef __CUDACC_RTC__
#ifndef __NVCC__
#define __device__ __attribute__((device))
#define __global__ __attribute__((global))
#define __shared__ __attribute__((shared))
#define __launch_bounds__(threads, blocks) __attribute__((launch_bounds(threads, blocks)))
#define __forceinline__ __inline__ __attribute__((always_inline))
#endif
#endif

#define DEVICE static __device__ __forceinline__
#define DEVICE_METHOD __device__ __forceinline__

// UNROLL before a loop over a thread's own arrays keeps them in registers; ROLL
// keeps code small.
#define UNROLL _Pragma("unroll")
#define ROLL _Pragma("unroll 1")

// ENTRY starts the definition of a kernel for blocks of so many threads; EXPORT
// makes it known to the emulation and is empty here.
#define ENTRY(threads) extern "C" __global__ void __launch_bounds__(threads, 1)
#define EXPORT(name)

struct alignas(8) vec2 {
	float x, y;
};
struct alignas(16) vec4 {
	float x, y, z, w;
};

// Element types of two bytes, as their bits.
struct BFloat16 {
	unsigned short bits;
};
struct Float16 {
	unsigned short bits;
};

// Where a thread is. The grid's y and z are below 65536.
#define SPECIAL_REGISTER(name, reg) \
	DEVICE int name() \
	{ \
		int x; \
		asm("mov.u32 %0, %" reg ";" : "=r"(x)); \
		return x; \
	}
SPECIAL_REGISTER(threadIndex, "%tid.x")
SPECIAL_REGISTER(blockX, "%ctaid.x")
SPECIAL_REGISTER(blockY, "%ctaid.y")
SPECIAL_REGISTER(blockZ, "%ctaid.z")
SPECIAL_REGISTER(gridX, "%nctaid.x")

// sharedMemory returns the block's dynamic shared memory, aligned to 1024 bytes.
DEVICE char *sharedMemory()
{
	extern __shared__ __attribute__((aligned(1024))) char attnbenchShared[];
	return attnbenchShared;
}

// anew returns x as a value of which the compiler knows nothing: what follows from
// it is computed where it stands, and not kept in registers from before a loop.
DEVICE int anew(int x)
{
	asm volatile("" : "+r"(x));
	return x;
}

// barrier waits for the block and orders its accesses to shared memory.
DEVICE void barrier() { asm volatile("bar.sync 0;" ::: "memory"); }

// Global and shared memory. load and store need the natural alignment of T.
template <class T> DEVICE T load(const T *p) { return *p; }
template <class T> DEVICE void store(T *p, T x) { *p = x; }
template <class T> DEVICE T loadShared(const T *p) { return *p; }
template <class T> DEVICE void storeShared(T *p, T x) { *p = x; }

// A SharedAddress is a place in shared memory, counted in bytes. Arithmetic on it
// folds into the instructions that take it.
typedef unsigned SharedAddress;

DEVICE SharedAddress sharedAddress(const void *p)
{
	SharedAddress a;
	asm("{ .reg .u64 t; cvta.to.shared.u64 t, %1; cvt.u32.u64 %0, t; }" : "=r"(a) : "l"(p));
	return a;
}

// copyAsync starts to copy 16 bytes from global to shared memory, or to write 16
// zero bytes where wanted is false. src is valid either way.
DEVICE void copyAsync(SharedAddress dst, const void *src, bool wanted)
{
	asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;"
		:: "r"(dst), "l"(src), "r"(wanted ? 16 : 0) : "memory");
}

// commitCopies closes the group of the copies that this thread has started.
DEVICE void commitCopies() { asm volatile("cp.async.commit_group;" ::: "memory"); }

// waitCopies waits until at most N of this thread's groups are under way. Other
// threads see the data after the next barrier.
template <int N> DEVICE void waitCopies() { asm volatile("cp.async.wait_group %0;" :: "n"(N) : "memory"); }

// shuffleXor returns x of the lane whose number differs by mask, shuffle that of
// a lane, and anyLane whether any lane of the warp says so.
DEVICE float shuffleXor(float x, int mask)
{
	float y;
	asm volatile("shfl.sync.bfly.b32 %0, %1, %2, 0x1f, 0xffffffff;" : "=f"(y) : "f"(x), "r"(mask));
	return y;
}
DEVICE int shuffle(int x, int lane)
{
	int y;
	asm volatile("shfl.sync.idx.b32 %0, %1, %2, 0x1f, 0xffffffff;" : "=r"(y) : "r"(x), "r"(lane));
	return y;
}
DEVICE bool anyLane(bool x)
{
	int y;
	asm volatile("{ .reg .pred p, q; setp.ne.s32 p, %1, 0; vote.sync.any.pred q, p, 0xffffffff; selp.s32 %0, 1, 0, q; }"
		: "=r"(y) : "r"((int)x));
	return y != 0;
}

// exp2Approx is 2^x within a relative error of 2^-22, exact for 0 and -Inf, and 0
// where it is less than 2^-126.
DEVICE float exp2Approx(float x)
{
	float y;
	asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x));
	return y;
}
DEVICE float mulAdd(float a, float b, float c) { return __builtin_fmaf(a, b, c); }
DEVICE float maximum(float a, float b) { return __builtin_fmaxf(a, b); } // drops a NaN
DEVICE unsigned floatBits(float x) { return __builtin_bit_cast(unsigned, x); }
DEVICE float bitsFloat(unsigned x) { return __builtin_bit_cast(float, x); }

DEVICE float toFloat(float x) { return x; }
DEVICE float toFloat(BFloat16 x) { return bitsFloat((unsigned)x.bits << 16); }
DEVICE float toFloat(Float16 x)
{
	float y;
	asm("cvt.f32.f16 %0, %1;" : "=f"(y) : "h"(x.bits));
	return y;
}

// pack rounds two numbers to nearest even; lo goes to the low half.
DEVICE unsigned pack(BFloat16, float lo, float hi)
{
	unsigned y;
	asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(y) : "f"(hi), "f"(lo));
	return y;
}
DEVICE unsigned pack(Float16, float lo, float hi)
{
	unsigned y;
	asm("cvt.rn.f16x2.f32 %0, %1, %2;" : "=r"(y) : "f"(hi), "f"(lo));
	return y;
}

DEVICE void storeFloat(float *p, float x) { store(p, x); }
template <class T> DEVICE void storeFloat(T *p, float x) { store(p, T{(unsigned short)pack(T{}, x, x)}); }

// loadMatrices reads four 8×8 matrices of two-byte elements. Lane l gives the
// address of row l%8 of matrix l/8 and gets of each the elements 2·(l%4) and
// 2·(l%4)+1 of row l/4; loadMatricesT gets those of the transposed matrix.
DEVICE void loadMatrices(unsigned (&r)[4], SharedAddress row)
{
	asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];"
		: "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3]) : "r"(row));
}
DEVICE void loadMatricesT(unsigned (&r)[4], SharedAddress row)
{
	asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0, %1, %2, %3}, [%4];"
		: "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3]) : "r"(row));
}

// multiply is C += A·B for A 16×16, B 16×8 and C 16×8, spread over the warp as
// PTX has it for mma.m16n8k16: with g = lane/4 and t = lane%4, c[0], c[1] are
// C[g][2t], C[g][2t+1], and c[2], c[3] the same of row g+8.
#define MULTIPLY(T, type) \
	DEVICE void multiply(T, float (&c)[4], const unsigned (&a)[4], unsigned b0, unsigned b1) \
	{ \
		asm("mma.sync.aligned.m16n8k16.row.col.f32." type "." type ".f32 " \
			"{%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};" \
			: "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3]) \
			: "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1)); \
	}
MULTIPLY(BFloat16, "bf16")
MULTIPLY(Float16, "f16")

#endif
