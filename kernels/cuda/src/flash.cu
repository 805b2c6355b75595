// flash.cu: attention in one pass over the keys with online softmax, in float32
// (FlashAttention-2, arXiv:2307.08691), and the merge of the parts of a call that
// is split over the keys (Flash-Decoding).
#include "simt.cuh"

template <int D> DEVICE void flashFloat32(const Call<float> &call)
{
	Simt<D> b(call);
	if (b.v.first < b.v.end) {
		b.loadQueries();
		b.fill(call.k, load(call.tiles + b.v.first), 0);
	}
	for (int t = b.v.first; t < b.v.end; t++) {
		b.score(t, true);
		UNROLL for (int i = 0; i < b.laneRows; i++) {
			const float old = b.accumulate(i);
			b.storeWeights(i);
			UNROLL for (int c = 0; c < D / 16; c++)
				b.acc[i][c] *= old;
		}
		b.weighValues(t);
	}
	UNROLL for (int i = 0; i < b.laneRows; i++)
		b.sumLanes(i);
	b.finish();
}

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
		rowSum = fma(now, sum < 0 ? 0 : sum, rowSum);
		UNROLL for (int i = 0; i < D / 32; i++)
			acc[i] = fma(now, load(record + 32 * i + lane), acc[i]);
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

ATTENTION(flash_f32_d32, simtThreads(32), float, flashFloat32<32>)
ATTENTION(flash_f32_d64, simtThreads(64), float, flashFloat32<64>)
ATTENTION(flash_f32_d96, simtThreads(96), float, flashFloat32<96>)
ATTENTION(flash_f32_d128, simtThreads(128), float, flashFloat32<128>)
ATTENTION(flash_f32_d256, simtThreads(256), float, flashFloat32<256>)

MERGE(merge_f32_d32, float, 32)
MERGE(merge_f32_d64, float, 64)
MERGE(merge_f32_d96, float, 96)
MERGE(merge_f32_d128, float, 128)
MERGE(merge_f32_d256, float, 256)
