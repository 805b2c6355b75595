// ptx.cc: a reader of the directives that matter to a launch.

#include "ptx.h"

#include <cctype>
#include <cstdlib>
#include <cstring>

namespace emulation {

namespace {

// Tokens are runs of characters other than blanks and punctuation.
struct Reader {
	const char *at;

	std::string next()
	{
		while (*at && !wordCharacter(*at))
			at += skip();
		const char *start = at;
		while (*at && wordCharacter(*at))
			at++;
		return std::string(start, at);
	}
	size_t skip() const
	{
		if (strncmp(at, "//", 2) == 0)
			return strcspn(at, "\n");
		return 1;
	}
	static bool wordCharacter(char c) { return isalnum((unsigned char)c) || c == '_' || c == '.' || c == '$'; }
};

size_t sizeOf(const std::string &type)
{
	const size_t digits = type.find_first_of("0123456789");
	return digits == std::string::npos ? 0 : atoi(type.c_str() + digits) / 8;
}

// readEntry reads "name(.param .u64 x, …) .maxntid n, …" up to the body. Of the
// types of parameters it knows the plain ones; others have size 0.
void readEntry(Reader &r, Module &m)
{
	Entry &e = m.entries[r.next()];
	const char *body = strchr(r.at, '{');
	while (body) {
		const std::string word = r.next();
		if (r.at > body) {
			r.at = body;
			return;
		}
		if (word == ".param")
			e.sizes.push_back(sizeOf(r.next()));
		else if (word == ".maxntid")
			e.maxThreads = atoi(r.next().c_str());
	}
}

} // namespace

bool parse(const char *text, Module &m)
{
	Reader r{text};
	for (std::string word = r.next(); !word.empty(); word = r.next()) {
		if (word == ".version") {
			const double v = atof(r.next().c_str());
			m.version = (int)(v * 10 + 0.5);
		} else if (word == ".target") {
			m.target = atoi(r.next().c_str() + strlen("sm_"));
		} else if (word == ".entry") {
			readEntry(r, m);
		}
	}
	return m.version > 0 && m.target > 0;
}

} // namespace emulation
