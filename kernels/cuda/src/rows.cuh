// rows.cuh: 16 query rows of a warp on their way through the online softmax, with
// products by tensor cores and sums in float32 (FlashAttention-2, arXiv:2307.08691).
//
// S and O lie as C of multiply has them, 8 columns to a fragment: with g = lane/4
// and t = lane%4 a thread holds the columns 2t and 2t+1 of the rows g and g+8. Two
// fragments of S, packed, are one of A, so P never leaves registers. P is rounded to
// the operands' type before it meets V.
#pragma once

#include "attention.cuh"

template <int D, class T, int Keys> struct Rows {
	static constexpr int rows = 16;

	float s[Keys / 8][4];
	float acc[D / 8][4];
	float old[2];
	float rowMax[2], rowSum[2]; // of the rows g and g+8; rowSum of this thread's keys until finish
	unsigned seen;              // which of the two rows has seen a key

	DEVICE_METHOD void begin()
	{
		seen = 0;
		UNROLL for (int h = 0; h < 2; h++) {
			rowMax[h] = -infinity();
			rowSum[h] = 0;
		}
		UNROLL for (int n = 0; n < D / 8; n++)
			UNROLL for (int c = 0; c < 4; c++)
				acc[n][c] = 0;
	}

	// mask makes scores −Inf where their row does not see the key. The keys of the
	// tile are those of S from the fragment firstKeys on; first is the first row's
	// place in the row tile.
	DEVICE_METHOD void mask(const Call<T> &call, Tile tile, int firstKeys, int first)
	{
		if (tile.bits == allVisible) {
			seen = 3;
			return;
		}
		const int lane = threadIndex() % 32;
		UNROLL for (int h = 0; h < 2; h++) {
			const Word bits = rowBits(call, tile, first + lane / 4 + 8 * h);
			seen |= (bits != 0) << h;
			const Word mine = bits >> lane % 4 * 2;
			UNROLL for (int n = 0; n < tileKeys / 8; n++)
				UNROLL for (int c = 0; c < 2; c++)
					if (!(mine >> (8 * n + c) & 1))
						s[firstKeys + n][2 * h + c] = -infinity();
		}
	}

	// accumulate is the online softmax: it makes S the weights P and brings rowMax and
	// rowSum up to date; what acc held before is to be multiplied by old. A row's
	// scores lie with 4 lanes.
	DEVICE_METHOD void accumulate(const Call<T> &call)
	{
		UNROLL for (int h = 0; h < 2; h++) {
			float m = -infinity(), sum = 0;
			UNROLL for (int n = 0; n < Keys / 8; n++)
				m = maximum(m, maximum(s[n][2 * h], s[n][2 * h + 1]));
			m = maximum(m, shuffleXor(m, 1));
			m = maximum(rowMax[h], maximum(m, shuffleXor(m, 2)) * call.scaleLog2);
			const float from = origin(m);
			old[h] = worth(rowMax[h], m);
			UNROLL for (int n = 0; n < Keys / 8; n++)
				UNROLL for (int c = 2 * h; c < 2 * h + 2; c++)
					sum += s[n][c] = weight(call, s[n][c], from);
			rowMax[h] = m;
			rowSum[h] = mulAdd(rowSum[h], old[h], sum);
		}
	}

	DEVICE_METHOD void rescale()
	{
		UNROLL for (int n = 0; n < D / 8; n++)
			UNROLL for (int c = 0; c < 4; c++)
				acc[n][c] *= old[c / 2];
	}

	// weights is the fragment A of P for 16 keys.
	DEVICE_METHOD void weights(unsigned (&p)[4], int step) const
	{
		UNROLL for (int i = 0; i < 4; i++)
			p[i] = pack(T{}, s[2 * step + i / 2][i % 2 * 2], s[2 * step + i / 2][i % 2 * 2 + 1]);
	}

	// finish divides by the weights' sum and writes O and lse, or the part's record.
	DEVICE_METHOD void finish(const Call<T> &call, const Visit &v, int first)
	{
		unsigned bad = 0;
		UNROLL for (int h = 0; h < 2; h++)
			bad |= finishRow(call, v, first, h) << h;
		for (int r = 0; r < rows; r++) {
			const int theirs = shuffle(bad, r % 8 * 4);
			if (theirs >> r / 8 & 1)
				Repair<D, T>(call, v, first + r).run();
		}
	}

	// finishRow returns whether the row must be repaired.
	DEVICE_METHOD bool finishRow(const Call<T> &call, const Visit &v, int first, int h)
	{
		const int lane = threadIndex() % 32, t = lane % 4;
		float residue = 0, sum = rowSum[h];
		UNROLL for (int n = 0; n < D / 8; n++)
			residue += (acc[n][2 * h] - acc[n][2 * h]) + (acc[n][2 * h + 1] - acc[n][2 * h + 1]);
		UNROLL for (int lanes = 1; lanes < 4; lanes *= 2) {
			residue += shuffleXor(residue, lanes);
			sum += shuffleXor(sum, lanes);
		}
		const int r = v.firstRow + first + lane / 4 + 8 * h;
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

// Swizzled is a row of shared memory of so many bytes, of which pieces of 16 bytes
// change places so that the same piece of eight rows in turn lies in different
// banks, as ldmatrix wants it.
template <int RowBytes> DEVICE int swizzled(int row, int byte)
{
	return row * RowBytes + (byte ^ (RowBytes % 128 ? row / 2 % 4 : row % 8) * 16);
}
