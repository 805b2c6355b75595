package simd

import (
	"fmt"
	"testing"

	"github.com/attnbench/attnbench/kernels"
)

// checkPacked holds panels against at, the matrix that they should be.
func checkPacked(t *testing.T, f *Funcs, what string, got matrix, depth, cols int, at func(k, j int) float32) {
	t.Helper()
	got.checkGuards(t, what)
	for i, x := range got.x {
		j, k := i/(depth*f.Cols)*f.Cols+i%f.Cols, i/f.Cols%depth
		var want float32
		if j < cols {
			want = at(k, j)
		}
		if !same(x, want) {
			t.Fatalf("%s: row %d, column %d is %g, want %g", what, k, j, x, want)
		}
	}
}

func testPack(t *testing.T, f *Funcs, depth, cols int, next func() float32) {
	t.Helper()
	what := fmt.Sprintf("isa=%s/depth=%d/cols=%d", f.Name, depth, cols)
	n := f.PackedLen(depth, cols)

	src, dst := newMatrix(depth, cols, 3, 1).fill(next), newMatrix(1, n, 0, 1)
	f.Pack(dst.x, src.x, src.ld, depth, cols)
	checkPacked(t, f, what, dst, depth, cols, func(k, j int) float32 { return src.row(k)[j] })

	src, dst = newMatrix(cols, depth, 2, 3).fill(next), newMatrix(1, n, 0, 1)
	f.PackTransposed(dst.x, src.x, src.ld, cols, depth, 0.75)
	checkPacked(t, f, "transposed/"+what, dst, depth, cols, func(k, j int) float32 { return 0.75 * src.row(j)[k] })
}

func TestPack(t *testing.T) {
	eachVariant(t, func(t *testing.T, f *Funcs) {
		for _, depth := range lengths(f) {
			for _, cols := range lengths(f) {
				testPack(t, f, depth, cols, normal(uint64(depth)))
			}
		}
	})
}

func TestPackPanics(t *testing.T) {
	eachVariant(t, func(t *testing.T, f *Funcs) {
		x := make([]float32, 2*f.Cols)
		mustPanic(t, func() { f.Pack(x[:f.Cols], x, f.Cols, 2, 1) })
		mustPanic(t, func() { f.Pack(x, x[:f.Cols], f.Cols, 2, 1) })
		mustPanic(t, func() { f.PackTransposed(x, x[:1], 2, 1, 2, 1) })
		mustPanic(t, func() { f.PackTransposed(x, x, 2, 1, -2, 1) })
	})
}

func FuzzPack(f *testing.F) {
	f.Add(uint64(1), byte(64), byte(128))
	f.Add(uint64(2), byte(15), byte(17))
	f.Fuzz(func(t *testing.T, seed uint64, depth, cols byte) {
		for _, v := range variants {
			if v.available {
				testPack(t, v, int(depth), int(cols), wild(seed, 0.001))
			}
		}
	})
}

// Rows of any type and shape can be asked for, up to the last float of what
// holds them, and beyond it not.
func TestFetch(t *testing.T) {
	eachVariant(t, func(t *testing.T, f *Funcs) {
		for _, cols := range []int{0, 1, 15, 64, 200} {
			for _, rows := range []int{0, 1, 7} {
				n := max(0, rows-1)*(cols+3) + cols
				for _, x := range []Stored{
					{Float32: make([]float32, n), LD: cols + 3},
					{Half: make([]uint16, n), DType: kernels.BFloat16, LD: cols + 3},
				} {
					f.Fetch(x, rows, cols)
					mustPanic(t, func() { f.Fetch(x, rows+1, cols+1) })
				}
			}
		}
		mustPanic(t, func() { f.Fetch(Stored{}, -1, 1) })
	})
}
