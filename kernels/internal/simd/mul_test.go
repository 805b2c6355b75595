package simd

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
)

// plainMul is C = beta·C + A·B in float64, and the sum of the magnitudes that
// went into each element.
func plainMul(c, a, b matrix, beta float32) (want, size []float64) {
	for i := range c.rows {
		for j := range c.cols {
			s := 0.0
			if beta != 0 {
				s = float64(beta) * float64(c.row(i)[j])
			}
			m := math.Abs(s)
			for k := range a.cols {
				p := float64(a.row(i)[k]) * float64(b.row(k)[j])
				s += p
				m += math.Abs(p)
			}
			want, size = append(want, s), append(size, m)
		}
	}
	return want, size
}

// A product is one call with its operands.
type product struct {
	f       *Funcs
	c, a, b matrix
	panels  Panels
	lost    float64 // what each term may lose, its sum being flushed to zero
}

func newProduct(f *Funcs, rows, depth, cols int, packed bool, next func() float32) product {
	p := product{
		f: f,
		c: newMatrix(rows, cols, 3, 1).fill(next),
		a: newMatrix(rows, depth, 5, 2).fill(next),
		b: newMatrix(depth, cols, 1, 3).fill(next),
	}
	p.panels = f.InPlace(p.b.x, p.b.ld)
	if packed {
		data := make([]float32, f.PackedLen(depth, cols))
		f.Pack(data, p.b.x, p.b.ld, depth, cols)
		p.panels = f.Packed(data, depth)
	}
	return p
}

// check holds a result against the plain one. γ for depth+1 roundings.
func (p product) check(t *testing.T, what string, got matrix, beta float32) {
	t.Helper()
	got.checkGuards(t, what)
	want, size := plainMul(p.c, p.a, p.b, beta)
	for i := range want {
		g := got.row(i / p.c.cols)[i%p.c.cols]
		if tol := float64(p.a.cols+2)*0x1p-24*size[i] + 0x1p-149 + p.lost*float64(p.a.cols+1); !near(g, float32(want[i]), tol) {
			t.Fatalf("%s: element %d is %g, want %g", what, i, g, want[i])
		}
	}
}

func TestMul(t *testing.T) {
	eachVariant(t, func(t *testing.T, f *Funcs) {
		for rows := 0; rows <= f.Rows; rows++ {
			for _, depth := range []int{0, 1, 2, 17, 64} {
				for _, cols := range lengths(f) {
					for _, packed := range []bool{false, true} {
						p := newProduct(f, rows, depth, cols, packed, normal(uint64(depth)))
						what := fmt.Sprintf("rows=%d/depth=%d/cols=%d/packed=%v", rows, depth, cols, packed)
						p.run(t, what)
					}
				}
			}
		}
	})
}

// run calls all three products.
func (p product) run(t *testing.T, what string) {
	t.Helper()
	f, rows, depth, cols := p.f, p.c.rows, p.a.cols, p.c.cols
	c := p.c.clone()
	f.Mul(c.x, c.ld, p.a.x, p.a.ld, p.panels, rows, depth, cols)
	p.check(t, "Mul/"+what, c, 0)

	sum := p.c.clone()
	f.MulAdd(sum.x, sum.ld, p.a.x, p.a.ld, p.panels, rows, depth, cols)
	p.check(t, "MulAdd/"+what, sum, 1)

	p.checkMax(t, what, c, nil)
	for seed := range uint64(3) {
		p.checkMax(t, what, c, someSeen(seed, rows, cols))
	}
}

// someSeen is intervals of columns, among them none, all, and such that reach
// out of the matrix.
func someSeen(seed uint64, rows, cols int) *Seen {
	r := rand.New(rand.NewPCG(seed, 8))
	s := &Seen{}
	for i := range rows {
		s.Lo[i], s.Hi[i] = 0, int32(cols)
		if seed == 0 || r.IntN(3) > 0 {
			s.Lo[i] = int32(r.IntN(cols+9)) - 4
			s.Hi[i] = s.Lo[i] + int32(r.IntN(cols+9)) - 2
		}
	}
	return s
}

// checkMax holds MulMax against c, the product, and its greatest elements.
func (p product) checkMax(t *testing.T, what string, c matrix, seen *Seen) {
	t.Helper()
	rows, depth, cols := p.c.rows, p.a.cols, p.c.cols
	s, rowMax := p.c.clone(), newMatrix(1, rows, 0, 0)
	p.f.MulMax(s.x, s.ld, p.a.x, p.a.ld, p.panels, rows, depth, cols, rowMax.x, seen)
	s.checkGuards(t, what)
	rowMax.checkGuards(t, what)
	for i := range rows {
		m := negInf
		for j := range cols {
			x := c.row(i)[j]
			if seen != nil && (int32(j) < seen.Lo[i] || int32(j) >= seen.Hi[i]) {
				x = negInf
			}
			if !same(s.row(i)[j], x) {
				t.Fatalf("MulMax/%s: element %d,%d is %g, want %g; seen %v", what, i, j, s.row(i)[j], x, seen)
			}
			if x > m {
				m = x
			}
		}
		if !same(rowMax.x[i], m) {
			t.Fatalf("MulMax/%s: maximum of row %d is %g, want %g", what, i, rowMax.x[i], m)
		}
	}
}

// An element may depend neither on the block's shape nor on its place there.
func TestMulShapeInvariant(t *testing.T) {
	eachVariant(t, func(t *testing.T, f *Funcs) {
		const depth = 33
		rows, cols := f.Rows, 2*f.Cols
		p := newProduct(f, rows, depth, cols, true, normal(7))
		whole := p.c.clone()
		f.MulAdd(whole.x, whole.ld, p.a.x, p.a.ld, p.panels, rows, depth, cols)
		for r := 1; r <= rows; r++ {
			for n := 1; n <= cols; n++ {
				part := p.c.clone()
				from := rows - r
				f.MulAdd(part.x[from*part.ld:], part.ld, p.a.x[from*p.a.ld:], p.a.ld, p.panels, r, depth, n)
				for i := from; i < rows; i++ {
					for j := range n {
						if !same(part.row(i)[j], whole.row(i)[j]) {
							t.Fatalf("rows=%d/cols=%d: element %d,%d depends on the block", r, n, i, j)
						}
					}
				}
			}
		}
	})
}

func TestMulDepthInSteps(t *testing.T) {
	eachVariant(t, func(t *testing.T, f *Funcs) {
		const depth, cut = 40, 23
		p := newProduct(f, f.Rows, depth, f.Cols, false, normal(9))
		whole, parts := p.c.clone(), p.c.clone()
		f.Mul(whole.x, whole.ld, p.a.x, p.a.ld, p.panels, f.Rows, depth, f.Cols)
		f.Mul(parts.x, parts.ld, p.a.x, p.a.ld, p.panels, f.Rows, cut, f.Cols)
		rest := f.InPlace(p.b.x[cut*p.b.ld:], p.b.ld)
		f.MulAdd(parts.x, parts.ld, p.a.x[cut:], p.a.ld, rest, f.Rows, depth-cut, f.Cols)
		for i := range whole.x {
			if !same(whole.x[i], parts.x[i]) {
				t.Fatalf("float %d differs between one product and two", i)
			}
		}
	})
}

// What is not finite spreads along its row and its column, and no further.
func TestMulNotFinite(t *testing.T) {
	eachVariant(t, func(t *testing.T, f *Funcs) {
		p := newProduct(f, f.Rows, 20, f.Cols+1, false, normal(11))
		p.a.row(1)[3] = float32(math.NaN())
		p.b.row(5)[2] = float32(math.Inf(1))
		p.run(t, "not finite")
		c := p.c.clone()
		f.Mul(c.x, c.ld, p.a.x, p.a.ld, p.panels, f.Rows, 20, f.Cols+1)
		for i := range c.rows {
			for j, x := range c.row(i) {
				finite := !math.IsNaN(float64(x)) && !math.IsInf(float64(x), 0)
				if finite != (i != 1 && j != 2) {
					t.Errorf("element %d,%d is %g", i, j, x)
				}
			}
		}
	})
}

func TestMulPanics(t *testing.T) {
	eachVariant(t, func(t *testing.T, f *Funcs) {
		x := make([]float32, 4*f.Cols)
		b := f.InPlace(x, f.Cols)
		mustPanic(t, func() { f.Mul(x, f.Cols, x, 4, b, f.Rows+1, 4, f.Cols) })
		mustPanic(t, func() { f.Mul(x, f.Cols, x, 4, b, 1, 5, f.Cols) })
		mustPanic(t, func() { f.Mul(x[:f.Cols-1], f.Cols, x, 4, b, 1, 4, f.Cols) })
		mustPanic(t, func() { f.Mul(x, f.Cols, x[:3], 4, b, 1, 4, f.Cols) })
		mustPanic(t, func() { f.Mul(x, f.Cols, x, 4, b, -1, 4, f.Cols) })
		mustPanic(t, func() { f.MulMax(x, f.Cols, x, 4, b, 1, 4, f.Cols, nil, nil) })
		far := math.MaxInt32
		mustPanic(t, func() { f.InPlace(x, far+1) })
		mustPanic(t, func() { f.Packed(x, far) })
	})
}

func FuzzMul(f *testing.F) {
	f.Add(uint64(1), byte(6), byte(64), byte(64), true)
	f.Add(uint64(2), byte(5), byte(0), byte(17), false)
	f.Add(uint64(3), byte(1), byte(200), byte(129), false)
	f.Fuzz(func(t *testing.T, seed uint64, rows, depth, cols byte, packed bool) {
		for _, v := range variants {
			if v.available {
				p := newProduct(v, int(rows)%(v.Rows+1), int(depth), int(cols), packed, wild(seed, 0.002))
				p.run(t, v.Name)
			}
		}
	})
}
