// merge.cu: the end of a call that is split over the keys (Flash-Decoding).
#include "attention.cuh"

// mergeParts joins the records of a row, a warp a row, four rows a block: grid x is
// over the rows. The parts are few, so each lane goes through all of them.
template <int D, class T> DEVICE void mergeParts(const float *partial, int parts, int rows, T *o, float *lse)
{
	const int row = blockX() * 4 + threadIndex() / 32, lane = threadIndex() % 32;
	if (row >= rows)
		return;
	const float *first = partial + (long long)row * (D + statsFloats);
	const long long stride = (long long)rows * (D + statsFloats);
	float rowMax = -infinity(), rowSum = 0, acc[D / 32] = {};
	bool seen = false;
	for (int n = 0; n < parts; n++) {
		rowMax = maximum(rowMax, load(first + n * stride + D));
		seen |= load(first + n * stride + D + 1) != 0;
	}
	for (int n = 0; n < parts; n++) {
		const float *record = first + n * stride, sum = load(record + D + 1);
		const float now = worth(load(record + D), rowMax);
		rowSum = mulAdd(now, sum < 0 ? 0 : sum, rowSum);
		UNROLL for (int i = 0; i < D / 32; i++)
			acc[i] = mulAdd(now, load(record + 32 * i + lane), acc[i]);
	}
	if (seen && rowMax == -infinity())
		rowSum = bitsFloat(0x7fc00000); // all its scores are −Inf: 0/0
	const float factor = seen ? 1 / rowSum : 0;
	UNROLL for (int i = 0; i < D / 32; i++)
		storeFloat(o + (long long)row * D + 32 * i + lane, acc[i] * factor);
	if (lse && lane == 0)
		store(lse + row, logSumExp(rowMax, rowSum));
}

#define MERGE(name, T, D) \
	ENTRY(128) name(const float *partial, int parts, int rows, T *o, float *lse) \
	{ \
		mergeParts<D, T>(partial, parts, rows, o, lse); \
	} \
	EXPORT(name)

#define MERGES(D) \
	MERGE(merge_f32_d##D, float, D) \
	MERGE(merge_bf16_d##D, BFloat16, D) \
	MERGE(merge_f16_d##D, Float16, D)

MERGES(32)
MERGES(64)
MERGES(96)
MERGES(128)
MERGES(256)
