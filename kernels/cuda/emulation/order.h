// order.h: what happened before what, where threads meet at phase barriers and not
// at the barrier of the block: vector clocks (FastTrack, PLDI 2009).
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "machine.h"

namespace emulation {

// A Clock is what someone knows: of each thread up to which time it knows what the
// thread did, and of each warp up to which group its products are done.
using Clock = std::vector<uint32_t>;

inline void join(Clock &to, const Clock &from)
{
	to.resize(std::max(to.size(), from.size()));
	for (size_t i = 0; i < from.size(); i++)
		to[i] = std::max(to[i], from[i]);
}

class Order {
public:
	// resize and begin start a launch and a block. Clocks are there from the first
	// use of a phase barrier or a product on.
	void resize(unsigned n) { threads = n; }
	void begin() { clocks.clear(); }
	void use()
	{
		if (!clocks.empty())
			return;
		clocks.assign(threads, Clock(threads + threads / warpSize));
		for (unsigned t = 0; t < threads; t++)
			clocks[t][t] = 1;
	}

	uint32_t now(int thread) const { return clocks.empty() ? never : clocks[thread][thread]; }
	bool knows(int thread, int other, uint32_t time) const { return !clocks.empty() && clocks[thread][other] >= time; }

	// show returns what a thread shows to others; what it does next is later.
	Clock show(int thread)
	{
		use();
		Clock c = clocks[thread];
		clocks[thread][thread]++;
		return c;
	}
	void learn(int thread, const Clock &c) { join(clocks[thread], c); }

	// barrier is that of the block: everybody knows everything.
	void barrier()
	{
		if (clocks.empty())
			return;
		Clock all;
		for (const Clock &c : clocks)
			join(all, c);
		for (unsigned t = 0; t < threads; t++) {
			clocks[t] = all;
			clocks[t][t]++;
		}
	}

	// common is what all of a warpgroup know.
	Clock common(int first) const
	{
		Clock c = clocks[first];
		for (int t = first + 1; t < first + groupSize; t++)
			for (size_t i = 0; i < c.size(); i++)
				c[i] = std::min(c[i], clocks[t][i]);
		return c;
	}

	// finished notes that a thread has waited for the products of its warp.
	void finished(int thread, uint32_t batch)
	{
		uint32_t &known = clocks[thread][threads + thread / warpSize];
		known = std::max(known, batch);
	}
	// knowsProducts reports whether a thread knows that a warpgroup's products are
	// done, by all of its warps.
	bool knowsProducts(int thread, int group, uint32_t batch) const
	{
		for (int w = 0; w < groupSize / warpSize; w++)
			if (!knows(thread, threads + group * groupSize / warpSize + w, batch))
				return false;
		return true;
	}

private:
	static constexpr uint32_t never = ~0u;
	unsigned threads = 0;
	std::vector<Clock> clocks;
};

} // namespace emulation
