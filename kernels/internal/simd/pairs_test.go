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
			for k := range Depth(depth) {
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
		for rows := 0; rows <= x.Rows; rows++ {
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
		for rows := 1; rows <= x.Rows; rows++ {
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

// A pairStep is a step whose values are bfloat16 and whose scores are yet to be
// scaled.
type pairStep struct {
	step
	scale  float32
	values []halfMatrix
}

func newPairStep(rows, cols int, chunks []int, next func() float32) pairStep {
	x := pairStep{step: newStep(rows, cols, chunks, next), scale: 0.37}
	for i, keys := range chunks {
		v := newHalfMatrix(keys, cols, 2, next)
		x.values, x.v[i] = append(x.values, v), v.matrix
	}
	return x
}

func (x pairStep) attend(t *testing.T, p *Pairs, what string) (o matrix, st State) {
	t.Helper()
	o = newMatrix(x.rows, x.cols, 3, 2)
	rowMax, rowSum := newMatrix(1, x.rows, 0, 1), newMatrix(1, x.rows, 0, 2)
	st = State{
		RowMax: rowMax.fill(func() float32 { return negInf }).x,
		RowSum: rowSum.fill(func() float32 { return 0 }).x,
	}
	for i := range x.s {
		s, v := x.s[i].clone(), x.values[i]
		data := make([]uint32, p.PackedLen(s.cols, x.cols))
		p.Pack(data, v.bits, v.ld, s.cols, x.cols)
		p.Funcs.RowMax(s.x, s.ld, x.rows, s.cols, st.Max[:])
		p.Attend(o.x, o.ld, s.x, s.ld, p.Packed(data, s.cols), x.rows, s.cols, x.cols, x.scale, &st)
		s.checkGuards(t, what)
	}
	for _, m := range []matrix{o, rowMax, rowSum} {
		m.checkGuards(t, what)
	}
	return o, st
}

// check holds Attend against float64: each weight errs by half a unit in the
// last place of bfloat16, and lse by no more than in float32.
func (x pairStep) check(t *testing.T, p *Pairs, what string) {
	t.Helper()
	o, st := x.attend(t, p, what)
	scaled := x.step
	scaled.s = nil
	for _, s := range x.s {
		s = s.clone()
		for i := range s.rows {
			for j := range s.row(i) {
				s.row(i)[j] *= x.scale
			}
		}
		scaled.s = append(scaled.s, s)
	}
	for i := range x.rows {
		want, size, lse := scaled.plain(i)
		if got := float64(st.RowMax[i]) + math.Log2(float64(st.RowSum[i])); !near(float32(got), float32(lse), 1e-5) {
			t.Fatalf("%s: lse of row %d is %g, want %g", what, i, got, lse)
		}
		for c, w := range want {
			got := float64(o.row(i)[c])
			if st.RowSum[i] != 0 {
				got /= float64(st.RowSum[i])
			}
			if tol := 0x1p-8 * size[c]; !near(float32(got), float32(w), tol+0x1p-126) {
				t.Fatalf("%s: element %d,%d is %g, want %g ± %g", what, i, c, got, w, tol)
			}
		}
	}
}

func pairChunks(p *Pairs) [][]int {
	return append(attendChunks(p.Funcs), []int{31}, []int{33, 2}, []int{95, 64, 3}, []int{128, 127})
}

func TestAttendPairs(t *testing.T) {
	eachPairs(t, func(t *testing.T, p *Pairs) {
		for rows := 1; rows <= p.Rows; rows++ {
			for _, cols := range []int{1, p.Cols - 1, p.Cols, p.Cols + 5, 2 * p.Cols} {
				for _, chunks := range pairChunks(p) {
					what := fmt.Sprintf("rows=%d/cols=%d/chunks=%v", rows, cols, chunks)
					newPairStep(rows, cols, chunks, normal(uint64(cols))).check(t, p, what)
				}
			}
		}
	})
}

// Weights are rounded to nearest: with values of 1 and sums of what was not
// rounded, a bias would show as a mean far from 1.
func TestAttendPairsUnbiased(t *testing.T) {
	eachPairs(t, func(t *testing.T, p *Pairs) {
		x := newPairStep(p.Rows, p.Cols, []int{512, 511}, normal(4))
		for i, v := range x.values {
			x.values[i] = newHalfMatrix(v.rows, v.cols, 2, func() float32 { return 1 })
		}
		o, st := x.attend(t, p, "ones")
		for i := range p.Rows {
			if got := o.row(i)[0] / st.RowSum[i]; math.Abs(float64(got-1)) > 4*0x1p-9/math.Sqrt(300) {
				t.Errorf("row %d: the weights sum up to %g, not 1", i, got)
			}
		}
	})
}

func TestAttendPairsMasked(t *testing.T) {
	eachPairs(t, func(t *testing.T, p *Pairs) {
		x := newPairStep(p.Rows, p.Cols+3, []int{20, 35, 7}, normal(3))
		for i := range p.Rows {
			for chunk, s := range x.s {
				for j := range s.row(i) {
					if i == 0 || i == 1 && chunk == 0 || i == 2 && chunk == 1 || (i+j)%3 == 0 {
						s.row(i)[j] = negInf
					}
				}
			}
		}
		x.check(t, p, "masked")
		o, st := x.attend(t, p, "masked")
		for c, y := range o.row(0) {
			if y != 0 {
				t.Errorf("row without keys: column %d is %g", c, y)
			}
		}
		if st.RowSum[0] != 0 || st.RowMax[0] != negInf {
			t.Errorf("row without keys: sum %g, maximum %g", st.RowSum[0], st.RowMax[0])
		}
	})
}

func TestAttendPairsNotFinite(t *testing.T) {
	for _, bad := range []float64{math.NaN(), math.Inf(1)} {
		eachPairs(t, func(t *testing.T, p *Pairs) {
			for chunk := range 3 {
				x := newPairStep(p.Rows, p.Cols, []int{20, 35, 18}, normal(5))
				x.s[chunk].row(1)[17] = float32(bad)
				o, st := x.attend(t, p, "not finite")
				for i := range p.Rows {
					for c, y := range o.row(i) {
						if isNaN := y/st.RowSum[i] != y/st.RowSum[i]; isNaN != (i == 1) {
							t.Fatalf("%g in chunk %d: element %d,%d is %g", bad, chunk, i, c, y/st.RowSum[i])
						}
					}
				}
			}
		})
	}
}

// Rows attend alike in a block of their own and in company, and columns alike
// in a panel and beyond it.
func TestAttendPairsShapeInvariant(t *testing.T) {
	eachPairs(t, func(t *testing.T, p *Pairs) {
		for _, chunks := range pairChunks(p) {
			x := newPairStep(p.Rows, 2*p.Cols, chunks, normal(6))
			whole, sums := x.attend(t, p, "whole")
			for i := range p.Rows {
				row := pairStep{step: step{rows: 1, cols: x.cols, v: x.v}, scale: x.scale, values: x.values}
				for _, s := range x.s {
					one := newMatrix(1, s.cols, 0, 0)
					copy(one.x, s.row(i))
					row.s = append(row.s, one)
				}
				o, st := row.attend(t, p, "row")
				if !same(st.RowSum[0], sums.RowSum[i]) || !same(st.RowMax[0], sums.RowMax[i]) {
					t.Fatalf("chunks=%v: sum of row %d depends on the block", chunks, i)
				}
				for c, y := range o.row(0) {
					if !same(y, whole.row(i)[c]) {
						t.Fatalf("chunks=%v: element %d,%d depends on the block", chunks, i, c)
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
		if x.Rows > MaxRows || x.Cols%x.Funcs.Width != 0 || x.Rows != x.Funcs.Rows || x.Cols != x.Funcs.Cols {
			t.Errorf("%s: blocks of %d rows by %d columns", x.Name, x.Rows, x.Cols)
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
