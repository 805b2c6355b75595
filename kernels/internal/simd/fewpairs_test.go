package simd

import (
	"fmt"
	"math"
	"testing"

	"github.com/attnbench/attnbench/kernels"
)

// eachFew runs a test for every variant that has products of few rows.
func eachFew(t *testing.T, test func(t *testing.T, x *Pairs)) {
	t.Helper()
	eachPairs(t, func(t *testing.T, x *Pairs) {
		if !x.TakesFew() {
			t.Skip("no products of few rows")
		}
		test(t, x)
	})
}

func (m halfMatrix) stored() Stored { return Stored{Half: m.bits, DType: kernels.BFloat16, LD: m.ld} }

// pairQueries lays out a matrix as [Pairs.Dots] takes it.
func pairQueries(m halfMatrix) PairQueries {
	room := make([]uint32, PairQueriesLen(m.rows, m.cols))
	for i := range room {
		room[i] = pairOf(guardHalf, guardHalf)
	}
	q := NewPairQueries(room, m.rows, m.cols)
	for i := range m.rows {
		q.Set(i, m.bits[i*m.ld:])
	}
	return q
}

// testDotsPairs holds S against float64, and every element against itself in
// other company.
func testDotsPairs(t *testing.T, x *Pairs, rows, keys, depth int, next func() float32) {
	t.Helper()
	what := fmt.Sprintf("isa=%s/rows=%d/keys=%d/depth=%d", x.Name, rows, keys, depth)
	q, k := newHalfMatrix(rows, depth, 2, next), newHalfMatrix(keys, depth, 1, next)
	s := newMatrix(rows, keys, 3, 2)
	x.Dots(s.x, s.ld, pairQueries(q), piecesOf(k.stored(), keys, depth, Ahead{Next: k.stored().place(), Beyond: 1}))
	s.checkGuards(t, what)
	cut := newMatrix(rows, keys, 3, 2)
	x.Dots(cut.x, cut.ld, pairQueries(q), cutPieces(k.stored(), keys, depth, 1))
	sameMatrix(t, what+"/cut", cut, s)
	for i := range rows {
		company := 1
		if rows-i/octetRows*octetRows > QuadRows {
			company += QuadRows
		}
		others, at := newHalfMatrix(company, depth, 0, func() float32 { return 0 }), i%company
		copy(others.bits[at*others.ld:], q.bits[i*q.ld:][:depth])
		alone := pairQueries(others)
		for j := range keys {
			want, size := 0.0, 0.0
			for c := range depth {
				p := float64(q.row(i)[c]) * float64(k.row(j)[c])
				want += p
				size += math.Abs(p)
			}
			tol := float64(depth+2)*0x1p-24*size + float64(depth+1)*0x1p-126
			if got := s.row(i)[j]; !near(got, float32(want), tol) {
				t.Fatalf("%s: element %d,%d is %g, want %g", what, i, j, got, want)
			}
			var again [QuadRows + 1]float32
			if x.Dots(again[:], 1, alone, piecesOf(from(k.stored(), j), 1, depth, Ahead{})); !same(again[at], s.row(i)[j]) {
				t.Fatalf("%s: element %d,%d depends on the block", what, i, j)
			}
		}
	}
}

func TestDotsPairs(t *testing.T) {
	eachFew(t, func(t *testing.T, x *Pairs) {
		for rows := range 18 {
			for _, keys := range []int{0, 1, 3, 4, 7, 8, 15, 16, 17, 33, 70} {
				for _, depth := range []int{0, 1, 2, 7, 8, 9, 15, 16, 17, 32, 33, 64, 80, 128} {
					testDotsPairs(t, x, rows, keys, depth, normal(uint64(keys)))
				}
			}
		}
	})
}

func TestDotsPairsWild(t *testing.T) {
	eachFew(t, func(t *testing.T, x *Pairs) {
		for seed := range uint64(30) {
			testDotsPairs(t, x, 5, 37, 21, flushed(wild(seed, 0.01)))
			testDotsPairs(t, x, 11, 37, 48, flushed(wild(seed, 0.01)))
		}
	})
}

// testAddWeightedPairs holds O against float64, and every element against itself
// in other company and with the keys in two calls.
func testAddWeightedPairs(t *testing.T, x *Pairs, rows, keys, cols int, next func() float32) {
	t.Helper()
	what := fmt.Sprintf("isa=%s/rows=%d/keys=%d/cols=%d", x.Name, rows, keys, cols)
	p, v := newHalfMatrix(rows, keys, 3, next), newHalfMatrix(keys, cols, 1, next)
	for i := range rows {
		p.bits[i*p.ld+keys] = 0 // of the last pair
	}
	o := newMatrix(rows, WeightedCols(cols), 2, 3).fill(next)
	start, cut, pages, before := inOrder(o, cols), o.clone(), o.clone(), o.clone()
	x.AddWeighted(o.x, o.ld, p.bits, p.ld, piecesOf(v.stored(), keys, cols, Ahead{Next: v.stored().place(), Beyond: 1}), rows)
	o.checkGuards(t, what)
	x.AddWeighted(pages.x, pages.ld, p.bits, p.ld, cutPieces(v.stored(), keys, cols, 2), rows)
	sameMatrix(t, what+"/cut", pages, o)
	for i := range rows {
		for c := cols; c < o.cols; c++ { // zeros are added
			at := WeightedCol(c)
			if x := o.row(i)[at]; x == x && x != before.row(i)[at] {
				t.Fatalf("%s: row %d: column %d is %g, was %g", what, i, c, x, before.row(i)[at])
			}
		}
	}
	got := inOrder(o, cols)
	product{c: start, a: p.matrix, b: v.matrix, lost: 0x1p-126}.check(t, what, got, 1)
	for row := 0; row < rows; row += QuadRows {
		for col := 0; col < cols; col += lapCols {
			for _, part := range [][2]int{{0, keys / 4 * 2}, {keys / 4 * 2, keys}} {
				first, n := part[0], part[1]-part[0]
				if n == 0 {
					continue
				}
				y := from(v.stored(), first)
				y.Half = y.Half[col:]
				x.AddWeighted(cut.x[row*o.ld+col:], o.ld, p.bits[row*p.ld+first:], p.ld, piecesOf(y, n, min(lapCols, cols-col), Ahead{}), QuadRows)
			}
		}
	}
	sameMatrix(t, what, got, inOrder(cut, cols))
}

// inOrder is the matrix that AddWeighted has in its own order.
func inOrder(o matrix, cols int) matrix {
	m := newMatrix(o.rows, cols, 2, 3)
	for i := range m.rows {
		for c := range m.row(i) {
			m.row(i)[c] = o.row(i)[WeightedCol(c)]
		}
	}
	return m
}

func TestAddWeightedPairs(t *testing.T) {
	eachFew(t, func(t *testing.T, x *Pairs) {
		for _, rows := range []int{0, 4, 8, 12, 16, 20} {
			for _, keys := range []int{0, 1, 2, 3, 4, 5, 7, 8, 9, 16, 33} {
				for _, cols := range []int{0, 1, 7, 8, 15, 16, 17, 31, 32, 33, 48, 64, 65, 80, 128, 200} {
					testAddWeightedPairs(t, x, rows, keys, cols, normal(uint64(keys)))
				}
			}
		}
	})
}

func TestAddWeightedPairsWild(t *testing.T) {
	eachFew(t, func(t *testing.T, x *Pairs) {
		for seed := range uint64(30) {
			testAddWeightedPairs(t, x, 4, 37, 21, flushed(wild(seed, 0.01)))
			testAddWeightedPairs(t, x, 12, 36, 75, flushed(wild(seed, 0.01)))
		}
	})
}

// weigh is attend in the steps for few rows, whole quads of them.
func (x pairStep) weigh(t *testing.T, p *Pairs, what string) (o matrix, st State) {
	t.Helper()
	o, st = newMatrix(x.rows, WeightedCols(x.cols), 3, 2), newState(x.rows)
	for i := range x.s {
		s, v := x.s[i].clone(), x.values[i]
		p.Weigh(o.x, o.ld, s.x, s.ld, x.rows, s.cols, o.cols, x.scale, &st)
		s.checkGuards(t, what)
		p.AddWeighted(o.x, o.ld, AsHalves(s.x), 2*s.ld, piecesOf(v.stored(), s.cols, x.cols, Ahead{}), x.rows)
	}
	o.checkGuards(t, what)
	return inOrder(o, x.cols), st
}

func TestWeighPairs(t *testing.T) {
	eachFew(t, func(t *testing.T, p *Pairs) {
		for _, rows := range []int{4, 8, MaxRows} {
			for _, chunks := range pairChunks(p) {
				what := fmt.Sprintf("rows=%d/chunks=%v", rows, chunks)
				x := newPairStep(rows, 70, chunks, normal(uint64(rows)))
				for j := range x.s[0].row(1) {
					x.s[0].row(1)[j] = negInf
				}
				o, st := x.weigh(t, p, what)
				x.hold(t, what, o, st)
			}
		}
	})
}

// A row that is not finite leaves the others of its quad as they are.
func TestWeighPairsNotFinite(t *testing.T) {
	for _, bad := range []float64{math.NaN(), math.Inf(1)} {
		eachFew(t, func(t *testing.T, p *Pairs) {
			x := newPairStep(QuadRows, 40, []int{20, 35, 18}, normal(5))
			want, _ := x.weigh(t, p, "finite")
			x.s[1].row(1)[17] = float32(bad)
			o, st := x.weigh(t, p, "not finite")
			for i := range x.rows {
				for c, y := range o.row(i) {
					if i == 1 && y/st.RowSum[i] == y/st.RowSum[i] || i != 1 && !same(y, want.row(i)[c]) {
						t.Fatalf("%g: element %d,%d is %g", bad, i, c, y)
					}
				}
			}
		})
	}
}

func TestFewPairsPanic(t *testing.T) {
	eachFew(t, func(t *testing.T, x *Pairs) {
		h, s, st := make([]uint16, 32), make([]float32, 128), newState(1)
		k := Stored{Half: h, DType: kernels.BFloat16, LD: 8}
		q := NewPairQueries(make([]uint32, 16), 1, 8)
		mustPanic(t, func() { x.Dots(s, 8, q, piecesOf(k, 5, 8, Ahead{})) })
		mustPanic(t, func() { x.Dots(s[:1], 8, q, piecesOf(k, 2, 8, Ahead{})) })
		mustPanic(t, func() { x.Dots(s, 8, q, piecesOf(Stored{Float32: s, LD: 8}, 2, 8, Ahead{})) })
		mustPanic(t, func() { x.Dots(s, 8, q, piecesOf(Stored{Half: h, DType: kernels.Float16, LD: 8}, 2, 8, Ahead{})) })
		x.AddWeighted(s, 32, h, 4, piecesOf(k, 4, 8, Ahead{}), 4)
		mustPanic(t, func() { x.AddWeighted(s, 32, h, 4, piecesOf(k, 4, 8, Ahead{}), 3) })
		mustPanic(t, func() { x.AddWeighted(s, 32, h, 4, piecesOf(k, 5, 8, Ahead{}), 4) })
		mustPanic(t, func() { x.AddWeighted(s, 32, h[:15], 4, piecesOf(k, 3, 8, Ahead{}), 4) })
		mustPanic(t, func() { x.AddWeighted(s, 32, h, 4, cutPieces(k, 4, 8, 1), 4) })
		mustPanic(t, func() { x.AddWeighted(s[:127], 32, h, 4, piecesOf(k, 4, 8, Ahead{}), 4) })
		mustPanic(t, func() { x.AddWeighted(s, 32, h, 4, piecesOf(Stored{Float32: s, LD: 8}, 4, 8, Ahead{}), 4) })
		mustPanic(t, func() { x.Weigh(s, 8, s, 4, 2, 4, 8, 1, &st) })
		mustPanic(t, func() { NewPairQueries(make([]uint32, 15), 1, 8) })
		mustPanic(t, func() { NewPairQueries(make([]uint32, 16), 1, -8) })
		mustPanic(t, func() { q.Set(1, h) })
		mustPanic(t, func() { q.Set(0, h[:7]) })
	})
}

func FuzzFewPairs(f *testing.F) {
	f.Add(uint64(1), byte(1), byte(100), byte(128))
	f.Add(uint64(2), byte(8), byte(33), byte(15))
	f.Fuzz(func(t *testing.T, seed uint64, rows, keys, depth byte) {
		for _, x := range pairs {
			if x.available && x.TakesFew() {
				testDotsPairs(t, x, int(rows%18), int(keys), int(depth), flushed(wild(seed, 0.001)))
				testAddWeightedPairs(t, x, int(rows%5)*QuadRows, int(keys), int(depth), flushed(wild(seed, 0.001)))
			}
		}
	})
}
