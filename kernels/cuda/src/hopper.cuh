// hopper.cuh: what kernels ask of compute capability 9.0 alone (PTX 8.0, sm_90a):
// barriers in shared memory, products of a warpgroup, registers on loan. Like
// device.cuh it has a twin in the emulation (../emulation/hopper.h).
#pragma once

#include "device.cuh"

#ifdef ATTNBENCH_EMULATION
#include "hopper.h"
#else

// giveRegisters and takeRegisters change how many registers each thread of the
// warpgroup has, to a multiple of 8; to take waits until others have given.
template <int N> DEVICE void giveRegisters() { asm volatile("setmaxnreg.dec.sync.aligned.u32 %0;" ::"n"(N)); }
template <int N> DEVICE void takeRegisters() { asm volatile("setmaxnreg.inc.sync.aligned.u32 %0;" ::"n"(N)); }

// A phase barrier is 8 bytes of shared memory that count arrivals (an mbarrier).
// When as many have come as it was made for, its phase ends and the next begins.
DEVICE void makeBarrier(SharedAddress at, int arrivals)
{
	asm volatile("mbarrier.init.shared.b64 [%0], %1;" ::"r"(at), "r"(arrivals) : "memory");
}

// arrive shows what this thread has done to who waits for the phase.
DEVICE void arrive(SharedAddress at) { asm volatile("mbarrier.arrive.shared.b64 _, [%0];" ::"r"(at) : "memory"); }

// arriveCopies arrives as soon as all copies that this thread has started are done.
DEVICE void arriveCopies(SharedAddress at)
{
	asm volatile("cp.async.mbarrier.arrive.noinc.shared.b64 [%0];" ::"r"(at) : "memory");
}

// awaitPhase waits until the phase of that parity has ended: the first has 0, and
// the one before it counts as ended.
DEVICE void awaitPhase(SharedAddress at, int parity)
{
	asm volatile("{ .reg .pred done;\n"
		"again: mbarrier.try_wait.parity.shared.b64 done, [%0], %1;\n"
		"@!done bra again; }" ::"r"(at), "r"(parity) : "memory");
}

// proxyFence lets products see what copies have written and a barrier has shown.
DEVICE void proxyFence() { asm volatile("fence.proxy.async.shared::cta;" ::: "memory"); }

// A Descriptor tells a product where an operand lies in shared memory: from a
// multiple of 1024 bytes on, in panels of 64 columns, rows of 128 bytes swizzled as
// by swizzled<128>. panelBytes is the distance of the panels of a B that goes
// through several.
typedef unsigned long long Descriptor;

DEVICE Descriptor descriptor(SharedAddress at, int panelBytes)
{
	constexpr Descriptor swizzle128 = 1ull << 62, eightRows = 1024 >> 4;
	return swizzle128 | eightRows << 32 | (Descriptor)(panelBytes >> 4) << 16 | (at & 0x3ffff) >> 4;
}

// hold keeps accesses of registers on their side of it.
template <int N> DEVICE void hold(float (&c)[N][4])
{
	UNROLL for (int n = 0; n < N; n++)
		asm volatile("" : "+f"(c[n][0]), "+f"(c[n][1]), "+f"(c[n][2]), "+f"(c[n][3]));
}
template <int N> DEVICE void hold(unsigned (&a)[N][4])
{
	UNROLL for (int n = 0; n < N; n++)
		asm volatile("" : "+r"(a[n][0]), "+r"(a[n][1]), "+r"(a[n][2]), "+r"(a[n][3]));
}

// fenceProducts comes before products on registers that anything else has touched.
DEVICE void fenceProducts() { asm volatile("wgmma.fence.sync.aligned;" ::: "memory"); }

// commitProducts closes the group of the products that were started, awaitProducts
// waits until at most N groups are under way. Until then nobody may touch a C or A in
// registers, or write an operand in shared memory.
DEVICE void commitProducts() { asm volatile("wgmma.commit_group.sync.aligned;" ::: "memory"); }
template <int N> DEVICE void awaitProducts() { asm volatile("wgmma.wait_group.sync.aligned %0;" ::"n"(N) : "memory"); }

// startProduct starts a product of A, 64×16, and B, 16×64 or 16×128. The first form
// is C = A·B, or C += A·B where add, of A and Bᵀ in shared memory: Q·Kᵀ. The second
// is C += A·B of B in shared memory and A in registers, spread over the warpgroup as
// four A of multiply, a warp each: P·V. C lies as that of multiply.
#define FRAGMENT(n) "+f"(c[n][0]), "+f"(c[n][1]), "+f"(c[n][2]), "+f"(c[n][3])
#define FRAGMENTS(n) \
	FRAGMENT(n), FRAGMENT(n + 1), FRAGMENT(n + 2), FRAGMENT(n + 3), FRAGMENT(n + 4), FRAGMENT(n + 5), \
		FRAGMENT(n + 6), FRAGMENT(n + 7)
#define REGISTERS0 \
	"%0, %1, %2, %3, %4, %5, %6, %7, %8, %9, %10, %11, %12, %13, %14, %15, " \
	"%16, %17, %18, %19, %20, %21, %22, %23, %24, %25, %26, %27, %28, %29, %30, %31"
#define REGISTERS32 \
	"%32, %33, %34, %35, %36, %37, %38, %39, %40, %41, %42, %43, %44, %45, %46, %47, " \
	"%48, %49, %50, %51, %52, %53, %54, %55, %56, %57, %58, %59, %60, %61, %62, %63"
#define PRODUCT(T, type) \
	DEVICE void startProduct(T, float (&c)[8][4], Descriptor a, Descriptor b, bool add) \
	{ \
		asm volatile("{ .reg .pred add; setp.ne.b32 add, %34, 0;\n" \
			"wgmma.mma_async.sync.aligned.m64n64k16.f32." type "." type " {" REGISTERS0 "}, %32, %33, add, 1, 1, 0, 0; }" \
			: FRAGMENTS(0) : "l"(a), "l"(b), "r"((int)add)); \
	} \
	DEVICE void startProduct(T, float (&c)[16][4], Descriptor a, Descriptor b, bool add) \
	{ \
		asm volatile("{ .reg .pred add; setp.ne.b32 add, %66, 0;\n" \
			"wgmma.mma_async.sync.aligned.m64n128k16.f32." type "." type " {" REGISTERS0 ", " REGISTERS32 "}, " \
			"%64, %65, add, 1, 1, 0, 0; }" \
			: FRAGMENTS(0), FRAGMENTS(8) : "l"(a), "l"(b), "r"((int)add)); \
	} \
	DEVICE void startProduct(T, float (&c)[8][4], const unsigned (&a)[4], Descriptor b) \
	{ \
		asm volatile("{ .reg .pred add; setp.eq.b32 add, 0, 0;\n" \
			"wgmma.mma_async.sync.aligned.m64n64k16.f32." type "." type " {" REGISTERS0 "}, " \
			"{%32, %33, %34, %35}, %36, add, 1, 1, 1; }" \
			: FRAGMENTS(0) : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "l"(b)); \
	} \
	DEVICE void startProduct(T, float (&c)[16][4], const unsigned (&a)[4], Descriptor b) \
	{ \
		asm volatile("{ .reg .pred add; setp.eq.b32 add, 0, 0;\n" \
			"wgmma.mma_async.sync.aligned.m64n128k16.f32." type "." type " {" REGISTERS0 ", " REGISTERS32 "}, " \
			"{%64, %65, %66, %67}, %68, add, 1, 1, 1; }" \
			: FRAGMENTS(0), FRAGMENTS(8) : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "l"(b)); \
	}
PRODUCT(BFloat16, "bf16")
PRODUCT(Float16, "f16")

#endif
