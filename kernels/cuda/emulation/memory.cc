// memory.cc: device memory, an arena of host memory that knows whose each part is.

#include <sys/mman.h>

#include <cstdlib>
#include <cstring>
#include <map>

#include "machine.h"

namespace emulation {

namespace {

std::map<size_t, size_t> blocks; // offset to size
size_t total;

void *reserve(size_t bytes)
{
	void *p = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (p == MAP_FAILED)
		abort();
	return p;
}

size_t granules(size_t bytes) { return (bytes + granule - 1) / granule; }

// firstFit returns the lowest offset with room, or arenaBytes. A granule between
// blocks stays free, so that no block's neighbour is another.
size_t firstFit(size_t bytes)
{
	size_t at = 0;
	for (auto &[offset, size] : blocks) {
		if (at + bytes + granule <= offset)
			return at;
		at = offset + (granules(size) + 1) * granule;
	}
	return at + bytes <= arenaBytes ? at : arenaBytes;
}

void setLimits(size_t offset, size_t bytes, uint32_t limit)
{
	for (size_t i = 0; i < granules(bytes); i++)
		arenaLimits[offset / granule + i] = limit;
}

} // namespace

char *const arena = (char *)reserve(arenaBytes);
uint32_t *const arenaLimits = (uint32_t *)reserve(arenaBytes / granule * sizeof(uint32_t));

void *allocate(size_t bytes)
{
	if (bytes == 0 || total + bytes > settings().memory)
		return nullptr;
	const size_t offset = firstFit(bytes);
	if (offset == arenaBytes)
		return nullptr;
	memset(arena + offset, 0xff, bytes);
	setLimits(offset, bytes, offset + bytes);
	blocks[offset] = bytes;
	total += bytes;
	return arena + offset;
}

bool release(void *p)
{
	auto at = blocks.find((char *)p - arena);
	if (at == blocks.end())
		return false;
	setLimits(at->first, at->second, 0);
	total -= at->second;
	blocks.erase(at);
	return true;
}

size_t allocated() { return total; }

} // namespace emulation
