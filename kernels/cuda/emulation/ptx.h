// ptx.h: what a PTX text says about its kernels.
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <vector>

namespace emulation {

struct Entry {
	std::vector<size_t> sizes; // of the parameters, in bytes
	unsigned maxThreads = 0;   // 0: not said
};

struct Module {
	int version = 0; // of the PTX, 70 for 7.0
	int target = 0;  // 80 for sm_80
	std::map<std::string, Entry> entries;
};

// parse reads the directives; it returns false where the text is no PTX.
bool parse(const char *text, Module &m);

} // namespace emulation
