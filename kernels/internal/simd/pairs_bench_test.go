package simd

import (
	"fmt"
	"testing"

	"github.com/attnbench/attnbench/kernels"
)

// BenchmarkPairs has the parts of flash attention on pairs of bfloat16, and
// their limit.
func BenchmarkPairs(b *testing.B) {
	for _, x := range pairs {
		if !x.available {
			continue
		}
		b.Run("part=fma/isa="+x.Name, func(b *testing.B) {
			flops := 0
			for b.Loop() {
				flops = int(x.FMA(1000))
			}
			report(b, flops)
		})
		for _, d := range []int{64, 128} {
			q, k, v := AsHalves(aligned(x.Rows*d/2)), make([]uint32, x.PackedLen(d, chunk)), make([]uint32, x.PackedLen(chunk, d))
			s, o, m := aligned(x.Rows*tileLD), aligned(x.Rows*d), make([]float32, x.Rows)
			st := &State{RowMax: make([]float32, x.Rows), RowSum: make([]float32, x.Rows)}
			b.Run(fmt.Sprintf("part=scores/isa=%s/dim=%d", x.Name, d), func(b *testing.B) {
				for b.Loop() {
					x.MulMax(s, tileLD, q, d, x.Packed(k, d), x.Rows, d, chunk, m, nil)
				}
				report(b, 2*x.Rows*d*chunk)
			})
			b.Run(fmt.Sprintf("part=attend/isa=%s/dim=%d", x.Name, d), func(b *testing.B) {
				for b.Loop() {
					clear(s)
					x.Attend(o, d, s, tileLD, x.Packed(v, chunk), x.Rows, chunk, d, 1, st)
				}
				report(b, 2*x.Rows*d*chunk)
			})
			half := AsHalves(aligned(chunk * d / 2))
			b.Run(fmt.Sprintf("part=pack/isa=%s/dim=%d", x.Name, d), func(b *testing.B) {
				b.SetBytes(2 * chunk * int64(d))
				for b.Loop() {
					x.Pack(v, half, d, chunk, d)
				}
			})
			b.Run(fmt.Sprintf("part=packTransposed/isa=%s/dim=%d", x.Name, d), func(b *testing.B) {
				b.SetBytes(2 * chunk * int64(d))
				for b.Loop() {
					x.PackTransposed(k, half, d, chunk, d)
				}
			})
		}
	}
}

// BenchmarkDecodePairs is BenchmarkDecode on pairs.
func BenchmarkDecodePairs(b *testing.B) {
	const keys, d = 256, 128
	for _, x := range pairs {
		if !x.available || !x.TakesFew() {
			continue
		}
		k := piecesOf(Stored{Half: AsHalves(aligned(keys * d / 2)), DType: kernels.BFloat16, LD: d}, keys, d, Ahead{})
		for _, rows := range []int{4, 8} {
			s, o := aligned(rows*(keys+16)), aligned(rows*d)
			q := NewPairQueries(make([]uint32, PairQueriesLen(rows, d)), rows, d)
			st := &State{RowMax: make([]float32, rows), RowSum: make([]float32, rows)}
			name := fmt.Sprintf("isa=%s/rows=%d/", x.Name, rows)
			b.Run(name+"dots", func(b *testing.B) {
				for b.Loop() {
					x.Dots(s, keys+16, q, k)
				}
				report(b, 2*rows*d*keys)
			})
			b.Run(name+"weigh", func(b *testing.B) {
				for b.Loop() {
					clear(s)
					x.Weigh(o, d, s, keys+16, rows, keys, d, 1, st)
				}
			})
			b.Run(name+"add", func(b *testing.B) {
				for b.Loop() {
					x.AddWeighted(o, d, AsHalves(s), 2*(keys+16), k, rows)
				}
				report(b, 2*rows*d*keys)
			})
		}
	}
}
