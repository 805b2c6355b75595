// flash.cu: attention in one pass over the keys with online softmax, in float32
// (FlashAttention-2, arXiv:2307.08691).
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

ATTENTION(flash_f32_d32, simtThreads(32), simtRows, float, flashFloat32<32>)
ATTENTION(flash_f32_d64, simtThreads(64), simtRows, float, flashFloat32<64>)
ATTENTION(flash_f32_d96, simtThreads(96), simtRows, float, flashFloat32<96>)
ATTENTION(flash_f32_d128, simtThreads(128), simtRows, float, flashFloat32<128>)
ATTENTION(flash_f32_d256, simtThreads(256), simtRows, float, flashFloat32<256>)
