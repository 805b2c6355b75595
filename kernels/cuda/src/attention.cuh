// attention.cuh: what all kernels share: a call's operands, the tiles that a mask
// leaves, the end of a row, and the repair of rows that are not finite.
//
// Queries are packed by key head (GQA): row r of a (batch, kvHead) is query r/group
// of head kvHead·group + r%group, so that the heads that share keys share a tile,
// and a decode step fills one. All tensors are contiguous [batch, head, position, D]
// with D as compiled; the host pads headDim to it with zeros.
#pragma once

#include "device.cuh"

constexpr int tileKeys = 64; // keys of a tile: the bits of one mask word
constexpr int allVisible = -1;
constexpr int noneVisible = -2;
constexpr float ln2 = 0.693147180559945309f;

DEVICE float infinity() { return __builtin_inff(); }

// A Tile is a visited tile of keys: bits indexes the records of mask words, each
// one word a row and then their union, or is allVisible.
struct alignas(8) Tile {
	int keys, bits;
};

typedef unsigned long long Word;

// A Call is one attention call as a kernel gets it. scaleLog2 is what multiplies
// Q·K, over ln 2: weights are powers of two.
template <class T> struct Call {
	const T *q, *k, *v;
	T *o;              // [batch, heads, qLen, D]
	float *lse;        // [batch, heads, qLen], or null
	float *partial;    // of a split call, see Partials; else null
	const int *starts; // [mask batches, rowTiles+1]: a row tile's range of tiles
	const Tile *tiles;
	const Word *bits; // records of tileRows+1
	int qLen, kvLen, kvHeads, group;
	int startStride; // of starts from one batch element to the next; 0: all alike
	int splitTiles;  // tiles of a part of a split call
	float scaleLog2;
	int tileRows; // packed query rows of a row tile: a constant of the kernel

	DEVICE_METHOD int rows() const { return qLen * group; }
	DEVICE_METHOD int rowTiles() const { return (rows() + tileRows - 1) / tileRows; }
	// row returns the index of a packed row among all [batch, heads, qLen].
	DEVICE_METHOD long long row(int bh, int r) const
	{
		return ((long long)bh * group + r % group) * qLen + r / group;
	}
};

// ATTENTION defines a kernel of the common signature, for row tiles of so many
// rows: its body is called with the Call.
#define ATTENTION(name, threads, tileRows, T, ...) \
	ENTRY(threads) name(const T *q, const T *k, const T *v, T *o, float *lse, float *partial, const int *starts, \
		const Tile *tiles, const Word *bits, int qLen, int kvLen, int kvHeads, int group, int startStride, \
		int splitTiles, float scaleLog2) \
	{ \
		__VA_ARGS__(Call<T>{q, k, v, o, lse, partial, starts, tiles, bits, qLen, kvLen, kvHeads, group, startStride, \
			splitTiles, scaleLog2, tileRows}); \
	} \
	EXPORT(name)

// A Visit is a block's work: one row tile of one (batch, kvHead) against a range
// of tiles. The grid's x is batch·kvHeads, z the part of a split. y runs through the
// row tiles from the last, which under a causal mask is the longest: so the longest
// of all heads come first, and the shortest fill the end.
struct Visit {
	int bh, firstRow, first, end;
};

template <class T> DEVICE Visit visit(const Call<T> &call)
{
	const int tile = call.rowTiles() - 1 - blockY();
	const int *starts = call.starts + (long long)(blockX() / call.kvHeads) * call.startStride + tile;
	Visit v{blockX(), tile * call.tileRows, load(starts), load(starts + 1)};
	if (call.partial) {
		v.first = v.first + blockZ() * call.splitTiles < v.end ? v.first + blockZ() * call.splitTiles : v.end;
		v.end = v.first + call.splitTiles < v.end ? v.first + call.splitTiles : v.end;
	}
	return v;
}

// rowBits returns which keys of a tile a row of the row tile sees, keyBits which
// keys some row sees: no others may be read.
template <class T> DEVICE Word rowBits(const Call<T> &call, Tile tile, int row)
{
	return tile.bits == allVisible ? ~0ull : tile.bits == noneVisible ? 0 : load(call.bits + (long long)tile.bits * (call.tileRows + 1) + row);
}
template <class T> DEVICE Word keyBits(const Call<T> &call, Tile tile) { return rowBits(call, tile, call.tileRows); }

// copyKeys starts to copy columns of the keys of a tile into rows of shared memory.
// Keys that no row sees are zeros. Threads are spread over Columns·sizeof(T)/16
// pieces of a row and over rows; where that leaves a remainder, some rest.
template <int Columns, int D, int Threads, class T>
DEVICE void copyKeys(SharedAddress to, int rowBytes, const T *kv, int kvLen, int bh, Tile tile, Word visible, int firstColumn)
{
	constexpr int pieceElements = 16 / sizeof(T), pieces = Columns / pieceElements;
	constexpr int rows = Threads / pieces >= 32 ? 32 : Threads / pieces >= 16 ? 16 : Threads / pieces >= 8 ? 8 : 4;
	const int piece = threadIndex() % pieces, first = threadIndex() / pieces;
	const T *from = kv + ((long long)bh * kvLen + tile.keys * tileKeys + first) * D + firstColumn + piece * pieceElements;
	if (first < rows)
		UNROLL for (int j = 0; j < tileKeys; j += rows) {
			const bool wanted = visible >> (j + first) & 1;
			copyAsync(to + (j + first) * rowBytes + piece * 16, wanted ? from + j * D : kv, wanted);
		}
}

// logarithm is ln x within 2 ulp for x > 0, from the series of the inverse
// hyperbolic tangent; NaN and +Inf pass.
DEVICE float logarithm(float x)
{
	if (!(x > 0) || x == infinity())
		return x == 0 ? -infinity() : x; // rowSum is never negative
	const int e = (int)(floatBits(x) - 0x3f3504f3u) >> 23; // x = m·2^e, m in [√½, √2)
	const float m = bitsFloat(floatBits(x) - ((unsigned)e << 23));
	const float s = (m - 1) / (m + 1), z = s * s;
	const float tail = z * mulAdd(z, mulAdd(z, mulAdd(z, 1 / 9.f, 1 / 7.f), 1 / 5.f), 1 / 3.f);
	const float small = mulAdd(2 * s, tail, 2 * s);
	return mulAdd((float)e, ln2, small);
}

// Maxima of scores are kept as powers of two, that is times scaleLog2, and the
// weight of a score is 2^(scaleLog2·s − origin(rowMax)): the greatest is 1.

// origin is what scores are weighed against: 0 where a row has seen none but −Inf.
DEVICE float origin(float rowMax) { return rowMax == -infinity() ? 0 : rowMax; }

template <class T> DEVICE float weight(const Call<T> &call, float s, float from)
{
	return exp2Approx(mulAdd(s, call.scaleLog2, -from));
}

// worth is what a sum of weights under the maximum before is worth under after.
DEVICE float worth(float before, float after) { return before == -infinity() ? 0 : exp2Approx(before - after); }

DEVICE float logSumExp(float rowMax, float rowSum) { return mulAdd(origin(rowMax), ln2, logarithm(rowSum)); }

DEVICE bool finite(float x) { return x - x == 0; }

// A Row is where one row of the output goes. Of a split call that is a record of
// the workspace: D sums not yet divided by rowSum, then rowMax and rowSum. A part
// in which the row sees no key has rowSum 0; one in which all its scores are −Inf
// has rowSum −1, so that the row can end as NaN where every part is like that.
template <class T> struct Row {
	T *o;
	float *record;
	long long index;
};

constexpr int statsFloats = 4; // behind the D sums of a record; two are used

template <int D, class T> DEVICE Row<T> outputRow(const Call<T> &call, int bh, int r)
{
	const long long index = call.row(bh, r), all = (long long)gridX() * call.rows();
	float *record = call.partial ? call.partial + (blockZ() * all + index) * (D + statsFloats) : nullptr;
	return {call.o + index * D, record, index};
}

// endRow stores the statistics of a row: its lse, or those of its part.
template <int D, class T> DEVICE void endRow(const Call<T> &call, const Row<T> &row, float rowMax, float rowSum)
{
	if (row.record) {
		store(row.record + D, rowMax);
		store(row.record + D + 1, rowSum);
	} else if (call.lse) {
		store(call.lse + row.index, logSumExp(rowMax, rowSum));
	}
}

// wrong reports whether a row has to be repaired: not finite, or without weight
// though it sees a key. residue is 0 or, of a row that is not finite, NaN.
DEVICE bool wrong(float residue, float rowSum, bool seen)
{
	return !finite(residue) || !finite(rowSum) || (seen && rowSum == 0);
}

// warpSum returns the sum over the lanes of a warp.
DEVICE float warpSum(float x)
{
	UNROLL for (int mask = 16; mask > 0; mask /= 2)
		x += shuffleXor(x, mask);
	return x;
}

// A Repair recomputes a row key by visible key, as a textbook would. Kernels that
// multiply whole tiles need it: there a masked key has weight 0, and 0·NaN or
// 0·Inf in a value that only other rows see would leak. Rows that hold such a
// value rightly come out as before. A warp works on one row.
template <int D, class T> struct Repair {
	static constexpr int columns = D / 32;
	const Call<T> &call;
	const Visit &v;
	int r, lane;
	float q[columns];

	DEVICE_METHOD Repair(const Call<T> &call, const Visit &v, int r)
		: call(call), v(v), r(r), lane(threadIndex() % 32)
	{
		const T *row = call.q + call.row(v.bh, v.firstRow + r) * D;
		UNROLL for (int i = 0; i < columns; i++)
			q[i] = toFloat(load(row + 32 * i + lane));
	}

	// eachKey calls f with the offset of every visible key.
	template <class F> DEVICE_METHOD void eachKey(F f)
	{
		for (int t = v.first; t < v.end; t++) {
			const Tile tile = load(call.tiles + t);
			for (Word bits = rowBits(call, tile, r), i = 0; bits; bits >>= 1, i++)
				if (bits & 1)
					f(((long long)v.bh * call.kvLen + tile.keys * tileKeys + i) * D + lane);
		}
	}

	DEVICE_METHOD float score(long long key)
	{
		float s = 0;
		UNROLL for (int i = 0; i < columns; i++)
			s = mulAdd(q[i], toFloat(load(call.k + key + 32 * i)), s);
		return warpSum(s);
	}

	DEVICE_METHOD void run()
	{
		const Row<T> row = outputRow<D>(call, v.bh, v.firstRow + r);
		float rowMax = -infinity(), rowSum = 0, acc[columns] = {};
		eachKey([&](long long key) { rowMax = maximum(rowMax, score(key) * call.scaleLog2); });
		// Where all scores are −Inf the textbook has −Inf − −Inf; a part must not.
		const float from = row.record ? origin(rowMax) : rowMax;
		eachKey([&](long long key) {
			const float p = weight(call, score(key), from);
			rowSum += p;
			UNROLL for (int i = 0; i < columns; i++)
				acc[i] = mulAdd(p, toFloat(load(call.v + key + 32 * i)), acc[i]);
		});
		if (row.record && rowSum == 0)
			rowSum = -1;
		UNROLL for (int i = 0; i < columns; i++) {
			if (row.record)
				store(row.record + 32 * i + lane, acc[i]);
			else
				storeFloat(row.o + 32 * i + lane, acc[i] / rowSum);
		}
		if (lane == 0)
			endRow<D>(call, row, rowMax, rowSum);
	}
};
