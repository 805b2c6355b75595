// hopper.h: hopper.cuh for a host compiler, as device.h is device.cuh.
#pragma once

#include "device.h"

// The registers are those of the host.
template <int N> DEVICE void giveRegisters() { static_assert(N % 8 == 0 && N >= 24 && N <= 256, "not as many registers"); }
template <int N> DEVICE void takeRegisters() { giveRegisters<N>(); }

DEVICE void makeBarrier(SharedAddress at, int arrivals) { emulation::makePhases(at, arrivals); }
DEVICE void arrive(SharedAddress at) { emulation::arrive(at); }
DEVICE void arriveCopies(SharedAddress at) { emulation::arriveCopies(at); }
DEVICE void awaitPhase(SharedAddress at, int parity) { emulation::awaitPhase(at, parity); }
DEVICE void proxyFence() { emulation::proxyFence(); }

typedef unsigned long long Descriptor;

DEVICE Descriptor descriptor(SharedAddress at, int panelBytes)
{
	constexpr Descriptor swizzle128 = 1ull << 62, eightRows = 1024 >> 4;
	return swizzle128 | eightRows << 32 | (Descriptor)(panelBytes >> 4) << 16 | (Descriptor)(at - sharedMemory()) >> 4;
}

template <class T, int N> DEVICE void hold(T (&)[N][4]) {}

DEVICE void fenceProducts() { emulation::fenceProducts(); }
DEVICE void commitProducts() { emulation::commitProducts(); }
template <int N> DEVICE void awaitProducts() { emulation::awaitProducts(N); }

DEVICE bool isHalf(BFloat16) { return false; }
DEVICE bool isHalf(Float16) { return true; }

template <class T, int N> DEVICE void startProduct(T, float (&c)[N][4], Descriptor a, Descriptor b, bool add)
{
	emulation::startProduct({isHalf(T{}), 8 * N, &c[0][0], add, false, {}, a, b, false});
}
template <class T, int N> DEVICE void startProduct(T, float (&c)[N][4], const unsigned (&a)[4], Descriptor b)
{
	emulation::startProduct({isHalf(T{}), 8 * N, &c[0][0], true, true, {a[0], a[1], a[2], a[3]}, 0, b, true});
}
