// numbers.cc: two-byte floats, and the approximate exponential as bad as it may be.

#include <cmath>
#include <cstring>

#include "machine.h"

namespace emulation {

namespace {

uint32_t bitsOf(float x)
{
	uint32_t b;
	memcpy(&b, &x, sizeof b);
	return b;
}

float ofBits(uint32_t b)
{
	float x;
	memcpy(&x, &b, sizeof x);
	return x;
}

} // namespace

float halfToFloat(uint16_t h)
{
	const uint32_t sign = (uint32_t)(h & 0x8000) << 16, exponent = h >> 10 & 31, fraction = h & 0x3ff;
	if (exponent == 31)
		return ofBits(sign | 0x7f800000 | fraction << 13);
	if (exponent == 0)
		return (sign ? -1.f : 1.f) * std::ldexp((float)fraction, -24);
	return ofBits(sign | (exponent + 112) << 23 | fraction << 13);
}

uint16_t floatToHalf(float x)
{
	const uint16_t sign = bitsOf(x) >> 16 & 0x8000;
	const float a = std::fabs(x);
	if (x != x)
		return 0x7fff;
	if (a >= 65520.f) // half way between the greatest half and what would follow
		return sign | 0x7c00;
	if (a < std::ldexp(1.f, -14))
		return sign | (uint16_t)std::nearbyint(std::ldexp(a, 24));
	const uint32_t b = bitsOf(a);
	return sign | (uint16_t)((b - (112u << 23) + 0xfff + (b >> 13 & 1)) >> 13);
}

uint16_t floatToBFloat16(float x)
{
	const uint32_t b = bitsOf(x);
	if (x != x)
		return 0x7fff;
	return (b + 0x7fff + (b >> 16 & 1)) >> 16;
}

float element(bool half, uint16_t bits) { return half ? halfToFloat(bits) : ofBits((uint32_t)bits << 16); }

// truncated rounds towards zero, the worse of what tensor cores may do.
float truncated(double x)
{
	const float y = (float)x;
	return std::isfinite(y) && std::fabs((double)y) > std::fabs(x) ? std::nextafterf(y, 0) : y;
}

// exp2Approx errs by up to the 2^-22 that the PTX manual allows ex2.approx, in a
// direction that looks random; it is exact where the result is 0, 1 or infinite.
// What is less than the least normal number is 0.
float exp2Approx(float x)
{
	const double y = x < -126 ? 0 : std::exp2((double)x);
	if (x != x || x == 0 || y == 0 || std::isinf(y))
		return (float)y;
	uint64_t h = (bitsOf(x) + settings().seed) * 0x9e3779b97f4a7c15;
	h ^= h >> 32;
	const double unit = (double)(int32_t)(h * 0xbf58476d1ce4e5b9 >> 32) / 2147483648.0; // in [-1, 1)
	return (float)(y * (1 + unit * 0.875 * std::ldexp(1.0, -22)));
}

} // namespace emulation
