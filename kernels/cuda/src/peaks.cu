// peaks.cu: loops that do nothing but one thing, as fast as it goes: multiply-adds,
// products of tensor cores, reads of memory. They measure the device's limits.
#include "device.cuh"

constexpr int chains = 16; // independent results under way in a thread

// peak_fma does iterations·chains multiply-adds a thread. They settle at 1, so that
// no operand is ever special.
ENTRY(256) peak_fma(float *sums, int iterations)
{
	float a[chains];
	UNROLL for (int i = 0; i < chains; i++)
		a[i] = (float)(threadIndex() + i);
	for (int n = 0; n < iterations; n++)
		UNROLL for (int i = 0; i < chains; i++)
			a[i] = mulAdd(a[i], 0.75f, 0.25f);
	float sum = 0;
	UNROLL for (int i = 0; i < chains; i++)
		sum += a[i];
	store(sums + blockX() * 256 + threadIndex(), sum);
}
EXPORT(peak_fma)

// multiplyLoop does iterations·chains/2 products of 16×8×16 a warp, of ones and, in
// B, a quarter of minus ones.
template <class T> DEVICE void multiplyLoop(float *sums, int iterations, unsigned one)
{
	const unsigned a[4] = {one, one, one, one}, b = threadIndex() % 4 ? one : one | 0x80008000;
	float c[chains / 2][4] = {};
	for (int n = 0; n < iterations; n++)
		UNROLL for (int i = 0; i < chains / 2; i++)
			multiply(T{}, c[i], a, b, b);
	float sum = 0;
	UNROLL for (int i = 0; i < chains / 2; i++)
		sum += c[i][0] + c[i][1] + c[i][2] + c[i][3];
	store(sums + blockX() * 256 + threadIndex(), sum);
}

ENTRY(256) peak_mma(float *sums, int iterations) { multiplyLoop<BFloat16>(sums, iterations, 0x3f803f80); }
EXPORT(peak_mma)

// peak_read adds up n elements of data; blocks read next to each other.
ENTRY(256) peak_read(const vec4 *data, int n, float *sums, int blocks)
{
	const int thread = blockX() * 256 + threadIndex();
	float sum = 0;
	for (int i = thread; i < n; i += blocks * 256) {
		const vec4 x = load(data + i);
		sum += (x.x + x.y) + (x.z + x.w);
	}
	store(sums + thread, sum);
}
EXPORT(peak_read)
