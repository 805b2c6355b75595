// simt.cuh: attention on one row tile in float32, without tensor cores; tiled.cu
// and flash.cu are its two uses.
//
// 128 threads make 8×16; a thread owns 8 rows and of them 4 of 64 keys, one in 16,
// in S, and 2 of 32 columns in O. The widest heads take 256 threads of 4 rows, for
// the sake of registers. Q stays in shared memory. K and V pass through two buffers
// of 32 columns each, one computed on while the other is filled.
#pragma once

#include "attention.cuh"

constexpr int simtRows = 64; // of a row tile
constexpr int simtThreads(int dim) { return dim > 128 ? 256 : 128; }

template <int D> struct Simt {
	static constexpr int threads = simtThreads(D);
	static constexpr int chunk = 32, chunks = D / chunk; // columns in a buffer
	static constexpr int laneKeys = tileKeys / 16, laneRows = simtRows / (threads / 16);
	static constexpr int qStride = D + 4, chunkStride = chunk + 4, pStride = tileKeys; // in floats
	static constexpr int bufferFloats = tileKeys * chunkStride;
	static constexpr int sharedBytes = 4 * (simtRows * qStride + 2 * bufferFloats + simtRows * pStride);

	const Call<float> &call;
	const Visit v;
	const int tx, ty; // of the threads: column and row
	float *const q, *const buffers, *const p;
	int current = 0; // the buffer that was filled last
	float s[laneRows][laneKeys];
	float rowMax[laneRows], rowSum[laneRows]; // rowSum is of this thread's keys until finish
	float acc[laneRows][D / 16];
	unsigned seen = 0; // rows that have seen a key, a bit each

	DEVICE_METHOD explicit Simt(const Call<float> &call)
		: call(call), v(visit(call)), tx(threadIndex() % 16), ty(threadIndex() / 16), q((float *)sharedMemory()),
		  buffers(q + simtRows * qStride), p(buffers + 2 * bufferFloats)
	{
		UNROLL for (int i = 0; i < laneRows; i++) {
			rowMax[i] = -infinity();
			rowSum[i] = 0;
			UNROLL for (int c = 0; c < D / 16; c++)
				acc[i][c] = 0;
		}
	}

	// loadQueries starts to copy Q; rows behind the last are zeros.
	DEVICE_METHOD void loadQueries()
	{
		ROLL for (int i = threadIndex(); i < simtRows * D / 4; i += threads) {
			const int r = i / (D / 4), column = i % (D / 4) * 4, row = v.firstRow + r;
			const bool wanted = row < call.rows();
			copyAsync(sharedAddress(q + r * qStride + column), call.q + call.row(v.bh, wanted ? row : 0) * D + column, wanted);
		}
	}

	// fill starts to copy 32 columns of the keys of a tile, of K or V, into the
	// other buffer.
	DEVICE_METHOD void fill(const float *kv, Tile tile, int c)
	{
		const SharedAddress to = sharedAddress(buffers + (current ^ 1) * bufferFloats);
		copyKeys<chunk, D, threads>(to, 4 * chunkStride, kv, call.kvLen, v.bh, tile, keyBits(call, tile), c * chunk);
		commitCopies();
	}

	// advance makes the buffer under way current, for all threads, and the one
	// before it free to be filled.
	DEVICE_METHOD const float *advance()
	{
		waitCopies<0>();
		barrier();
		current ^= 1;
		return buffers + current * bufferFloats;
	}

	// fillNext starts to copy what follows chunk c of K, or of V, in the order of
	// use.
	DEVICE_METHOD void fillAfterK(int t, int c, bool values)
	{
		if (c + 1 < chunks)
			fill(call.k, load(call.tiles + t), c + 1);
		else if (values)
			fill(call.v, load(call.tiles + t), 0);
		else if (t + 1 < v.end)
			fill(call.k, load(call.tiles + t + 1), 0);
	}
	DEVICE_METHOD void fillAfterV(int t, int c)
	{
		if (c + 1 < chunks)
			fill(call.v, load(call.tiles + t), c + 1);
		else if (t + 1 < v.end)
			fill(call.k, load(call.tiles + t + 1), 0);
	}

	// score is S = Q·Kᵀ of the tile t, −Inf where masked.
	DEVICE_METHOD void score(int t, bool values)
	{
		UNROLL for (int i = 0; i < laneRows; i++)
			UNROLL for (int j = 0; j < laneKeys; j++)
				s[i][j] = 0;
		for (int c = 0; c < chunks; c++) {
			const float *k = advance();
			fillAfterK(t, c, values);
			for (int d = 0; d < chunk; d += 4)
				scoreStep(q + c * chunk + d, k + d);
		}
		mask(load(call.tiles + t));
	}

	DEVICE_METHOD void scoreStep(const float *q, const float *k)
	{
		vec4 b[laneKeys];
		UNROLL for (int j = 0; j < laneKeys; j++)
			b[j] = loadShared((const vec4 *)(k + (tx + 16 * j) * chunkStride));
		UNROLL for (int i = 0; i < laneRows; i++) {
			const vec4 a = loadShared((const vec4 *)(q + (ty * laneRows + i) * qStride));
			UNROLL for (int j = 0; j < laneKeys; j++)
				s[i][j] = mulAdd(a.w, b[j].w, mulAdd(a.z, b[j].z, mulAdd(a.y, b[j].y, mulAdd(a.x, b[j].x, s[i][j]))));
		}
	}

	DEVICE_METHOD void mask(Tile tile)
	{
		if (tile.bits == allVisible) {
			seen = ~0u;
			return;
		}
		UNROLL for (int i = 0; i < laneRows; i++) {
			const Word bits = rowBits(call, tile, ty * laneRows + i);
			seen |= (bits != 0) << i;
			UNROLL for (int j = 0; j < laneKeys; j++)
				if (!(bits >> (tx + 16 * j) & 1))
					s[i][j] = -infinity();
		}
	}

	// tileMax returns the greatest score of row i in the tile. A row's 64 scores
	// lie with 16 neighbouring lanes.
	DEVICE_METHOD float tileMax(int i)
	{
		float m = maximum(maximum(s[i][0], s[i][1]), maximum(s[i][2], s[i][3]));
		UNROLL for (int lanes = 8; lanes > 0; lanes /= 2)
			m = maximum(m, shuffleXor(m, lanes));
		return m;
	}

	// accumulate is the online softmax: it makes S the weights P, brings rowMax and
	// rowSum up to date, and returns what the sums before are worth now.
	DEVICE_METHOD float accumulate(int i)
	{
		const float newMax = maximum(rowMax[i], tileMax(i) * call.scaleLog2), old = worth(rowMax[i], newMax);
		rowMax[i] = newMax;
		rowSum[i] = mulAdd(rowSum[i], old, weigh(i, origin(newMax)));
		return old;
	}

	// weigh makes row i of S weights and returns the sum of this thread's.
	DEVICE_METHOD float weigh(int i, float from)
	{
		float sum = 0;
		UNROLL for (int j = 0; j < laneKeys; j++)
			sum += s[i][j] = weight(call, s[i][j], from);
		return sum;
	}

	// storeWeights gives row i of P, which stands in s, to the 16 threads that
	// need it. They see it after the barrier of the next advance.
	DEVICE_METHOD void storeWeights(int i)
	{
		UNROLL for (int j = 0; j < laneKeys; j++)
			storeShared(p + (ty * laneRows + i) * pStride + tx + 16 * j, s[i][j]);
	}

	// weighValues is acc += P·V of the tile t.
	DEVICE_METHOD void weighValues(int t)
	{
		UNROLL for (int c = 0; c < chunks; c++) {
			const float *values = advance();
			fillAfterV(t, c);
			for (int j = 0; j < tileKeys; j += 4)
				weighStep(j, values + 2 * tx, c);
		}
	}

	DEVICE_METHOD void weighStep(int j, const float *values, int c)
	{
		vec2 x[4];
		UNROLL for (int n = 0; n < 4; n++)
			x[n] = loadShared((const vec2 *)(values + (j + n) * chunkStride));
		UNROLL for (int i = 0; i < laneRows; i++) {
			const vec4 w = loadShared((const vec4 *)(p + (ty * laneRows + i) * pStride + j));
			float *a = &acc[i][2 * c];
			a[0] = mulAdd(w.w, x[3].x, mulAdd(w.z, x[2].x, mulAdd(w.y, x[1].x, mulAdd(w.x, x[0].x, a[0]))));
			a[1] = mulAdd(w.w, x[3].y, mulAdd(w.z, x[2].y, mulAdd(w.y, x[1].y, mulAdd(w.x, x[0].y, a[1]))));
		}
	}

	// sumLanes adds the rowSum of the 16 threads of a row.
	DEVICE_METHOD void sumLanes(int i)
	{
		UNROLL for (int lanes = 8; lanes > 0; lanes /= 2)
			rowSum[i] += shuffleXor(rowSum[i], lanes);
	}

	// finish divides by the weights' sum and writes O and lse, or the part's record.
	DEVICE_METHOD void finish()
	{
		unsigned bad = 0;
		UNROLL for (int i = 0; i < laneRows; i++)
			bad |= finishRow(i) << i;
		for (int r = 0; r < 2 * laneRows; r++) { // the rows of this warp
			const int theirs = shuffle(bad, r / laneRows * 16);
			if (theirs >> r % laneRows & 1)
				Repair<D, float>(call, v, threadIndex() / 32 * 2 * laneRows + r).run();
		}
	}

	// finishRow returns whether the row must be repaired.
	DEVICE_METHOD bool finishRow(int i)
	{
		const int r = v.firstRow + ty * laneRows + i;
		const bool real = r < call.rows();
		float residue = 0;
		UNROLL for (int c = 0; c < D / 16; c++)
			residue += acc[i][c] - acc[i][c];
		UNROLL for (int lanes = 8; lanes > 0; lanes /= 2)
			residue += shuffleXor(residue, lanes);
		if (!real)
			return false;
		const Row<float> row = outputRow<D>(call, v.bh, r);
		const float factor = row.record ? 1 : rowSum[i] == 0 ? 0 : 1 / rowSum[i];
		float *o = row.record ? row.record : row.o;
		UNROLL for (int c = 0; c < chunks; c++)
			store((vec2 *)(o + c * chunk + 2 * tx), vec2{acc[i][2 * c] * factor, acc[i][2 * c + 1] * factor});
		if (tx == 0)
			endRow<D>(call, row, rowMax[i], rowSum[i]);
		return wrong(residue, rowSum[i], seen >> i & 1);
	}
};
