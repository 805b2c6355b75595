// flash_half.cu: attention in one pass over the keys with online softmax, on tensor
// cores, with float16 or bfloat16 operands and sums in float32 (FlashAttention-2,
// arXiv:2307.08691). P is rounded to the operands' type before it meets V.
//
// Each of four warps owns 16 rows of the row tile. Its scores come out of one
// product as the fragments that the next takes in, so P never leaves registers.
// Rows of a tile in shared memory are padded by 16 bytes: eight of them then lie in
// different banks, as ldmatrix wants them.
#include "merge.cuh"

template <int D, class T> struct Mma {
	static constexpr int threads = 128, warpRows = 16;
	static constexpr int rowBytes = 2 * D + 16, tileBytes = tileKeys * rowBytes;
	static constexpr bool wide = D > 128; // then one stage must do, and Q stays in shared memory
	static constexpr int stages = wide ? 1 : 2;
	static constexpr int sharedBytes = tileBytes * (2 * stages + wide);
	static constexpr int steps = D / 16, keySteps = tileKeys / 16;

	const Call<T> &call;
	const Visit v;
	const int lane, warp, g, t; // g and t as in multiply
	const SharedAddress stage0, queries;
	unsigned q[wide ? 1 : steps][4];
	float s[tileKeys / 8][4];
	float rowMax[2], rowSum[2]; // of the rows g and g+8; rowSum of this thread's keys until finish
	float acc[D / 8][4];
	unsigned seen = 0; // which of the two rows has seen a key

	DEVICE_METHOD explicit Mma(const Call<T> &call)
		: call(call), v(visit(call)), lane(threadIndex() % 32), warp(threadIndex() / 32), g(lane / 4), t(lane % 4),
		  stage0(sharedAddress(sharedMemory())), queries(stage0 + 2 * tileBytes)
	{
		for (int h = 0; h < 2; h++) {
			rowMax[h] = -infinity();
			rowSum[h] = 0;
		}
		UNROLL for (int n = 0; n < D / 8; n++)
			UNROLL for (int c = 0; c < 4; c++)
				acc[n][c] = 0;
	}

	// loadQueries starts to copy Q behind the first stage: into the second, which is
	// free until loadFragments is done, or its own place.
	DEVICE_METHOD void loadQueries()
	{
		ROLL for (int i = threadIndex(); i < tileRows * D / 8; i += threads) {
			const int r = i / (D / 8), column = i % (D / 8) * 8, row = v.firstRow + r;
			const bool wanted = row < call.rows();
			copyAsync(queries + r * rowBytes + 2 * column, call.q + call.row(v.bh, wanted ? row : 0) * D + column, wanted);
		}
	}

	// fill starts to copy the tile x of K and V into its stage.
	DEVICE_METHOD void fill(int x)
	{
		const Tile tile = load(call.tiles + x);
		const Word visible = keyBits(call, tile);
		copyKeys<D, D, threads>(stage(x), rowBytes, call.k, call.kvLen, v.bh, tile, visible, 0);
		copyKeys<D, D, threads>(stage(x) + tileBytes, rowBytes, call.v, call.kvLen, v.bh, tile, visible, 0);
		commitCopies();
	}

	// stage returns K of the tile x; V follows it.
	DEVICE_METHOD SharedAddress stage(int x) const { return stage0 + (x - v.first) % stages * 2 * tileBytes; }

	// queryFragment is the fragment of Q for 16 columns: A of multiply.
	DEVICE_METHOD void queryFragment(unsigned (&a)[4], int step)
	{
		loadMatrices(a, queries + (warp * warpRows + lane % 16) * rowBytes + lane / 16 * 16 + step * 32);
	}

	DEVICE_METHOD void loadFragments()
	{
		waitCopies<0>();
		barrier();
		if constexpr (!wide)
			UNROLL for (int i = 0; i < steps; i++)
				queryFragment(q[i], i);
	}

	// busy reports whether any row of this warp is real.
	DEVICE_METHOD bool busy() const { return v.firstRow + warp * warpRows < call.rows(); }

	// score is S = Q·Kᵀ.
	DEVICE_METHOD void score(SharedAddress k)
	{
		UNROLL for (int n = 0; n < tileKeys / 8; n++)
			UNROLL for (int c = 0; c < 4; c++)
				s[n][c] = 0;
		if constexpr (wide) {
			ROLL for (int i = 0; i < steps; i++) {
				queryFragment(q[0], i);
				scoreStep(k, q[0], i);
			}
		} else {
			UNROLL for (int i = 0; i < steps; i++)
				scoreStep(k, q[i], i);
		}
	}

	// scoreStep adds the product of 16 columns. Rows of K are columns of B, so its
	// fragments load as they lie: 16 keys at a time.
	DEVICE_METHOD void scoreStep(SharedAddress k, const unsigned (&a)[4], int step)
	{
		const SharedAddress row = k + (lane / 16 * 8 + lane % 8) * rowBytes + lane / 8 % 2 * 16;
		UNROLL for (int n = 0; n < keySteps; n++) {
			unsigned b[4];
			loadMatrices(b, row + n * 16 * rowBytes + step * 32);
			multiply(T{}, s[2 * n], a, b[0], b[1]);
			multiply(T{}, s[2 * n + 1], a, b[2], b[3]);
		}
	}

	// mask makes scores −Inf where their row does not see the key.
	DEVICE_METHOD void mask(Tile tile)
	{
		if (tile.bits == allVisible) {
			seen = 3;
			return;
		}
		UNROLL for (int h = 0; h < 2; h++) {
			const Word bits = rowBits(call, tile, warp * warpRows + g + 8 * h);
			seen |= (bits != 0) << h;
			UNROLL for (int n = 0; n < tileKeys / 8; n++)
				UNROLL for (int c = 0; c < 2; c++)
					if (!(bits >> (8 * n + 2 * t + c) & 1))
						s[n][2 * h + c] = -infinity();
		}
	}

	// accumulate is the online softmax of row g + 8h: it makes S the weights P and
	// brings rowMax, rowSum and acc up to date. A row's 64 scores lie with 4 lanes.
	DEVICE_METHOD void accumulate(int h)
	{
		float m = -infinity(), sum = 0;
		UNROLL for (int n = 0; n < tileKeys / 8; n++)
			m = maximum(m, maximum(s[n][2 * h], s[n][2 * h + 1]));
		m = maximum(m, shuffleXor(m, 1));
		m = maximum(rowMax[h], maximum(m, shuffleXor(m, 2)) * call.scaleLog2);
		const float from = origin(m), old = worth(rowMax[h], m);
		UNROLL for (int n = 0; n < tileKeys / 8; n++)
			UNROLL for (int c = 2 * h; c < 2 * h + 2; c++)
				sum += s[n][c] = weight(call, s[n][c], from);
		UNROLL for (int n = 0; n < D / 8; n++) {
			acc[n][2 * h] *= old;
			acc[n][2 * h + 1] *= old;
		}
		rowMax[h] = m;
		rowSum[h] = mulAdd(rowSum[h], old, sum);
	}

	// weighValues is acc += P·V. Rows of V are rows of B, so its fragments load
	// transposed: 16 keys by 16 columns at a time.
	DEVICE_METHOD void weighValues(SharedAddress values)
	{
		const SharedAddress row = values + lane % 16 * rowBytes + lane / 16 * 16;
		UNROLL for (int i = 0; i < keySteps; i++) {
			const unsigned p[4] = {pack(T{}, s[2 * i][0], s[2 * i][1]), pack(T{}, s[2 * i][2], s[2 * i][3]),
				pack(T{}, s[2 * i + 1][0], s[2 * i + 1][1]), pack(T{}, s[2 * i + 1][2], s[2 * i + 1][3])};
			UNROLL for (int n = 0; n < D / 16; n++) {
				unsigned b[4];
				loadMatricesT(b, row + i * 16 * rowBytes + n * 32);
				multiply(T{}, acc[2 * n], p, b[0], b[1]);
				multiply(T{}, acc[2 * n + 1], p, b[2], b[3]);
			}
		}
	}

	// step computes on the tile x.
	DEVICE_METHOD void step(int x)
	{
		if (!busy())
			return;
		score(stage(x));
		mask(load(call.tiles + x));
		accumulate(0);
		accumulate(1);
		weighValues(stage(x) + tileBytes);
	}

	// finish divides by the weights' sum and writes O and lse, or the part's record.
	DEVICE_METHOD void finish()
	{
		unsigned bad = 0;
		UNROLL for (int h = 0; h < 2; h++)
			bad |= finishRow(h) << h;
		for (int r = 0; r < warpRows; r++) {
			const int theirs = shuffle(bad, r % 8 * 4);
			if (theirs >> r / 8 & 1)
				Repair<D, T>(call, v, warp * warpRows + r).run();
		}
	}

	// finishRow returns whether the row must be repaired.
	DEVICE_METHOD bool finishRow(int h)
	{
		float residue = 0, sum = rowSum[h];
		UNROLL for (int n = 0; n < D / 8; n++)
			residue += (acc[n][2 * h] - acc[n][2 * h]) + (acc[n][2 * h + 1] - acc[n][2 * h + 1]);
		UNROLL for (int lanes = 1; lanes < 4; lanes *= 2) {
			residue += shuffleXor(residue, lanes);
			sum += shuffleXor(sum, lanes);
		}
		const int r = v.firstRow + warp * warpRows + g + 8 * h;
		if (r >= call.rows())
			return false;
		const Row<T> row = outputRow<D>(call, v.bh, r);
		const float factor = row.record ? 1 : sum == 0 ? 0 : 1 / sum;
		UNROLL for (int n = 0; n < D / 8; n++) {
			const float x = acc[n][2 * h] * factor, y = acc[n][2 * h + 1] * factor;
			if (row.record)
				store((vec2 *)(row.record + 8 * n + 2 * t), vec2{x, y});
			else
				store((unsigned *)(row.o + 8 * n + 2 * t), pack(T{}, x, y));
		}
		if (t == 0)
			endRow<D>(call, row, rowMax[h], sum);
		return wrong(residue, sum, seen >> h & 1);
	}
};

template <int D, class T> DEVICE void flashHalf(const Call<T> &call)
{
	Mma<D, T> b(call);
	if (b.v.first < b.v.end) {
		b.loadQueries();
		b.fill(b.v.first);
		b.loadFragments();
	}
	for (int x = b.v.first; x < b.v.end; x++) {
		waitCopies<0>();
		barrier(); // the tile has come, and the other stage is free
		if (b.stages == 2 && x + 1 < b.v.end)
			b.fill(x + 1);
		b.step(x);
		if (b.stages == 1 && x + 1 < b.v.end) {
			barrier();
			b.fill(x + 1);
		}
	}
	b.finish();
}

#define FLASH(D) \
	ATTENTION(flash_bf16_d##D, 128, BFloat16, flashHalf<D, BFloat16>) \
	ATTENTION(flash_f16_d##D, 128, Float16, flashHalf<D, Float16>) \
	MERGE(merge_bf16_d##D, BFloat16, D) \
	MERGE(merge_f16_d##D, Float16, D)

FLASH(32)
FLASH(64)
FLASH(96)
FLASH(128)
FLASH(256)
