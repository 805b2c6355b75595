package simd

import (
	"fmt"
	"testing"

	"github.com/attnbench/attnbench/kernels"
)

func eachBench(b *testing.B, bench func(b *testing.B, f *Funcs)) {
	for _, f := range variants {
		if f.available {
			b.Run("isa="+f.Name, func(b *testing.B) { bench(b, f) })
		}
	}
}

// report gives a benchmark's rate of useful work.
func report(b *testing.B, flops int) {
	b.ReportMetric(float64(flops)*float64(b.N)/b.Elapsed().Seconds(), "FLOP/s")
}

func BenchmarkFMA(b *testing.B) {
	eachBench(b, func(b *testing.B, f *Funcs) {
		flops := 0
		for b.Loop() {
			flops = int(f.FMA(1000))
		}
		report(b, flops)
	})
}

func BenchmarkRead(b *testing.B) {
	x := make([]float32, 1<<26)
	for i := range x {
		x[i] = 1
	}
	eachBench(b, func(b *testing.B, f *Funcs) {
		for b.Loop() {
			b.SetBytes(f.Read(x))
		}
	})
}

// The chunk of keys that flash works on.
const chunk = 512

func BenchmarkScores(b *testing.B) {
	eachBench(b, func(b *testing.B, f *Funcs) {
		for _, d := range []int{64, 128} {
			b.Run(fmt.Sprintf("dim=%d", d), func(b *testing.B) {
				q, k := aligned(f.Rows*d), aligned(f.PackedLen(d, chunk))
				s, m := aligned(f.Rows*tileLD), make([]float32, f.Rows)
				for b.Loop() {
					f.MulMax(s, tileLD, q, d, f.Packed(k, d), f.Rows, d, chunk, m, nil)
				}
				report(b, 2*f.Rows*d*chunk)
			})
		}
	})
}

func BenchmarkAttend(b *testing.B) {
	eachBench(b, func(b *testing.B, f *Funcs) {
		for _, d := range []int{64, 128} {
			b.Run(fmt.Sprintf("dim=%d", d), func(b *testing.B) {
				s, v := aligned(f.Rows*tileLD), aligned(f.PackedLen(chunk, d))
				o, st := aligned(f.Rows*d), &State{RowMax: make([]float32, f.Rows), RowSum: make([]float32, f.Rows)}
				for b.Loop() {
					f.Attend(o, d, s, tileLD, f.Packed(v, chunk), f.Rows, chunk, d, st)
				}
				report(b, 2*f.Rows*d*chunk)
			})
		}
	})
}

func BenchmarkExpSum(b *testing.B) {
	eachBench(b, func(b *testing.B, f *Funcs) {
		s, shift, sum := aligned(f.Rows*chunk), make([]float32, f.Rows), make([]float32, f.Rows)
		b.SetBytes(int64(4 * len(s)))
		for b.Loop() {
			f.ExpSum(s, chunk, f.Rows, chunk, shift, sum)
		}
	})
}

func BenchmarkPack(b *testing.B) {
	const d = 64
	eachBench(b, func(b *testing.B, f *Funcs) {
		src, dst := aligned(chunk*d), aligned(max(f.PackedLen(chunk, d), f.PackedLen(d, chunk)))
		b.Run("transposed=false", func(b *testing.B) {
			b.SetBytes(4 * chunk * d)
			for b.Loop() {
				f.Pack(dst, src, d, chunk, d)
			}
		})
		b.Run("transposed=true", func(b *testing.B) {
			b.SetBytes(4 * chunk * d)
			for b.Loop() {
				f.PackTransposed(dst, src, d, chunk, d, 1)
			}
		})
	})
}

// BenchmarkLinear is a layer of [512, 768] × [768, 3072].
func BenchmarkLinear(b *testing.B) {
	const rows, in, out = 512, 768, 3072
	x, w, y := aligned(rows*in), aligned(in*out), aligned(rows*out)
	eachBench(b, func(b *testing.B, f *Funcs) {
		for b.Loop() {
			for j := 0; j < out; j += f.Cols {
				panel := f.Packed(w[j*in:], in)
				for i := 0; i < rows; i += f.Rows {
					f.Mul(y[i*out+j:], out, x[i*in:], in, panel, min(f.Rows, rows-i), in, f.Cols)
				}
			}
		}
		report(b, 2*rows*in*out)
	})
}

// What decode does with keys and values that are in the second-level cache.
func BenchmarkDecode(b *testing.B) {
	const keys, d = 256, 128
	eachBench(b, func(b *testing.B, f *Funcs) {
		for _, dtype := range []kernels.DType{kernels.Float32, kernels.Float16, kernels.BFloat16, kernels.Int8} {
			x := Stored{Float32: aligned(keys * d), Half: make([]uint16, keys*d), Int8: make([]int8, keys*d), DType: dtype, LD: d}
			k := piecesOf(x, keys, d, Ahead{})
			for _, rows := range []int{1, 2, 4, 8} {
				s, o := aligned(rows*(keys+16)), aligned(rows*d)
				q := f.NewQueries(aligned(f.QueriesLen(rows, d)), rows, d)
				st := &State{RowMax: make([]float32, rows), RowSum: make([]float32, rows)}
				name := fmt.Sprintf("type=%v/rows=%d/", dtype, rows)
				b.Run(name+"dots", func(b *testing.B) {
					for b.Loop() {
						f.Dots(s, keys+16, q, k)
					}
					report(b, 2*rows*d*keys)
				})
				b.Run(name+"weigh", func(b *testing.B) {
					for b.Loop() {
						f.Weigh(o, d, s, keys+16, rows, keys, d, st)
					}
				})
				b.Run(name+"add", func(b *testing.B) {
					for b.Loop() {
						f.AddWeighted(o, d, s, keys+16, k, rows)
					}
					report(b, 2*rows*d*keys)
				})
			}
		}
	})
}
