// device.h: device.cuh for a host compiler. It has the same names, and each asks
// the emulated machine.
#pragma once

#include <cstring>
#include <utility>

#include "machine.h"

#define DEVICE static inline
#define DEVICE_METHOD inline
#define UNROLL
#define ROLL

// A kernel is registered with the sizes of its parameters, which the driver side
// holds against the signature in the PTX.
#define ENTRY(threads) static void
#define EXPORT(name) static const emulation::Export name##Export(#name, name);

namespace emulation {

struct Export {
	template <class... P> Export(const char *name, void (*f)(P...))
	{
		registerKernel({name, {sizeof(P)...}, call<P...>, (void *)f});
	}
	template <class... P> static void call(void *function, void **params)
	{
		unpack((void (*)(P...))function, params, std::index_sequence_for<P...>());
	}
	template <class... P, size_t... I>
	static void unpack(void (*f)(P...), void **params, std::index_sequence<I...>)
	{
		f(read<P>(params[I])...);
	}
	template <class T> static T read(const void *p)
	{
		T x;
		std::memcpy(&x, p, sizeof x);
		return x;
	}
};

} // namespace emulation

struct alignas(8) vec2 {
	float x, y;
};
struct alignas(16) vec4 {
	float x, y, z, w;
};
struct BFloat16 {
	unsigned short bits;
};
struct Float16 {
	unsigned short bits;
};

DEVICE int threadIndex() { return emulation::threadIndex(); }
DEVICE int blockX() { return emulation::blockIndex().x; }
DEVICE int blockY() { return emulation::blockIndex().y; }
DEVICE int blockZ() { return emulation::blockIndex().z; }
DEVICE int gridX() { return emulation::gridSize().x; }
DEVICE char *sharedMemory() { return emulation::sharedMemory(); }
DEVICE int anew(int x) { return x; }
DEVICE void barrier() { emulation::blockBarrier(); }

template <class T> DEVICE T load(const T *p)
{
	emulation::useGlobal(p, sizeof(T), alignof(T), false);
	return *p;
}
template <class T> DEVICE void store(T *p, T x)
{
	emulation::useGlobal(p, sizeof(T), alignof(T), true);
	*p = x;
}
template <class T> DEVICE T loadShared(const T *p)
{
	emulation::useShared(p, sizeof(T), alignof(T), false);
	return *p;
}
template <class T> DEVICE void storeShared(T *p, T x)
{
	emulation::useShared(p, sizeof(T), alignof(T), true);
	*p = x;
}

typedef char *SharedAddress;

DEVICE SharedAddress sharedAddress(const void *p) { return (SharedAddress)p; }

DEVICE void copyAsync(SharedAddress dst, const void *src, bool wanted) { emulation::copyAsync(dst, src, wanted); }
DEVICE void commitCopies() { emulation::commitCopies(); }
template <int N> DEVICE void waitCopies() { emulation::waitCopies(N); }

DEVICE unsigned floatBits(float x)
{
	unsigned y;
	std::memcpy(&y, &x, sizeof y);
	return y;
}
DEVICE float bitsFloat(unsigned x)
{
	float y;
	std::memcpy(&y, &x, sizeof y);
	return y;
}

// exchange does a warp operation on one word.
DEVICE unsigned exchange(emulation::Operation op, unsigned x, int immediate)
{
	emulation::Slot &slot = emulation::mySlot();
	slot.words[0] = x;
	slot.immediate = immediate;
	emulation::warpOperation(op);
	return slot.words[0];
}
DEVICE float shuffleXor(float x, int mask)
{
	return bitsFloat(exchange(emulation::opShuffleXor, floatBits(x), mask));
}
DEVICE int shuffle(int x, int lane) { return exchange(emulation::opShuffle, x, lane); }
DEVICE bool anyLane(bool x) { return exchange(emulation::opAny, x, 0); }

DEVICE float exp2Approx(float x) { return emulation::exp2Approx(x); }
DEVICE float mulAdd(float a, float b, float c) { return __builtin_fmaf(a, b, c); }
DEVICE float maximum(float a, float b) { return b > a || a != a ? b : a; }

DEVICE float toFloat(float x) { return x; }
DEVICE float toFloat(BFloat16 x) { return bitsFloat((unsigned)x.bits << 16); }
DEVICE float toFloat(Float16 x) { return emulation::halfToFloat(x.bits); }
DEVICE unsigned pack(BFloat16, float lo, float hi)
{
	return emulation::floatToBFloat16(lo) | (unsigned)emulation::floatToBFloat16(hi) << 16;
}
DEVICE unsigned pack(Float16, float lo, float hi)
{
	return emulation::floatToHalf(lo) | (unsigned)emulation::floatToHalf(hi) << 16;
}
DEVICE void storeFloat(float *p, float x) { store(p, x); }
template <class T> DEVICE void storeFloat(T *p, float x) { store(p, T{(unsigned short)pack(T{}, x, x)}); }

DEVICE void loadMatrices(unsigned (&r)[4], SharedAddress row, emulation::Operation op = emulation::opMatrices)
{
	emulation::Slot &slot = emulation::mySlot();
	slot.address = row;
	emulation::warpOperation(op);
	std::memcpy(r, slot.words, sizeof r);
}
DEVICE void loadMatricesT(unsigned (&r)[4], SharedAddress row) { loadMatrices(r, row, emulation::opMatricesT); }

DEVICE void multiply(emulation::Operation op, float (&c)[4], const unsigned (&a)[4], unsigned b0, unsigned b1)
{
	emulation::Slot &slot = emulation::mySlot();
	const unsigned b[2] = {b0, b1};
	std::memcpy(slot.words, c, sizeof c);
	std::memcpy(slot.words + 4, a, sizeof a);
	std::memcpy(slot.words + 8, b, sizeof b);
	emulation::warpOperation(op);
	std::memcpy(c, slot.words, sizeof c);
}
DEVICE void multiply(BFloat16, float (&c)[4], const unsigned (&a)[4], unsigned b0, unsigned b1)
{
	multiply(emulation::opMultiplyBF16, c, a, b0, b1);
}
DEVICE void multiply(Float16, float (&c)[4], const unsigned (&a)[4], unsigned b0, unsigned b1)
{
	multiply(emulation::opMultiplyF16, c, a, b0, b1);
}
