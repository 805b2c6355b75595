// shared.h: the shared memory of a block, with a record of who touched each word.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <vector>

#include "machine.h"

namespace emulation {

__attribute__((format(printf, 3, 4))) void fail(int thread, CUresult code, const char *format, ...);

// SharedMemory finds races: two threads may not touch a word, one of them writing,
// without a barrier between. Epochs count barriers.
class SharedMemory {
public:
	char *bytes() { return memory.data() + offset; }

	// forget begins a launch: nobody has touched anything.
	void forget() { words.assign(words.size(), Word{}); }

	// beginBlock makes all of it poison that nobody has written.
	void beginBlock(size_t n)
	{
		if (memory.size() < n + 16) {
			memory.resize(n + 16);
			words.resize(n / 4 + 4);
		}
		offset = -(uintptr_t)memory.data() & 15;
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
	void endCopy(int thread, void *p, size_t n)
	{
		setCopy(p, n, false);
		use(thread, p, n, n, true);
	}

private:
	struct Word {
		uint32_t writeEpoch, readEpoch; // before first: not in this block
		int16_t writer, reader;         // threads; reader may be several
		bool copying;
	};
	static constexpr int16_t several = -1;

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
		if (w.writeEpoch == epoch && w.writer != thread)
			return fail(thread, CUDA_ERROR_LAUNCH_FAILED, "race: read of shared word %zu, written by thread %d, without a barrier between",
				i, w.writer);
		w.reader = w.readEpoch != epoch || w.reader == thread ? thread : several;
		w.readEpoch = epoch;
	}

	void writeWord(int thread, size_t i)
	{
		Word &w = words[i];
		if (w.copying)
			return fail(thread, CUDA_ERROR_LAUNCH_FAILED, "write to shared word %zu while a copy into it is under way", i);
		if (w.writeEpoch == epoch && w.writer != thread)
			return fail(thread, CUDA_ERROR_LAUNCH_FAILED, "race: threads %d and %d write shared word %zu without a barrier between",
				w.writer, thread, i);
		if (w.readEpoch == epoch && w.reader != thread)
			return fail(thread, CUDA_ERROR_LAUNCH_FAILED, "race: write to shared word %zu, read by another thread, without a barrier between",
				i);
		w.writer = thread;
		w.writeEpoch = epoch;
	}

	void setCopy(void *p, size_t n, bool copying)
	{
		const size_t at = (const char *)p - bytes();
		for (size_t i = at / 4; i < (at + n) / 4; i++)
			words[i].copying = copying;
	}
};

} // namespace emulation
