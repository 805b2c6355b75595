// machine.h: the emulated GPU. A kernel's blocks run one after the other; the
// threads of a block are fibers that give way at barriers and warp operations.
// Blocks, warps and lanes take turns in an order drawn from a seed.
//
// What a GPU leaves undefined is an error here, found for certain and not by luck:
// a shared word read before anything wrote it, or touched by two threads without a
// barrier between them; a copy read before it was waited for; an access outside of
// every allocation, or misaligned; a warp operation that some lanes do not reach;
// an operand of a product changed before the product was waited for.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "cuda.h"

namespace emulation {

constexpr int warpSize = 32;
constexpr int maxThreads = 1024;
constexpr int groupSize = 128; // threads of a warpgroup
constexpr size_t plainShared = 48 << 10;  // without asking for more

struct Dim {
	unsigned x, y, z;
};

// A Kernel is one function compiled for the host. call unpacks the parameters,
// which sizes describes.
struct Kernel {
	const char *name;
	std::vector<size_t> sizes;
	void (*call)(void *function, void **params);
	void *function;
};

void registerKernel(const Kernel &k);
const Kernel *findKernel(const std::string &name);

// A Fault is why a launch failed: the driver's code and a text for a person.
struct Fault {
	CUresult code = CUDA_SUCCESS;
	std::string text;
};

// Settings are read once from the environment, see README.md.
struct Settings {
	uint64_t seed = 1;
	bool eagerCopies = false;
	int capability = 80, driver = 12040;
	size_t memory = size_t(2) << 30;
	std::string failAt; // a driver function that fails
	int failCode = 0;
};
const Settings &settings();

// maxShared is what a block may have, as sm_80 and sm_90 have it.
inline size_t maxShared() { return (size_t)(settings().capability < 90 ? 163 : 227) << 10; }

// launch runs a kernel to its end.
Fault launch(const Kernel &k, Dim grid, Dim block, size_t sharedBytes, void **params);

// Device memory. Fresh memory is poison: NaN as float32, bfloat16 and float16.
void *allocate(size_t bytes);
bool release(void *p);
size_t allocated();

constexpr size_t granule = 256; // the alignment of what allocate returns
constexpr size_t arenaBytes = (size_t(4) << 30) - granule;
extern char *const arena;
extern uint32_t *const arenaLimits; // a granule's block ends at this offset; 0: it has none

// inBounds reports whether all of the bytes lie in one block.
inline bool inBounds(const void *p, size_t bytes)
{
	const size_t at = (const char *)p - arena;
	return at < arenaBytes && at + bytes <= arenaLimits[at / granule];
}

// What device.h calls from inside of a kernel.

enum Operation { opShuffleXor, opShuffle, opAny, opMatrices, opMatricesT, opMultiplyBF16, opMultiplyF16 };

constexpr int slotWords = 12;

// A Slot is what a lane brings to a warp operation, and takes from it.
struct Slot {
	Operation op;
	int immediate;
	uint32_t words[slotWords];
	const void *address;
};

int threadIndex();
Dim blockIndex(), gridSize();
char *sharedMemory();
void blockBarrier();
Slot &mySlot();
void warpOperation(Operation op);
void useShared(const void *p, size_t bytes, size_t align, bool write);
void globalFault(const void *p, size_t bytes, size_t align, bool write);
void copyAsync(void *dst, const void *src, bool wanted);
void commitCopies();
void waitCopies(unsigned groups);
float exp2Approx(float x);

inline void useGlobal(const void *p, size_t bytes, size_t align, bool write)
{
	if ((uintptr_t)p % align || !inBounds(p, bytes))
		globalFault(p, bytes, align, write);
}

// Of compute capability 9.0, as hopper.h calls it.
void makePhases(const void *at, int arrivals);
void arrive(const void *at);
void arriveCopies(const void *at);
void awaitPhase(const void *at, int parity);
void proxyFence();
void fenceProducts();
void commitProducts();
void awaitProducts(unsigned groups);

// A Product is what a thread brings to a product of its warpgroup, 64×columns×16.
struct Product {
	bool half;   // float16, else bfloat16
	int columns; // of C
	float *c;    // its columns/2 registers
	bool add;
	bool fragment;     // A in registers, else by aDescriptor
	uint32_t a[4];
	uint64_t aDescriptor, bDescriptor;
	bool transposed; // B lies with its columns together
};
void startProduct(const Product &p);

float element(bool half, uint16_t bits);
float truncated(double x);
float halfToFloat(uint16_t h);
uint16_t floatToHalf(float x);
uint16_t floatToBFloat16(float x);

} // namespace emulation
