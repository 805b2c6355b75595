// flash_half.cu: attention in one pass over the keys with online softmax, on the
// tensor cores of any device, with float16 or bfloat16 operands (FlashAttention-2,
// arXiv:2307.08691).
//
// Each of four warps owns 32 rows of the row tile, so that what it reads of K and V
// serves two products; of the widest heads it owns 16, for the sake of registers.
// K and V of the tiles pass in turn through a ring of slots, the next two under way
// while one is computed on.
#include "rows.cuh"

constexpr int halfThreads = 128, halfSlots = 3;
constexpr int halfRows(int dim) { return dim > 128 ? 64 : 128; } // of a row tile

template <int D, class T> struct Mma {
	static constexpr int warpRows = halfRows(D) / 4, groups = warpRows / 16;
	static constexpr int rowBytes = 2 * D, tileBytes = tileKeys * rowBytes;
	static constexpr bool keep = D <= 64; // Q in registers
	static constexpr int steps = D / 16, keySteps = tileKeys / 16;
	using Sixteen = Rows<D, T, tileKeys>;

	const Call<T> &call;
	const Visit v;
	const int lane, first; // first row of the warp
	const SharedAddress queries, ring;
	int current = halfSlots - 1; // slot
	unsigned q[keep ? steps : 1][groups][4];
	Sixteen rows[groups];

	DEVICE_METHOD explicit Mma(const Call<T> &call)
		: call(call), v(visit(call)), lane(threadIndex() % 32), first(threadIndex() / 32 * warpRows),
		  queries(sharedAddress(sharedMemory())), ring(queries + halfRows(D) * rowBytes)
	{
		UNROLL for (int i = 0; i < groups; i++)
			rows[i].begin();
	}

	// loadQueries starts to copy Q; rows behind the last are zeros.
	DEVICE_METHOD void loadQueries()
	{
		ROLL for (int i = threadIndex(); i < halfRows(D) * D / 8; i += halfThreads) {
			const int r = i / (D / 8), column = i % (D / 8) * 8, row = v.firstRow + r;
			const bool wanted = row < call.rows();
			copyAsync(queries + swizzled<rowBytes>(r, 2 * column), call.q + call.row(v.bh, wanted ? row : 0) * D + column, wanted);
		}
	}

	DEVICE_METHOD SharedAddress slot(int i) const { return ring + i * tileBytes; }

	// fill starts to copy the tile x, if there is one, of K or V into the slot i. Keys
	// that no row sees are zeros.
	DEVICE_METHOD void fill(int i, const T *kv, int x)
	{
		if (x < v.end)
			copy(slot(i), kv, load(call.tiles + x));
		commitCopies();
	}

	DEVICE_METHOD void copy(SharedAddress to, const T *kv, Tile tile)
	{
		constexpr int pieces = D / 8, together = halfThreads / pieces; // of a row, and rows at a time
		const Word visible = keyBits(call, tile);
		const int piece = threadIndex() % pieces, row = threadIndex() / pieces;
		const T *from = kv + ((long long)v.bh * call.kvLen + tile.keys * tileKeys + row) * D + piece * 8;
		if (row < together)
			UNROLL for (int j = 0; j < tileKeys; j += together)
				if (j + row < tileKeys) {
					const bool wanted = visible >> (j + row) & 1;
					copyAsync(to + swizzled<rowBytes>(j + row, 16 * piece), wanted ? from + j * D : kv, wanted);
				}
	}

	// next waits for the slot after the current one, which becomes it, and fills the
	// one before with the tile x: all warps are done with that.
	DEVICE_METHOD SharedAddress next(const T *kv, int x)
	{
		waitCopies<1>();
		barrier();
		const int before = current;
		current = current == halfSlots - 1 ? 0 : current + 1;
		fill(before, kv, x);
		return slot(current);
	}

	// loadFragment is A of multiply: 16 columns of Q.
	DEVICE_METHOD void loadFragment(unsigned (&a)[4], int group, int step)
	{
		loadMatrices(a, queries + swizzled<rowBytes>(first + 16 * group + lane % 16, 32 * step + lane / 16 * 16));
	}

	DEVICE_METHOD void keepQueries()
	{
		if constexpr (keep)
			UNROLL for (int i = 0; i < steps; i++)
				UNROLL for (int m = 0; m < groups; m++)
					loadFragment(q[i][m], m, i);
	}

	// busy reports whether any row of this warp is real.
	DEVICE_METHOD bool busy() const { return v.firstRow + first < call.rows(); }

	// score is S = Q·Kᵀ. Rows of K are columns of B, so its fragments load as they
	// lie: 16 keys at a time.
	DEVICE_METHOD void score(SharedAddress keys)
	{
		const int lane = anew(this->lane);
		UNROLL for (int m = 0; m < groups; m++)
			UNROLL for (int n = 0; n < tileKeys / 8; n++)
				UNROLL for (int c = 0; c < 4; c++)
					rows[m].s[n][c] = 0;
		if constexpr (keep) {
			UNROLL for (int i = 0; i < steps; i++)
				scoreStep(keys, q[i], i, lane);
		} else {
			ROLL for (int i = 0; i < steps; i++) {
				UNROLL for (int m = 0; m < groups; m++)
					loadFragment(q[0][m], m, i);
				scoreStep(keys, q[0], i, lane);
			}
		}
	}

	// scoreStep adds the product of 16 columns.
	DEVICE_METHOD void scoreStep(SharedAddress keys, const unsigned (&a)[groups][4], int step, int lane)
	{
		ahead<keySteps>(
			[&](unsigned (&b)[4], int n) {
				loadMatrices(b, keys + swizzled<rowBytes>(16 * n + lane / 16 * 8 + lane % 8, 32 * step + lane / 8 % 2 * 16));
			},
			[&](const unsigned (&b)[4], int n) {
				UNROLL for (int m = 0; m < groups; m++) {
					multiply(T{}, rows[m].s[2 * n], a[m], b[0], b[1]);
					multiply(T{}, rows[m].s[2 * n + 1], a[m], b[2], b[3]);
				}
			});
	}

	// ahead loads each of so many fragments while the two before it are in use: by
	// themselves compilers leave a load where it stands.
	template <int N, class Load, class Use> DEVICE_METHOD void ahead(Load load, Use use)
	{
		unsigned b[3][4];
		load(b[0], 0);
		load(b[1], 1);
		UNROLL for (int f = 0; f < N; f++) {
			if (f + 2 < N)
				load(b[(f + 2) % 3], f + 2);
			use(b[f % 3], f);
		}
	}

	DEVICE_METHOD void weigh(Tile tile)
	{
		UNROLL for (int m = 0; m < groups; m++) {
			rows[m].mask(call, tile, 0, first + 16 * m);
			rows[m].accumulate(call);
			rows[m].rescale();
		}
	}

	// weighValues is acc += P·V. Rows of V are rows of B, so its fragments load
	// transposed: 16 keys by 16 columns at a time.
	DEVICE_METHOD void weighValues(SharedAddress values)
	{
		constexpr int columns = D / 16;
		const int lane = anew(this->lane);
		unsigned p[groups][4];
		ahead<keySteps * columns>(
			[&](unsigned (&b)[4], int f) {
				loadMatricesT(b, values + swizzled<rowBytes>(16 * (f / columns) + lane % 16, 32 * (f % columns) + lane / 16 * 16));
			},
			[&](const unsigned (&b)[4], int f) {
				const int n = f % columns;
				UNROLL for (int m = 0; m < groups; m++) {
					if (n == 0)
						rows[m].weights(p[m], f / columns);
					multiply(T{}, rows[m].acc[2 * n], p[m], b[0], b[1]);
					multiply(T{}, rows[m].acc[2 * n + 1], p[m], b[2], b[3]);
				}
			});
	}
};

template <int D, class T> DEVICE void flashHalf(const Call<T> &call)
{
	Mma<D, T> b(call);
	b.loadQueries();
	b.fill(0, call.k, b.v.first);
	b.fill(1, call.v, b.v.first);
	for (int x = b.v.first; x < b.v.end; x++) {
		const SharedAddress keys = b.next(call.k, x + 1);
		if (x == b.v.first)
			b.keepQueries();
		if (b.busy())
			b.score(keys);
		const SharedAddress values = b.next(call.v, x + 1);
		if (b.busy()) {
			b.weigh(load(call.tiles + x));
			b.weighValues(values);
		}
	}
	waitCopies<0>();
	UNROLL for (int m = 0; m < b.groups; m++)
		b.rows[m].finish(call, b.v, b.first + 16 * m);
}

#define FLASH(D) \
	ATTENTION(flash_bf16_d##D, halfThreads, halfRows(D), BFloat16, flashHalf<D, BFloat16>) \
	ATTENTION(flash_f16_d##D, halfThreads, halfRows(D), Float16, flashHalf<D, Float16>)

FLASH(32)
FLASH(64)
FLASH(96)
FLASH(128)
FLASH(256)
