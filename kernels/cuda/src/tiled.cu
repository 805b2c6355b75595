// tiled.cu: attention in two passes over the keys through shared memory, in
// float32: the first finds each row's maximum and sum (Online normalizer
// calculation for softmax, arXiv:1805.02867), the second weighs the values. S is
// computed twice and never rescaled; what flash.cu saves is the first pass.
#include "simt.cuh"

template <int D> DEVICE void tiledFloat32(const Call<float> &call)
{
	Simt<D> b(call);
	if (b.v.first < b.v.end) {
		b.loadQueries();
		b.fill(call.k, load(call.tiles + b.v.first), 0);
	}
	for (int t = b.v.first; t < b.v.end; t++) {
		b.score(t, false);
		UNROLL for (int i = 0; i < b.laneRows; i++)
			b.accumulate(i);
	}
	UNROLL for (int i = 0; i < b.laneRows; i++) {
		b.sumLanes(i);
		b.rowMax[i] = origin(b.rowMax[i]); // rowSum still tells a row without weight
	}
	if (b.v.first < b.v.end) {
		barrier(); // the last buffer of the first pass is free
		b.fill(call.k, load(call.tiles + b.v.first), 0);
	}
	for (int t = b.v.first; t < b.v.end; t++) {
		b.score(t, true);
		UNROLL for (int i = 0; i < b.laneRows; i++) {
			b.weigh(i, b.rowMax[i]);
			b.storeWeights(i);
		}
		b.weighValues(t);
	}
	b.finish();
}

ATTENTION(tiled_f32_d32, simtThreads(32), simtRows, float, tiledFloat32<32>)
ATTENTION(tiled_f32_d64, simtThreads(64), simtRows, float, tiledFloat32<64>)
ATTENTION(tiled_f32_d96, simtThreads(96), simtRows, float, tiledFloat32<96>)
ATTENTION(tiled_f32_d128, simtThreads(128), simtRows, float, tiledFloat32<128>)
ATTENTION(tiled_f32_d256, simtThreads(256), simtRows, float, tiledFloat32<256>)
