// fibers.h: the state of the emulated machine, which machine.cc and hopper.cc share.
#pragma once

#include <map>

#include "fiber.h"
#include "order.h"
#include "shared.h"

namespace emulation {

constexpr size_t stackBytes = 128 << 10;

// A generator of the xorshift kind; the order of everything comes from it.
struct Random {
	uint64_t state;
	explicit Random(uint64_t seed) : state(seed * 0x9e3779b97f4a7c15 | 1) {}
	uint64_t next()
	{
		state ^= state << 13;
		state ^= state >> 7;
		state ^= state << 17;
		return state;
	}
	unsigned below(unsigned n) { return (next() >> 33) % n; }
};

enum State { ready, atWarp, atGroup, atPhase, atBlock, done };

struct AsyncCopy {
	char *dst;
	const char *src;
	bool wanted;
	unsigned group;
};

// An Arrival comes at a phase barrier once its thread has done so many copies.
struct Arrival {
	const void *at;
	size_t copies;
	Clock clock;
};

// An Accumulator is a C in registers while products on it are under way: its thread
// finds NaN there until it has waited.
struct Accumulator {
	float *c;
	unsigned batch; // the group of the last product
	std::vector<float> value;
};

struct Fiber {
	Context context;
	State state = done;
	unsigned group = 0; // the open group of copies
	std::vector<AsyncCopy> copies;
	size_t copied = 0;
	std::vector<Arrival> arrivals;
	const void *phaseAt = nullptr; // what it waits for
	int parity = 0;
	bool proxyFenced = false, registersFenced = false;
	unsigned batch = 1; // the open group of products
	std::vector<Accumulator> products;
	Product product;
	Slot slot;

	// shown returns how many copies, from the first on, phase barriers await.
	size_t shown() const { return arrivals.empty() ? 0 : arrivals.back().copies; }

	void begin()
	{
		const Context kept = context;
		*this = Fiber();
		context = kept;
		state = ready;
	}
};

// A Phases is a barrier in shared memory that counts arrivals.
struct Phases {
	int arrivals, missing;
	unsigned ended = 0;
	int maker;
	uint32_t made; // the epoch
	Clock gathered, shown;
};

struct Machine {
	const Kernel *kernel = nullptr;
	void **params = nullptr;
	Dim grid{}, block{}, at{};
	unsigned threads = 0;
	size_t sharedBytes = 0;
	Context scheduler;
	std::vector<Fiber> fibers;
	char *stacks = nullptr;
	int running = 0; // the thread whose fiber runs
	Fault fault;
	Random random{1};
	Order order;
	SharedMemory shared{order};
	std::map<const void *, Phases> phases;
};

Machine &machine();
inline Fiber &fiber() { return machine().fibers[machine().running]; }

// pause gives way until the scheduler makes the thread ready.
void pause(State state);

// endCopies finishes the first n copies of a thread, deliverArrivals what waited for
// them; finishSomeCopies, when all stand still, copies of threads drawn at random.
void endCopies(int thread, size_t n);
void deliverArrivals(int thread);
bool finishSomeCopies();

bool phaseEnded(int thread);

// product runs when all threads of a warpgroup have come with theirs.
void product(int firstThread);

} // namespace emulation
