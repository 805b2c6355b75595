// peaks_wgmma.cu: a loop of nothing but products of warpgroups, which measures the
// tensor cores of compute capability 9.0; peaks.cu has the other loops.
#include "hopper.cuh"

constexpr int peakPanels = 64 * 128 + 128 * 128; // bytes: A has 64 rows of 64 columns, B 128

// peak_wgmma does 4·iterations products of 64×128×16 a warpgroup, of ones and, in a
// quarter of B's columns, minus ones.
ENTRY(256) peak_wgmma(float *sums, int iterations)
{
	char *shared = sharedMemory();
	for (int i = threadIndex(); i < peakPanels / 4; i += 256) {
		const bool minus = i >= 64 * 32 && i / 32 % 4 == 0;
		storeShared((unsigned *)shared + i, minus ? 0xbf80bf80 : 0x3f803f80);
	}
	barrier();
	proxyFence();
	const Descriptor a = descriptor(sharedAddress(shared), 0), b = descriptor(sharedAddress(shared + 64 * 128), 0);
	float c[16][4] = {};
	hold(c);
	fenceProducts();
	for (int n = 0; n < iterations; n++) {
		UNROLL for (int i = 0; i < 4; i++)
			startProduct(BFloat16{}, c, a + 2 * i, b + 2 * i, true);
		commitProducts();
		awaitProducts<1>();
	}
	awaitProducts<0>();
	hold(c);
	float sum = 0;
	UNROLL for (int i = 0; i < 16; i++)
		sum += c[i][0] + c[i][1] + c[i][2] + c[i][3];
	store(sums + blockX() * 256 + threadIndex(), sum);
}
EXPORT(peak_wgmma)
