// shared.h: the shared memory of a block, with a record of who touched each word.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <vector>

#include "order.h"

namespace emulation {

__attribute__((format(printf, 3, 4))) void fail(int thread, CUresult code, const char *format, ...);

// SharedMemory finds races: two threads may not touch a word, one of them writing,
// without a barrier between. Epochs count the block's barriers; within one, the
// order of phase barriers tells.
class SharedMemory {
public:
	explicit SharedMemory(const Order &order) : order(order) {}

	char *bytes() { return memory.data() + offset; }
	uint32_t now() const { return epoch; }

	// forget begins a launch: nobody has touched anything.
	void forget() { words.assign(words.size(), Word{}); }

	// beginBlock makes all of it poison that nobody has written.
	void beginBlock(size_t n)
	{
		if (memory.size() < n + alignment) {
			memory.resize(n + alignment);
			words.resize(n / 4 + 4);
		}
		offset = -(uintptr_t)memory.data() & (alignment - 1);
		size = n;
		first = ++epoch;
		memset(bytes(), 0xff, n);
	}

	void barrier() { epoch++; }

	void use(int thread, const void *p, size_t n, size_t align, bool write)
	{
		if (!check(thread, p, n, align))
			return;
		const size_t from = ((const char *)p - bytes()) / 4, to = ((const char *)p - bytes() + n - 1) / 4;
		for (size_t i = from; i <= to; i++) {
			if (write)
				writeWord(thread, i);
			else
				readWord(thread, i);
		}
	}

	void beginCopy(int thread, void *p, size_t n)
	{
		use(thread, p, n, n, true);
		setCopy(p, n, true);
	}
	// endCopy ends a copy: to others it is a write of its thread's now, unless a phase
	// barrier shows it from when it began.
	void endCopy(int thread, void *p, size_t n, bool shown)
	{
		setCopy(p, n, false);
		if (!shown)
			use(thread, p, n, n, true);
	}

	// useProduct returns the word at a byte, which a product of the warpgroup reads;
	// common is what all of it know.
	uint32_t useProduct(int firstThread, size_t at, const Clock &common, uint32_t batch)
	{
		if (!check(firstThread, bytes() + at, 4, 4))
			return 0;
		Word &w = words[at / 4];
		if (w.writeEpoch < first)
			fail(firstThread, CUDA_ERROR_LAUNCH_FAILED, "product of shared word %zu, which nothing has written", at / 4);
		if (w.copying)
			fail(firstThread, CUDA_ERROR_LAUNCH_FAILED, "product of shared word %zu before the copy into it was waited for", at / 4);
		if (w.writeEpoch == epoch && common[w.writer] < w.writeTime)
			fail(firstThread, CUDA_ERROR_LAUNCH_FAILED,
				"race: product of shared word %zu, written by thread %d, without a barrier between", at / 4, w.writer);
		w.products[firstThread / groupSize] = {first, batch};
		uint32_t x;
		memcpy(&x, bytes() + at, sizeof x);
		return x;
	}

private:
	static constexpr size_t alignment = 1024;
	static constexpr int maxGroups = 4;
	struct Word {
		uint32_t writeEpoch, readEpoch; // before first: not in this block
		uint32_t writeTime, readTime;   // of the threads
		int16_t writer, reader;         // threads; reader may be several
		bool copying;
		struct {
			uint32_t block, batch;
		} products[maxGroups]; // that read it last, of each warpgroup
	};
	static constexpr int16_t several = -1;

	const Order &order;
	std::vector<char> memory;
	std::vector<Word> words;
	size_t offset = 0, size = 0;
	uint32_t epoch = 0, first = 0;

	bool check(int thread, const void *p, size_t n, size_t align)
	{
		const size_t at = (const char *)p - bytes();
		if (at % align) {
			fail(thread, CUDA_ERROR_MISALIGNED_ADDRESS, "shared byte %zu is not aligned to %zu", at, align);
			return false;
		}
		if (at + n > size || at >= size) {
			fail(thread, CUDA_ERROR_ILLEGAL_ADDRESS, "shared byte %zd is outside of the block's %zu", (ptrdiff_t)at, size);
			return false;
		}
		return true;
	}

	void readWord(int thread, size_t i)
	{
		Word &w = words[i];
		if (w.writeEpoch < first)
			return fail(thread, CUDA_ERROR_LAUNCH_FAILED, "read of shared word %zu, which nothing has written", i);
		if (w.copying)
			return fail(thread, CUDA_ERROR_LAUNCH_FAILED, "read of shared word %zu before the copy into it was waited for", i);
		if (w.writeEpoch == epoch && w.writer != thread && !order.knows(thread, w.writer, w.writeTime))
			return fail(thread, CUDA_ERROR_LAUNCH_FAILED, "race: read of shared word %zu, written by thread %d, without a barrier between",
				i, w.writer);
		w.reader = w.readEpoch != epoch || w.reader == thread ? thread : several;
		w.readEpoch = epoch;
		w.readTime = order.now(thread);
	}

	void writeWord(int thread, size_t i)
	{
		Word &w = words[i];
		if (w.copying)
			return fail(thread, CUDA_ERROR_LAUNCH_FAILED, "write to shared word %zu while a copy into it is under way", i);
		if (w.writeEpoch == epoch && w.writer != thread && !order.knows(thread, w.writer, w.writeTime))
			return fail(thread, CUDA_ERROR_LAUNCH_FAILED, "race: threads %d and %d write shared word %zu without a barrier between",
				w.writer, thread, i);
		if (w.readEpoch == epoch && w.reader != thread && (w.reader == several || !order.knows(thread, w.reader, w.readTime)))
			return fail(thread, CUDA_ERROR_LAUNCH_FAILED, "race: write to shared word %zu, read by another thread, without a barrier between",
				i);
		for (int g = 0; g < maxGroups; g++)
			if (w.products[g].block == first && !order.knowsProducts(thread, g, w.products[g].batch))
				return fail(thread, CUDA_ERROR_LAUNCH_FAILED, "race: write to shared word %zu, which a product of warpgroup %d may still read",
					i, g);
		w.writer = thread;
		w.writeEpoch = epoch;
		w.writeTime = order.now(thread);
	}

	void setCopy(void *p, size_t n, bool copying)
	{
		const size_t at = (const char *)p - bytes();
		for (size_t i = at / 4; i < (at + n) / 4; i++)
			words[i].copying = copying;
	}
};

} // namespace emulation
