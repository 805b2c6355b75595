// flash_wgmma.cu: attention in one pass over the keys with online softmax, on the
// tensor cores of compute capability 9.0, with float16 or bfloat16 operands
// (FlashAttention-3, arXiv:2407.08608).
//
// Of three warpgroups one loads: K and V of a step pass through a ring of slots in
// shared memory, K and V in turn. The others own 64 rows of the row tile each. While
// the products with V of one step are under way, a warpgroup is at the softmax of the
// next; and what one warpgroup leaves of the tensor cores the other uses.
#include "hopper.cuh"
#include "rows.cuh"

constexpr int wgmmaThreads = 384, groupThreads = 128;
constexpr int wgmmaRows = 128, groupRows = 64; // of a row tile, and of a warpgroup

template <int D, class T> struct Wgmma {
	static constexpr int stepTiles = D > 128 ? 1 : 2, stepKeys = stepTiles * tileKeys;
	static constexpr int slots = 4, slotBytes = stepKeys * 2 * D, panelBytes = stepKeys * 128;
	static constexpr int queryBytes = wgmmaRows * 2 * D, queryPanelBytes = wgmmaRows * 128;
	static constexpr int accPart = D > 64 ? 16 : 8; // fragments of acc in one product

	const Call<T> &call;
	const Visit v;
	const int group; // 0 loads
	const SharedAddress queries, ring, full, empty; // the last two a phase barrier a slot

	DEVICE_METHOD explicit Wgmma(const Call<T> &call)
		: call(call), v(visit(call)), group(threadIndex() / groupThreads), queries(sharedAddress(sharedMemory())),
		  ring(queries + queryBytes), full(ring + slots * slotBytes), empty(full + 8 * slots)
	{
		if (threadIndex() < slots) {
			makeBarrier(full + 8 * threadIndex(), groupThreads);
			makeBarrier(empty + 8 * threadIndex(), 2 * groupThreads / 32);
		}
		barrier();
	}

	DEVICE_METHOD int steps() const { return (v.end - v.first + stepTiles - 1) / stepTiles; }

	// K of a step is what comes as number 2·step, V what comes next.
	DEVICE_METHOD SharedAddress slot(int n) const { return ring + n % slots * slotBytes; }
	DEVICE_METHOD void awaitFull(int n) const
	{
		awaitPhase(full + n % slots * 8, n / slots % 2);
		proxyFence();
	}
	DEVICE_METHOD void release(int n) const
	{
		if (threadIndex() % 32 == 0)
			arrive(empty + n % slots * 8);
	}

	// tile returns a tile of a step; where the tiles end, one that nobody sees.
	DEVICE_METHOD Tile tile(int step, int i) const
	{
		const int x = v.first + step * stepTiles + i;
		return x < v.end ? load(call.tiles + x) : Tile{0, noneVisible};
	}

	// loadQueries starts to copy Q; rows behind the last are zeros.
	DEVICE_METHOD void loadQueries() const
	{
		ROLL for (int i = threadIndex(); i < wgmmaRows * D / 8; i += groupThreads) {
			const int r = i / (D / 8), piece = i % (D / 8), row = v.firstRow + r;
			const bool wanted = row < call.rows();
			copyAsync(queries + piece / 8 * queryPanelBytes + swizzled<128>(r, piece % 8 * 16),
				call.q + call.row(v.bh, wanted ? row : 0) * D + 8 * piece, wanted);
		}
	}

	// fill copies the keys of a step, of K or V, into the slot of number n.
	// Keys that no row sees are zeros.
	DEVICE_METHOD void fill(const T *kv, int step, int n) const
	{
		constexpr int pieces = D / 8, together = groupThreads / pieces; // of a row, and rows at a time
		const int piece = threadIndex() % pieces, row = threadIndex() / pieces;
		const SharedAddress to = slot(n) + piece / 8 * panelBytes;
		awaitPhase(empty + n % slots * 8, n / slots % 2 ^ 1);
		UNROLL for (int i = 0; i < stepTiles; i++) {
			const Tile x = tile(step, i);
			const Word visible = keyBits(call, x) >> row;
			const T *from = kv + ((long long)v.bh * call.kvLen + x.keys * tileKeys + row) * D + piece * 8;
			UNROLL for (int j = 0; j < tileKeys; j += together) {
				const bool wanted = visible >> j & 1;
				copyAsync(to + swizzled<128>(i * tileKeys + j + row, piece % 8 * 16), wanted ? from + j * D : kv, wanted);
			}
		}
		arriveCopies(full + n % slots * 8);
	}

	// fetch is what the loading warpgroup does.
	DEVICE_METHOD void fetch() const
	{
		giveRegisters<40>();
		loadQueries();
		ROLL for (int step = 0; step < steps(); step++) {
			fill(call.k, step, 2 * step);
			fill(call.v, step, 2 * step + 1);
		}
		commitCopies();
		waitCopies<0>();
	}

	// startScores starts S = Q·Kᵀ.
	DEVICE_METHOD void startScores(float (&s)[stepKeys / 8][4], int step) const
	{
		awaitFull(2 * step);
		hold(s);
		fenceProducts();
		const Descriptor q = descriptor(queries + (group - 1) * groupRows * 128, 0), k = descriptor(slot(2 * step), 0);
		UNROLL for (int i = 0; i < D / 16; i++) {
			const int panel = i / 4, inside = i % 4 * 32;
			startProduct(T{}, s, q + ((panel * queryPanelBytes + inside) >> 4), k + ((panel * panelBytes + inside) >> 4), i > 0);
		}
		commitProducts();
	}

	// awaitScores waits until at most N later groups of products are under way.
	template <int N> DEVICE_METHOD void awaitScores(float (&s)[stepKeys / 8][4], int step) const
	{
		awaitProducts<N>();
		hold(s);
		release(2 * step);
	}

	// startValues starts acc += P·V.
	DEVICE_METHOD void startValues(float (&acc)[D / 8][4], const unsigned (&p)[stepKeys / 16][4], int step) const
	{
		awaitFull(2 * step + 1);
		const Descriptor values = descriptor(slot(2 * step + 1), panelBytes);
		UNROLL for (int i = 0; i < stepKeys / 16; i++)
			UNROLL for (int part = 0; part < D / 8; part += accPart)
				startProduct(T{}, *(float(*)[accPart][4]) & acc[part], p[i], values + ((part / 8 * panelBytes + i * 2048) >> 4));
		commitProducts();
	}

	DEVICE_METHOD void awaitValues(float (&acc)[D / 8][4], unsigned (&p)[stepKeys / 16][4], int step) const
	{
		awaitProducts<0>();
		hold(acc);
		hold(p);
		release(2 * step + 1);
	}

	// readTiles comes before the products of a step, which hide its latency.
	DEVICE_METHOD void readTiles(Tile (&tiles)[stepTiles], int step) const
	{
		UNROLL for (int i = 0; i < stepTiles; i++)
			tiles[i] = tile(step, i);
	}

	DEVICE_METHOD void weigh(Rows<D, T, stepKeys> &rows, const Tile (&tiles)[stepTiles], int first) const
	{
		UNROLL for (int i = 0; i < stepTiles; i++)
			rows.mask(call, tiles[i], i * 8, first);
		rows.accumulate(call);
	}

	DEVICE_METHOD void pack(const Rows<D, T, stepKeys> &rows, unsigned (&p)[stepKeys / 16][4]) const
	{
		UNROLL for (int i = 0; i < stepKeys / 16; i++)
			rows.weights(p[i], i);
	}

	// compute is what the others do, each on its rows. The products with V are a step behind.
	//
	// Note: ptxas lets products overlap only where it sees all of them and their
	// registers without a branch between, so the first step stands by itself.
	DEVICE_METHOD void compute() const
	{
		takeRegisters<232>();
		const int first = (group - 1) * groupRows + threadIndex() % groupThreads / 32 * 16; // row of the warp
		const int n = steps();
		Rows<D, T, stepKeys> rows;
		unsigned p[stepKeys / 16][4];
		rows.begin();
		if (n > 0) {
			Tile tiles[stepTiles];
			readTiles(tiles, 0);
			startScores(rows.s, 0);
			awaitScores<0>(rows.s, 0);
			weigh(rows, tiles, first);
			pack(rows, p);
			ROLL for (int step = 1; step < n; step++) {
				hold(rows.acc);
				hold(p);
				readTiles(tiles, step);
				startScores(rows.s, step);
				startValues(rows.acc, p, step - 1);
				awaitScores<1>(rows.s, step);
				weigh(rows, tiles, first);
				awaitValues(rows.acc, p, step - 1);
				rows.rescale();
				pack(rows, p);
			}
			hold(rows.acc);
			hold(p);
			fenceProducts();
			startValues(rows.acc, p, n - 1);
			awaitValues(rows.acc, p, n - 1);
		}
		rows.finish(call, v, first);
	}
};

template <int D, class T> DEVICE void flashWgmma(const Call<T> &call)
{
	Wgmma<D, T> b(call);
	if (b.group == 0)
		b.fetch();
	else
		b.compute();
}

#define FLASH(D) \
	ATTENTION(flash_wgmma_bf16_d##D, wgmmaThreads, wgmmaRows, BFloat16, flashWgmma<D, BFloat16>) \
	ATTENTION(flash_wgmma_f16_d##D, wgmmaThreads, wgmmaRows, Float16, flashWgmma<D, Float16>)

FLASH(64)
FLASH(128)
FLASH(256)
