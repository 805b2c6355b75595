package simd

import (
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"
	"unsafe"

	"github.com/attnbench/attnbench/kernels"
)

// requireISA lists variants, comma-separated, whose absence is a failure.
const requireISA = "ATTNBENCH_REQUIRE_ISA"

// eachVariant runs a test for every variant of this build.
func eachVariant(t *testing.T, test func(t *testing.T, f *Funcs)) {
	t.Helper()
	for _, f := range variants {
		t.Run("isa="+f.Name, func(t *testing.T) {
			if !f.available {
				t.Skip("this machine has no " + f.Name)
			}
			test(t, f)
		})
	}
}

func TestRequiredISA(t *testing.T) {
	names := os.Getenv(requireISA)
	if names == "" {
		t.Skip(requireISA + " is not set")
	}
	for name := range strings.SplitSeq(names, ",") {
		ok := slices.ContainsFunc(kernels.ISAs(), func(isa kernels.ISA) bool { return isa.Name == name && isa.Available })
		if !ok {
			t.Errorf("variant %q is required but cannot run here", name)
		}
	}
}

func TestFor(t *testing.T) {
	eachVariant(t, func(t *testing.T, f *Funcs) {
		if got := For(f.Name); got != f {
			t.Errorf("For(%q) = %q", f.Name, got.Name)
		}
		if f.Rows > MaxRows {
			t.Errorf("Rows = %d, more than MaxRows", f.Rows)
		}
		if f.Cols%f.Width != 0 {
			t.Errorf("Cols = %d, not a multiple of Width = %d", f.Cols, f.Width)
		}
	})
	mustPanic(t, func() { For("mmx") })
}

func mustPanic(t *testing.T, f func()) {
	t.Helper()
	defer func() {
		if recover() == nil {
			t.Error("no panic")
		}
	}()
	f()
}

// guard is the bit pattern, a NaN, that stands wherever nothing may be written.
const guard = 0x7fabcdef

// A matrix is rows of floats inside a larger slice of guards.
type matrix struct {
	all, x                []float32
	start, ld, rows, cols int
}

// newMatrix is rows × cols, offset floats from alignment, with gaps of pad.
func newMatrix(rows, cols, pad, offset int) matrix {
	const margin = 32
	ld := cols + pad
	all := make([]float32, 2*margin+offset+rows*ld)
	for i := range all {
		all[i] = math.Float32frombits(guard)
	}
	m := matrix{all: all, start: margin + offset, ld: ld, rows: rows, cols: cols}
	end := m.start
	if rows > 0 && cols > 0 {
		end += (rows-1)*ld + cols
	}
	m.x = all[m.start:end:end]
	return m
}

func (m matrix) row(i int) []float32 {
	if m.cols == 0 {
		return nil
	}
	return m.x[i*m.ld:][:m.cols]
}

// fill sets every element.
func (m matrix) fill(next func() float32) matrix {
	for i := range m.rows {
		for j := range m.row(i) {
			m.row(i)[j] = next()
		}
	}
	return m
}

func (m matrix) clone() matrix {
	c := m
	c.all = slices.Clone(m.all)
	c.x = c.all[m.start:][:len(m.x)]
	return c
}

// checkGuards fails if anything outside the rows was written.
func (m matrix) checkGuards(t *testing.T, what string) {
	t.Helper()
	c := m.clone()
	c.fill(func() float32 { return math.Float32frombits(guard) })
	for i, x := range c.all {
		if math.Float32bits(x) != guard {
			t.Fatalf("%s: float %d outside the operand was written", what, i)
		}
	}
}

// normal returns a source of seeded normal floats.
func normal(seed uint64) func() float32 {
	r := rand.New(rand.NewPCG(seed, 3))
	return func() float32 { return float32(r.NormFloat64()) }
}

// wild is normal with ±Inf, NaN, zeros and denormals thrown in.
func wild(seed uint64, one float64) func() float32 {
	r := rand.New(rand.NewPCG(seed, 5))
	special := []float32{
		float32(math.Inf(1)), negInf, float32(math.NaN()), 0, float32(math.Copysign(0, -1)),
		math.SmallestNonzeroFloat32, -0x1p-130, 0x1p-126,
	}
	return func() float32 {
		if r.Float64() < one {
			return special[r.IntN(len(special))]
		}
		return float32(r.NormFloat64())
	}
}

// near tells whether got is want, up to tol; NaN and Inf must match.
func near(got, want float32, tol float64) bool {
	g, w := float64(got), float64(want)
	switch {
	case math.IsNaN(w) || math.IsNaN(g):
		return math.IsNaN(w) && math.IsNaN(g)
	case math.IsInf(w, 0) || math.IsInf(g, 0):
		return g == w
	}
	return math.Abs(g-w) <= tol
}

// same tells whether two floats are equal bit for bit, or both NaN.
func same(a, b float32) bool {
	return math.Float32bits(a) == math.Float32bits(b) || a != a && b != b
}

// lengths are 0 to a few, and around multiples of a vector and a panel.
func lengths(f *Funcs) []int {
	n := []int{0, 1, 2, 3, 5, 7}
	for _, k := range []int{f.Width, 2 * f.Width, f.Cols, f.Cols + f.Width, 2 * f.Cols} {
		n = append(n, k-1, k, k+1)
	}
	slices.Sort(n)
	return slices.Compact(n)
}

// aligned is a slice of zeros that starts on a cache line.
func aligned(n int) []float32 {
	x := make([]float32, n+16)
	for i := range 16 {
		if uintptr(unsafe.Pointer(&x[i]))%64 == 0 {
			return x[i:][:n:n]
		}
	}
	panic("a float is not aligned to itself")
}
