// naive.cu: attention as the textbook writes it, in three kernels over a score
// matrix in global memory, in float32: S = Q·Kᵀ, P = softmax(S), O = P·V.
//
// The mask comes as a table, [mask batches, rowTiles, keyTiles]: noneVisible,
// allVisible or the index of a record of mask words.
#include "attention.cuh"

constexpr int naiveRows = 64; // of a row tile

struct Matrix {
	const int *table;
	const Word *bits;
	int rows, kvLen, kvHeads, tableStride;

	DEVICE_METHOD int keyTiles() const { return (kvLen + tileKeys - 1) / tileKeys; }
	DEVICE_METHOD bool visible(int bh, int row, int key) const
	{
		const int *t = table + (long long)(bh / kvHeads) * tableStride + row / naiveRows * keyTiles() + key / tileKeys;
		const int entry = load(t);
		if (entry < 0)
			return entry == allVisible;
		return load(bits + (long long)entry * (naiveRows + 1) + row % naiveRows) >> key % tileKeys & 1;
	}
	DEVICE_METHOD long long at(int bh, int row) const { return ((long long)bh * rows + row) * kvLen; }
};

// queryRow is Call::row: the place of a packed row among [batch, heads, qLen].
DEVICE long long queryRow(int bh, int row, int group, int qLen)
{
	return ((long long)bh * group + row % group) * qLen + row / group;
}

// scoreKeys is S: 16×16 threads, one an element; the grid is over key tiles, row
// tiles and batch·kvHeads.
DEVICE void scoreKeys(const float *q, const float *k, float *s, const Matrix &m, int group, int qLen, int dim)
{
	const int key = blockX() * 16 + threadIndex() % 16, row = blockY() * 16 + threadIndex() / 16, bh = blockZ();
	if (row >= m.rows || key >= m.kvLen || !m.visible(bh, row, key))
		return;
	const float *a = q + queryRow(bh, row, group, qLen) * dim, *b = k + ((long long)bh * m.kvLen + key) * dim;
	float dot = 0;
	for (int i = 0; i < dim; i++)
		dot = mulAdd(load(a + i), load(b + i), dot);
	store(s + m.at(bh, row) + key, dot);
}

// A BlockSum joins a value of each of 128 threads.
template <class F> DEVICE float joinBlock(float x, F join)
{
	float *shared = (float *)sharedMemory();
	for (int mask = 16; mask > 0; mask /= 2)
		x = join(x, shuffleXor(x, mask));
	barrier(); // what was joined before is read
	if (threadIndex() % 32 == 0)
		storeShared(shared + threadIndex() / 32, x);
	barrier();
	return join(join(loadShared(shared), loadShared(shared + 1)), join(loadShared(shared + 2), loadShared(shared + 3)));
}

// softmaxRow is P in place of S, and lse: a block a row; the grid is over rows and
// batch·kvHeads.
DEVICE void softmaxRow(float *s, float *lse, const Matrix &m, int group, int qLen, float scaleLog2)
{
	const int row = blockX(), bh = blockY();
	float *scores = s + m.at(bh, row);
	float rowMax = -infinity(), rowSum = 0, seen = 0;
	for (int key = threadIndex(); key < m.kvLen; key += 128)
		if (m.visible(bh, row, key)) {
			rowMax = maximum(rowMax, load(scores + key) * scaleLog2);
			seen = 1;
		}
	rowMax = joinBlock(rowMax, [](float a, float b) { return maximum(a, b); });
	seen = joinBlock(seen, [](float a, float b) { return a + b; });
	for (int key = threadIndex(); key < m.kvLen; key += 128)
		if (m.visible(bh, row, key)) {
			const float p = exp2Approx(mulAdd(load(scores + key), scaleLog2, -rowMax));
			store(scores + key, p);
			rowSum += p;
		}
	rowSum = joinBlock(rowSum, [](float a, float b) { return a + b; });
	for (int key = threadIndex(); key < m.kvLen; key += 128)
		if (m.visible(bh, row, key))
			store(scores + key, load(scores + key) / rowSum);
	if (lse && threadIndex() == 0)
		store(lse + queryRow(bh, row, group, qLen), seen == 0 ? -infinity() : logSumExp(rowMax, rowSum));
}

// weighKeys is O: 32 columns and 4 rows a block; the grid is over groups of rows,
// groups of columns and batch·kvHeads.
DEVICE void weighKeys(const float *p, const float *v, float *o, const Matrix &m, int group, int qLen, int dim)
{
	const int row = blockX() * 4 + threadIndex() / 32, column = blockY() * 32 + threadIndex() % 32, bh = blockZ();
	if (row >= m.rows)
		return;
	const float *weights = p + m.at(bh, row), *values = v + (long long)bh * m.kvLen * dim + column;
	float sum = 0;
	for (int key = 0; key < m.kvLen; key++)
		if (m.visible(bh, row, key))
			sum = mulAdd(load(weights + key), load(values + (long long)key * dim), sum);
	store(o + queryRow(bh, row, group, qLen) * dim + column, sum);
}

#define NAIVE_PARAMETERS \
	const float *q, const float *k, const float *v, float *o, float *lse, float *s, const int *table, const Word *bits, \
		int qLen, int kvLen, int kvHeads, int group, int tableStride, int dim, float scaleLog2
#define NAIVE_MATRIX Matrix{table, bits, qLen * group, kvLen, kvHeads, tableStride}

ENTRY(256) naive_scores(NAIVE_PARAMETERS) { scoreKeys(q, k, s, NAIVE_MATRIX, group, qLen, dim); }
EXPORT(naive_scores)
ENTRY(128) naive_softmax(NAIVE_PARAMETERS) { softmaxRow(s, lse, NAIVE_MATRIX, group, qLen, scaleLog2); }
EXPORT(naive_softmax)
ENTRY(128) naive_output(NAIVE_PARAMETERS) { weighKeys(s, v, o, NAIVE_MATRIX, group, qLen, dim); }
EXPORT(naive_output)
