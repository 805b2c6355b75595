package simd

import (
	"fmt"
	"math"
	"testing"
)

// expBound is what ExpSum's comment promises of a power that is not tiny.
const expBound = 2 * 0x1p-23

// checkPower holds p against 2^x.
func checkPower(t *testing.T, what string, p, x float32) {
	t.Helper()
	want := math.Exp2(float64(x))
	tol := expBound * want
	if want < 0x1p-126 {
		tol = want + 0x1p-149 // may be flushed
	}
	if math.IsInf(float64(x), -1) {
		tol = 0
	}
	if !near(p, float32(want), tol) && !(math.Abs(float64(p)-want) <= tol) {
		t.Fatalf("%s: 2^%g = %g, want %g", what, x, p, want)
	}
}

// Every float from 0 down to where the power vanishes, in strides.
func TestExp2Range(t *testing.T) {
	stride := uint32(997)
	if testing.Short() {
		stride = 9973
	}
	eachVariant(t, func(t *testing.T, f *Funcs) {
		const n = 4096
		s, xs := make([]float32, n), make([]float32, 0, n)
		worst := 0.0
		flush := func() {
			copy(s, xs)
			f.ExpSum(s, n, 1, len(xs), []float32{0}, make([]float32, 1))
			for i, x := range xs {
				checkPower(t, f.Name, s[i], x)
				if want := math.Exp2(float64(x)); want >= 0x1p-126 {
					worst = max(worst, math.Abs(float64(s[i])-want)/want)
				}
			}
			xs = xs[:0]
		}
		for bits := uint32(1 << 31); bits < math.Float32bits(-160); bits += stride {
			if xs = append(xs, math.Float32frombits(bits)); len(xs) == n {
				flush()
			}
		}
		flush()
		t.Logf("worst relative error %.3g, of %.3g allowed", worst, float64(expBound))
	})
}

func TestExp2Exact(t *testing.T) {
	eachVariant(t, func(t *testing.T, f *Funcs) {
		in := []float32{0, float32(math.Copysign(0, -1)), -1, -10, -126, negInf, -200, -1e9, -math.MaxFloat32, float32(math.NaN())}
		want := []float32{1, 1, 0.5, 0x1p-10, 0x1p-126, 0, 0, 0, 0, float32(math.NaN())}
		for i, x := range in {
			s := []float32{x}
			f.ExpSum(s, 1, 1, 1, []float32{0}, make([]float32, 1))
			if !same(s[0], want[i]) {
				t.Errorf("2^%g = %g, want %g", x, s[0], want[i])
			}
		}
		// NaN must survive whatever its payload.
		for bits := uint32(0x7f800001); bits < 0x7fffffff; bits += 0x7ffd {
			s, sum := []float32{math.Float32frombits(bits)}, make([]float32, 1)
			if f.ExpSum(s, 1, 1, 1, []float32{0}, sum); s[0] == s[0] || sum[0] == sum[0] {
				t.Errorf("NaN %#x became %g, sum %g", bits, s[0], sum[0])
			}
		}
		// The maximum of a row may itself be +Inf.
		s, sum := []float32{float32(math.Inf(1)), 1}, make([]float32, 1)
		f.ExpSum(s, 2, 1, 2, s[:1:1], sum)
		if s[0] == s[0] || s[1] != 0 || sum[0] == sum[0] {
			t.Errorf("Inf less Inf gives %g, sum %g", s, sum)
		}
	})
}

func testSoftmax(t *testing.T, f *Funcs, rows, cols, offset int, next func() float32) {
	t.Helper()
	what := fmt.Sprintf("isa=%s/rows=%d/cols=%d/offset=%d", f.Name, rows, cols, offset)
	s := newMatrix(rows, cols, 2, offset).fill(next)
	rowMax, sum := newMatrix(1, rows, 0, 1), newMatrix(1, rows, 0, 2).fill(func() float32 { return 0.5 })
	f.RowMax(s.x, s.ld, rows, cols, rowMax.x)
	want := make([]float32, rows)
	rowMaxGeneric(s.x, s.ld, rows, cols, want)
	shift := make([]float32, rows)
	for i, m := range want {
		if !same(rowMax.x[i], m) && rowMax.x[i] != m { // either zero is the maximum of both
			t.Fatalf("%s: maximum of row %d is %g, want %g", what, i, rowMax.x[i], m)
		}
		if shift[i] = m; m == negInf {
			shift[i] = 0
		}
	}
	p := s.clone()
	f.ExpSum(p.x, p.ld, rows, cols, shift, sum.x)
	for i := range rows {
		total := 0.5
		for j := range cols {
			checkPower(t, what, p.row(i)[j], s.row(i)[j]-shift[i])
			total += float64(p.row(i)[j])
		}
		if !near(sum.x[i], float32(total), total*float64(cols+1)*0x1p-24) {
			t.Fatalf("%s: sum of row %d is %g, want %g", what, i, sum.x[i], total)
		}
	}
	for _, m := range []matrix{p, rowMax, sum} {
		m.checkGuards(t, what)
	}
}

func TestSoftmax(t *testing.T) {
	eachVariant(t, func(t *testing.T, f *Funcs) {
		for rows := range MaxRows + 2 {
			for _, cols := range lengths(f) {
				for offset := range 4 {
					testSoftmax(t, f, rows, cols, offset, normal(uint64(cols)))
					testSoftmax(t, f, rows, cols, offset, wild(uint64(cols), 0.1))
				}
			}
		}
	})
}

func testScale(t *testing.T, f *Funcs, rows, cols int, next func() float32) {
	t.Helper()
	what := fmt.Sprintf("isa=%s/rows=%d/cols=%d", f.Name, rows, cols)
	src, dst := newMatrix(rows, cols, 3, 1).fill(next), newMatrix(rows, cols, 1, 2)
	alpha := newMatrix(1, rows, 0, 0).fill(next)
	finite := f.Scale(dst.x, dst.ld, src.x, src.ld, rows, cols, alpha.x)
	inPlace, want := src.clone(), true
	f.Scale(inPlace.x, inPlace.ld, inPlace.x, inPlace.ld, rows, cols, alpha.x)
	for i := range rows {
		for j := range cols {
			x := float32(alpha.x[i] * src.row(i)[j]) // rounded: else x-x may be fused
			want = want && x-x == 0
			if !same(dst.row(i)[j], x) || !same(inPlace.row(i)[j], x) {
				t.Fatalf("%s: element %d,%d is %g, in place %g, want %g", what, i, j, dst.row(i)[j], inPlace.row(i)[j], x)
			}
		}
	}
	if finite != want {
		t.Fatalf("%s: finite is %v", what, finite)
	}
	dst.checkGuards(t, what)
	inPlace.checkGuards(t, what)
}

func TestScale(t *testing.T) {
	eachVariant(t, func(t *testing.T, f *Funcs) {
		for rows := range 4 {
			for _, cols := range lengths(f) {
				testScale(t, f, rows, cols, wild(uint64(cols), 0.1))
			}
		}
	})
}

func TestScaleFindsWhatIsNotFinite(t *testing.T) {
	eachVariant(t, func(t *testing.T, f *Funcs) {
		for at := range 3 * (f.Cols + 1) {
			for _, x := range []float32{float32(math.NaN()), negInf, math.MaxFloat32} {
				n, next := -1, normal(1)
				testScale(t, f, 3, f.Cols+1, func() float32 {
					if n++; n == at {
						return x
					}
					return next()
				})
			}
		}
	})
}

func TestSoftmaxPanics(t *testing.T) {
	eachVariant(t, func(t *testing.T, f *Funcs) {
		x := make([]float32, 8)
		mustPanic(t, func() { f.RowMax(x, 8, 2, 8, x) })
		mustPanic(t, func() { f.RowMax(x, 8, 1, 8, nil) })
		mustPanic(t, func() { f.ExpSum(x, 8, 1, 9, x, x) })
		mustPanic(t, func() { f.ExpSum(x, 8, 1, 8, nil, x) })
		mustPanic(t, func() { f.ExpSum(x, 8, 1, 8, x, nil) })
		mustPanic(t, func() { f.Scale(x, 8, x, 8, 1, -1, x) })
		mustPanic(t, func() { f.Scale(x, 8, x[:7], 8, 1, 8, x) })
	})
}

func FuzzSoftmax(f *testing.F) {
	f.Add(uint64(1), byte(6), uint16(512), byte(0), 0.0)
	f.Add(uint64(2), byte(1), uint16(17), byte(3), 0.3)
	f.Add(uint64(3), byte(2), uint16(1), byte(1), 1.0)
	f.Fuzz(func(t *testing.T, seed uint64, rows byte, cols uint16, offset byte, special float64) {
		for _, v := range variants {
			if v.available {
				testSoftmax(t, v, int(rows%9), int(cols%1024), int(offset%16), wild(seed, special))
				testScale(t, v, int(rows%9), int(cols%1024), wild(seed, special))
			}
		}
	})
}
