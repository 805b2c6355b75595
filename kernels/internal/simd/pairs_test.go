package simd

import (
	"fmt"
	"math"
	"testing"

	"github.com/attnbench/attnbench/kernels"
)

// eachPairs runs a test for every variant of the products of pairs.
func eachPairs(t *testing.T, test func(t *testing.T, x *Pairs)) {
	t.Helper()
	for _, x := range pairs {
		t.Run("isa="+x.Name, func(t *testing.T) {
			if !x.available {
				t.Skip("this machine has no " + x.Name)
			}
			test(t, x)
		})
	}
}

// A halfMatrix is a matrix of bfloat16, and its values.
type halfMatrix struct {
	matrix
	bits []uint16 // as matrix.x, guards included, and one more
}

// guardHalf, a NaN, stands wherever nothing may count.
const guardHalf = 0x7fab

func newHalfMatrix(rows, cols, pad int, next func() float32) halfMatrix {
	m := halfMatrix{matrix: newMatrix(rows, cols, pad, 0)}
	m.bits = make([]uint16, rows*m.ld+1)[1:] // not aligned to a pair
	for i := range m.bits {
		m.bits[i] = guardHalf
	}
	for i := range rows {
		for j := range cols {
			h := kernels.BFloat16.Narrow(next())
			m.bits[i*m.ld+j], m.row(i)[j] = h, kernels.BFloat16.Widen(h)
		}
	}
	return m
}

// flushed is next without what VDPBF16PS takes for zero.
func flushed(next func() float32) func() float32 {
	return func() float32 {
		if x := next(); x != x || math.Abs(float64(x)) >= 0x1p-126 {
			return x
		}
		return 0
	}
}

// pairRows are the heights of blocks up to x.Rows, of a tall one some.
func pairRows(x *Pairs) []int {
	if x.Rows > blockRows {
		return []int{1, 2, 15, 16, 17, 31, 32}
	}
	return []int{1, 2, 3, 4, 5, 6}[:x.Rows]
}

func pairDepths() []int { return []int{1, 2, 3, 31, 32, 33, 63, 64, 65, 128} }

// testPackPairs holds both packings against their definition.
func testPackPairs(t *testing.T, x *Pairs, depth, cols int, next func() float32) {
	t.Helper()
	src := newHalfMatrix(depth, cols, 3, next)
	const poison = 0xdeadbeef
	dst := make([]uint32, x.PackedLen(depth, cols)+1)
	element := func(i, j int) uint16 {
		if i < depth && j < cols {
			return src.bits[i*src.ld+j]
		}
		return 0
	}
	check := func(what string) {
		t.Helper()
		b := x.Packed(dst, depth)
		for j := range (cols + x.Cols - 1) / x.Cols * x.Cols {
			for k := range x.Depth(depth) {
				got := b.Data[j/x.Cols*b.Panel+k*x.Cols+j%x.Cols]
				if want := pairOf(element(2*k, j), element(2*k+1, j)); got != want {
					t.Fatalf("%s depth=%d/cols=%d: pair %d,%d is %#08x, want %#08x", what, depth, cols, k, j, got, want)
				}
			}
		}
		if dst[len(dst)-1] != poison {
			t.Fatalf("%s depth=%d/cols=%d: writes too far", what, depth, cols)
		}
	}
	for i := range dst {
		dst[i] = poison
	}
	tiny := x.Pack(dst, src.bits, src.ld, depth, cols)
	check("Pack")
	want := false
	for i := range depth {
		for _, y := range src.row(i) {
			want = want || y != 0 && math.Abs(float64(y)) < 0x1p-96
		}
	}
	if tiny != want {
		t.Fatalf("Pack depth=%d/cols=%d: tiny is %v, want %v", depth, cols, tiny, want)
	}
	transposed := make([]uint16, cols*(depth+2)+1)[1:]
	for j := range cols {
		for k := range depth + 2 {
			transposed[j*(depth+2)+k] = guardHalf
			if k < depth {
				transposed[j*(depth+2)+k] = element(k, j)
			}
		}
	}
	for i := range dst {
		dst[i] = poison
	}
	x.PackTransposed(dst, transposed, depth+2, cols, depth)
	check("PackTransposed")
}

func TestPackPairs(t *testing.T) {
	eachPairs(t, func(t *testing.T, x *Pairs) {
		for _, depth := range append(pairDepths(), 0) {
			for _, cols := range lengths(x.Funcs) {
				testPackPairs(t, x, depth, cols, normal(uint64(depth)))
			}
		}
	})
}

// One special number anywhere decides what Pack tells.
func TestPackPairsTiny(t *testing.T) {
	eachPairs(t, func(t *testing.T, x *Pairs) {
		for at := range 3 * (x.Cols + 1) {
			for _, special := range []float32{float32(math.NaN()), negInf, 0, -0x1p-133, 0x1.fep-97, -0x1p-96, 0x1.fep127} {
				n, next := -1, normal(1)
				testPackPairs(t, x, 3, x.Cols+1, func() float32 {
					if n++; n == at {
						return special
					}
					return next()
				})
			}
		}
	})
}

// A pairProduct is one call with its operands.
type pairProduct struct {
	x      *Pairs
	c      matrix
	a, b   halfMatrix
	panels PairPanels
}

func newPairProduct(x *Pairs, rows, depth, cols int, next func() float32) pairProduct {
	p := pairProduct{
		x: x,
		c: newMatrix(rows, cols, 3, 1).fill(next),
		a: newHalfMatrix(rows, depth, 5, next),
		b: newHalfMatrix(depth, cols, 1, next),
	}
	for i := range rows {
		if depth%2 != 0 {
			p.a.bits[i*p.a.ld+depth] = 0x3f80 // finite, as MulMax wants it
		}
	}
	data := make([]uint32, x.PackedLen(depth, cols))
	x.Pack(data, p.b.bits, p.b.ld, depth, cols)
	p.panels = x.Packed(data, depth)
	return p
}

func (p pairProduct) mul(beta []float32) matrix {
	c := p.c.clone()
	if c.rows > 0 && c.cols > 0 {
		p.x.mul(c.x, c.ld, p.a.bits, p.a.ld, p.panels, c.rows, p.a.cols, c.cols, beta)
	}
	return c
}

// check holds C = A·B, C += A·B and the maxima against float64.
func (p pairProduct) check(t *testing.T, what string) {
	t.Helper()
	f := product{f: p.x.Funcs, c: p.c, a: p.a.matrix, b: p.b.matrix, lost: 0x1p-126}
	c := p.mul(nil)
	f.check(t, "mul/"+what, c, 0)
	f.check(t, "mul with beta/"+what, p.mul(ones[:]), 1)
	s, rowMax := p.c.clone(), newMatrix(1, p.c.rows, 0, 0)
	p.x.MulMax(s.x, s.ld, p.a.bits, p.a.ld, p.panels, s.rows, p.a.cols, s.cols, rowMax.x, nil)
	s.checkGuards(t, "MulMax/"+what)
	rowMax.checkGuards(t, "MulMax/"+what)
	for i := range s.rows {
		m := negInf
		for j, y := range s.row(i) {
			if !same(y, c.row(i)[j]) {
				t.Fatalf("MulMax/%s: element %d,%d differs from mul's", what, i, j)
			}
			if y > m {
				m = y
			}
		}
		if !same(rowMax.x[i], m) {
			t.Fatalf("MulMax/%s: maximum of row %d is %g, want %g", what, i, rowMax.x[i], m)
		}
	}
}

func TestMulPairs(t *testing.T) {
	eachPairs(t, func(t *testing.T, x *Pairs) {
		for _, rows := range append(pairRows(x), 0) {
			for _, depth := range pairDepths() {
				for _, cols := range lengths(x.Funcs) {
					what := fmt.Sprintf("rows=%d/depth=%d/cols=%d", rows, depth, cols)
					newPairProduct(x, rows, depth, cols, normal(uint64(depth))).check(t, what)
				}
			}
		}
	})
}

// What is not finite spreads along its row and its column, as in the twin.
func TestMulPairsWild(t *testing.T) {
	eachPairs(t, func(t *testing.T, x *Pairs) {
		for seed := range uint64(20) {
			p := newPairProduct(x, x.Rows, 40, x.Cols+9, flushed(wild(seed, 0.01)))
			p.check(t, "wild")
		}
	})
}

// What is not seen is -Inf, and no maximum.
func TestMulMaxPairsSeen(t *testing.T) {
	eachPairs(t, func(t *testing.T, x *Pairs) {
		const depth = 20
		cols := 2*x.Cols + 7
		for from := range int32(cols) {
			p := newPairProduct(x, x.Rows, depth, cols, normal(uint64(from)))
			var seen Seen
			for i := range x.Rows {
				seen.Lo[i], seen.Hi[i] = from-int32(i), min(from+int32(9*i), int32(cols))
			}
			c, rowMax := p.c.clone(), newMatrix(1, x.Rows, 0, 0)
			x.MulMax(c.x, c.ld, p.a.bits, p.a.ld, p.panels, x.Rows, depth, cols, rowMax.x, &seen)
			c.checkGuards(t, "seen")
			for i := range x.Rows {
				m := negInf
				for j, want := range p.mul(nil).row(i) {
					if int32(j) < seen.Lo[i] || int32(j) >= seen.Hi[i] {
						want = negInf
					}
					if got := c.row(i)[j]; !same(got, want) {
						t.Fatalf("from=%d: element %d,%d is %g, want %g", from, i, j, got, want)
					}
					m = max(m, want)
				}
				if rowMax.x[i] != m {
					t.Fatalf("from=%d: maximum of row %d is %g, want %g", from, i, rowMax.x[i], m)
				}
			}
		}
	})
}

// The products agree with the twin's to the last bit where those fuse as the
// instruction does: sums of few bits.
func TestMulPairsExact(t *testing.T) {
	eachPairs(t, func(t *testing.T, x *Pairs) {
		n := 0
		p := newPairProduct(x, x.Rows, 50, 2*x.Cols, func() float32 { n++; return float32(n*n%31 - 15) })
		for i, want := range plainOf(p) {
			if got := p.mul(nil).row(i / p.c.cols)[i%p.c.cols]; got != want {
				t.Fatalf("element %d is %g, want %g", i, got, want)
			}
		}
	})
}

func plainOf(p pairProduct) []float32 {
	want, _ := plainMul(p.c, p.a.matrix, p.b.matrix, 0)
	floats := make([]float32, len(want))
	for i, w := range want {
		floats[i] = float32(w)
	}
	return floats
}

func TestMulPairsShapeInvariant(t *testing.T) {
	eachPairs(t, func(t *testing.T, x *Pairs) {
		p := newPairProduct(x, x.Rows, 33, 2*x.Cols, normal(7))
		whole := p.mul(ones[:])
		for _, rows := range pairRows(x) {
			for cols := 1; cols <= 2*x.Cols; cols++ {
				part, from := p.c.clone(), x.Rows-rows
				x.mul(part.x[from*part.ld:], part.ld, p.a.bits[from*p.a.ld:], p.a.ld, p.panels, rows, 33, cols, ones[:])
				for i := from; i < x.Rows; i++ {
					for j := range cols {
						if !same(part.row(i)[j], whole.row(i)[j]) {
							t.Fatalf("rows=%d/cols=%d: element %d,%d depends on the block", rows, cols, i, j)
						}
					}
				}
			}
		}
	})
}

func TestPairsPanic(t *testing.T) {
	eachPairs(t, func(t *testing.T, x *Pairs) {
		data, h, s := make([]uint32, 2*x.Cols), make([]uint16, 4*x.Cols), make([]float32, 4*x.Cols)
		b, st := x.Packed(data, 4), State{RowMax: []float32{negInf}, RowSum: []float32{0}}
		mustPanic(t, func() { x.Pack(data, h, x.Cols, 5, 1) })
		mustPanic(t, func() { x.Pack(data, h[:x.Cols], x.Cols, 2, 1) })
		mustPanic(t, func() { x.PackTransposed(data, h[:1], 2, 1, 2) })
		mustPanic(t, func() { x.PackTransposed(data, h, 2, 1, -2) })
		mustPanic(t, func() { x.MulMax(s, x.Cols, h, 4, b, x.Rows+1, 4, x.Cols, make([]float32, 9), nil) })
		mustPanic(t, func() { x.MulMax(s, x.Cols, h[:3], 4, b, 1, 3, x.Cols, make([]float32, 9), nil) })
		mustPanic(t, func() { x.MulMax(s, x.Cols, h, 4, b, 1, 5, x.Cols, make([]float32, 9), nil) })
		mustPanic(t, func() { x.MulMax(s, x.Cols, h, 4, b, 1, 4, x.Cols, nil, nil) })
		mustPanic(t, func() { x.Attend(s, x.Cols, s, 4, b, 2, 4, x.Cols, 1, &st) })
		mustPanic(t, func() { x.Attend(s, x.Cols, s, 4, b, 1, 5, x.Cols, 1, &st) })
		mustPanic(t, func() { x.Attend(s[:1], x.Cols, s, 4, b, 1, 4, x.Cols, 1, &st) })
	})
}

func TestPairsFor(t *testing.T) {
	for _, x := range pairs {
		if x.Rows > MaxRows || x.Cols%x.Funcs.Width != 0 || x.Rows%x.Step != 0 || x.Cols%x.Step != 0 || x.Cols != x.Funcs.Cols {
			t.Errorf("%s: blocks of %d rows by %d columns in steps of %d", x.Name, x.Rows, x.Cols, x.Step)
		}
	}
	if PairsFor(kernels.Generic) != nil {
		t.Error("the portable twin is not for kernels to choose")
	}
	for _, x := range pairs[1:] {
		if x.available && (PairsFor(x.Name) != x || For(x.Name) != x.Funcs) {
			t.Errorf("%s: found others", x.Name)
		}
	}
}

func FuzzPairs(f *testing.F) {
	f.Add(uint64(1), byte(6), byte(64), byte(64))
	f.Add(uint64(2), byte(5), byte(1), byte(17))
	f.Add(uint64(3), byte(1), byte(201), byte(129))
	f.Add(uint64(4), byte(29), byte(77), byte(33))
	f.Fuzz(func(t *testing.T, seed uint64, rows, depth, cols byte) {
		for _, x := range pairs {
			if x.available && depth > 0 {
				newPairProduct(x, int(rows)%(x.Rows+1), int(depth), int(cols), flushed(wild(seed, 0.002))).check(t, x.Name)
				testPackPairs(t, x, int(depth), int(cols), wild(seed, 0.002))
				newPairStep(1+int(rows)%x.Rows, 1+int(cols), []int{int(depth)}, normal(seed)).check(t, x, x.Name)
			}
		}
	})
}
