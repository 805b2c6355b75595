package kernels

import (
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// int8Tensor is one head of n keys, quantised as a whole, and what it is made of.
func int8Tensor(n, dim, pageSize int, next func() float32) (t, x Tensor) {
	x = NewTensor(1, 1, n, dim)
	for i := range x.Float32 {
		x.Float32[i] = next()
	}
	t = x.As(Int8, pageSize)
	t.WriteRows(x.Float32, 0, 0, Interval{0, n})
	return t, x
}

func sample(seed uint64) func() float32 {
	r := rand.New(rand.NewPCG(seed, 1))
	return func() float32 { return float32(r.NormFloat64() * math.Exp2(10*r.NormFloat64())) }
}

// TestInt8Blocks holds every number against the definition: blocks restart with
// each page, a number is off by half a step at most, the step is the 127th part of the
// block's largest magnitude, but for 16 bits of it, and byte times scale is exact.
func TestInt8Blocks(t *testing.T) {
	for _, pageSize := range []int{0, 1, 16, 64, 100, 150} {
		x, want := int8Tensor(313, 5, pageSize, sample(3))
		size := pageSize
		if size == 0 {
			size = math.MaxInt
		}
		for i := range x.Len {
			block := x.Block(i)
			first := i / size * size
			if lo := first + (i-first)/BlockKeys*BlockKeys; block.Lo != lo || block.Hi != min(lo+BlockKeys, max(first+size, size)) {
				t.Fatalf("pages of %d: key %d is in block %v", pageSize, i, block)
			}
			largest, scale := float32(0), float64(*x.Scale(0, 0, i))
			for j := block.Lo; j < min(block.Hi, x.Len); j++ {
				largest = max(largest, magnitude(want.Row(0, 0, j)))
			}
			if step := float64(largest) / 127; scale < step*(1-0x1p-23) || scale > step*(1+0x1p-14) {
				t.Fatalf("pages of %d: key %d: scale %g, and the largest of its block %g", pageSize, i, scale, largest)
			}
			for c, got := range x.ReadRow(make([]float32, 5), 0, 0, i) {
				if exact := scale * float64(x.bytes(0, 0, i)[c]); float64(got) != exact {
					t.Fatalf("key %d: %g is read as %g", i, exact, got)
				}
				if off := math.Abs(float64(got) - float64(want.Row(0, 0, i)[c])); off > scale*0.5000001 {
					t.Fatalf("key %d: %g became %g, more than half of %g off", i, want.Row(0, 0, i)[c], got, scale)
				}
			}
		}
	}
}

// TestInt8Again wants what is quantised to stay as it is when it is quantised
// again.
func TestInt8Again(t *testing.T) {
	x, _ := int8Tensor(200, 7, 0, sample(5))
	wide := NewTensor(1, 1, 200, 7)
	for i := range 200 {
		x.ReadRow(wide.Row(0, 0, i), 0, 0, i)
	}
	again := x.As(Int8, 0)
	again.WriteRows(wide.Float32, 0, 0, Interval{0, 200})
	for i := range x.Int8 {
		if x.Int8[i] != again.Int8[i] || x.Scales[i/7/BlockKeys] != again.Scales[i/7/BlockKeys] {
			t.Fatalf("element %d: %d·%g became %d·%g", i, x.Int8[i], x.Scales[i/7/BlockKeys], again.Int8[i], again.Scales[i/7/BlockKeys])
		}
	}
}

// TestInt8Ends quantises what lies at the ends of float32's range.
func TestInt8Ends(t *testing.T) {
	inf, nan := float32(math.Inf(1)), float32(math.NaN())
	for _, x := range []struct {
		in, want []float32
	}{
		{[]float32{0, 0, 0}, []float32{0, 0, 0}},
		{[]float32{1, -1, 0}, []float32{1, -1, 0}}, // within a step of 16 bits; see below
		{[]float32{math.MaxFloat32, -math.MaxFloat32, 1}, []float32{math.MaxFloat32, -math.MaxFloat32, 0}},
		{[]float32{0x1p-126, -0x1p-149, 0}, []float32{0, 0, 0}},
		{[]float32{0x1p-100, 0x1.8p-100, -0x3p-100}, []float32{0x1p-100, 0x1p-99, -0x3p-100}}, // a tie goes to even
		{[]float32{1, inf, 0}, []float32{nan, nan, nan}},
		{[]float32{-inf, 2, 3}, []float32{nan, nan, nan}},
		{[]float32{1, nan, 0}, []float32{nan, nan, nan}},
	} {
		y := NewTensor(1, 1, 1, 3).As(Int8, 0)
		y.WriteRow(x.in, 0, 0, 0)
		for c, got := range y.ReadRow(make([]float32, 3), 0, 0, 0) {
			want := x.want[c]
			if off := math.Abs(float64(got) - float64(want)); got != got && want == want || want != want && got == got || off > 0x1p-14*math.Abs(float64(want)) || got-got != 0 && want-want == 0 {
				t.Errorf("%v: element %d is %g, want %g", x.in, c, got, want)
			}
		}
	}
}

// TestInt8WriteRow writes the rows of a block one by one in any order: a scale
// that is large enough stays, one that is not grows, and no row is further off
// than by half of the largest step for each time that it was rounded.
func TestInt8WriteRow(t *testing.T) {
	x := NewTensor(1, 2, 70, 3).As(Int8, 0)
	rows := [][]float32{{1, 0.5, -1}, {0.25, 0, 0.01}, {-4, 1, 2}, {0, 3, 0}}
	order, scale, grown := []int{5, 63, 0, 20}, float32(0), 0
	for n, i := range order {
		x.WriteRow(rows[n], 0, 1, i)
		if s := *x.Scale(0, 1, i); s < scale || s > scale && n == 1 {
			t.Fatalf("row %d: scale %g after %g", n, s, scale)
		} else if s > scale {
			scale, grown = s, grown+1
		}
	}
	if grown != 2 || *x.Scale(0, 1, 64) != 0 || *x.Scale(0, 0, 5) != 0 {
		t.Errorf("the scale grew %d times, those of other blocks are %g and %g", grown, *x.Scale(0, 1, 64), *x.Scale(0, 0, 5))
	}
	for n, i := range order {
		for c, got := range x.ReadRow(make([]float32, 3), 0, 1, i) {
			if math.Abs(float64(got-rows[n][c])) > float64(scale)*float64(grown)/2 {
				t.Errorf("row %d is %v, want %v", i, x.ReadRow(make([]float32, 3), 0, 1, i), rows[n])
			}
		}
	}
	x.WriteRow([]float32{1, float32(math.NaN()), 2}, 0, 1, 7)
	for _, i := range []int{5, 7} {
		for _, got := range x.ReadRow(make([]float32, 3), 0, 1, i) {
			if got == got {
				t.Errorf("row %d is %g beside a NaN", i, got)
			}
		}
	}
}

// TestInt8Overwritten wants a block that is written as a whole to get the scale
// that it needs, whatever it had before.
func TestInt8Overwritten(t *testing.T) {
	small := []float32{0.5, -0.25, 0.125, 0.5, 0, 0.5}
	for _, before := range []float32{0, 100, 0.01, float32(math.NaN())} {
		x, want := NewTensor(1, 1, 2, 3).As(Int8, 0), NewTensor(1, 1, 2, 3).As(Int8, 0)
		x.WriteRow([]float32{before, 0, 0}, 0, 0, 1)
		x.WriteRows(small, 0, 0, Interval{0, 2})
		want.WriteRows(small, 0, 0, Interval{0, 2})
		if x.Scales[0] != want.Scales[0] || !slices.Equal(x.Int8, want.Int8) {
			t.Errorf("after %g the scale is %g, want %g", before, x.Scales[0], want.Scales[0])
		}
	}
}

func TestInt8Refused(t *testing.T) {
	p := Problem{Batch: 1, Heads: 2, KVHeads: 2, QLen: 3, KVLen: 150, HeadDim: 4, DType: Int8, KVDType: Int8}
	const want = "Q and O of int8: must be float32, float16 or bfloat16; only K and V may be int8"
	if err := p.Validate(); err == nil || err.Error() != want {
		t.Errorf("Q of int8: %v, want %q", err, want)
	}
	p.DType = BFloat16
	for _, pageSize := range []int{0, 100} {
		p.PageSize = pageSize
		x, err := Allocate(p)
		if err != nil {
			t.Fatal(err)
		}
		if err := x.Check(p); err != nil {
			t.Error(err)
		}
		for name, spoil := range map[string]func(k *Tensor){
			"scales: the view":  func(k *Tensor) { k.Scales = k.Scales[1:] },
			"scales a head":     func(k *Tensor) { k.ScaleStride = 1 },
			"int8 elements":     func(k *Tensor) { k.Int8 = k.Int8[1:] },
			"of float32":        func(k *Tensor) { *k = k.As(Float32, pageSize) },
			"of 0 int8 element": func(k *Tensor) { k.Half, k.Int8 = make([]uint16, len(k.Int8)), nil },
		} {
			bad := x
			spoil(&bad.K)
			if err := bad.Check(p); err == nil || !strings.Contains(err.Error(), name) {
				t.Errorf("pages of %d: %v, want %q in it", pageSize, err, name)
			}
		}
	}
	if _, err := Allocate(Problem{DType: Int8}); err == nil || errors.Is(err, ErrTooLarge) {
		t.Errorf("the zero problem: %v", err)
	}
}

// TestStoredBytes counts blocks that intervals share once.
func TestStoredBytes(t *testing.T) {
	for _, x := range []struct {
		page         int
		keys         []Interval
		rows, scales int64
	}{
		{0, nil, 0, 0},
		{0, []Interval{{0, 1}}, 1, 1},
		{0, []Interval{{0, 64}}, 64, 1},
		{0, []Interval{{10, 12}, {63, 66}, {70, 71}, {300, 301}}, 7, 3},
		{16, []Interval{{0, 64}}, 64, 4},
		{100, []Interval{{0, 200}}, 200, 4},
		{100, []Interval{{60, 101}}, 41, 3},
	} {
		p := Problem{HeadDim: 8, KVDType: Int8, PageSize: x.page}
		if got := p.StoredBytes(x.keys); got != 8*x.rows+4*x.scales {
			t.Errorf("pages of %d, %v: %d bytes, want %d rows and %d scales", x.page, x.keys, got, x.rows, x.scales)
		}
		if p.KVDType = Float16; p.StoredBytes(x.keys) != 16*x.rows {
			t.Errorf("%v: %d bytes of float16", x.keys, p.StoredBytes(x.keys))
		}
	}
}

// FuzzInt8 writes rows in some order and wants every one that was written last
// within the steps that rounding again takes, and nothing finite to become
// anything else.
func FuzzInt8(f *testing.F) {
	f.Add(uint64(1), byte(0), []byte{0, 1, 2, 200})
	f.Add(uint64(2), byte(16), []byte{15, 16, 17, 15})
	f.Fuzz(func(t *testing.T, seed uint64, page byte, order []byte) {
		const n, dim = 256, 3
		x, next := NewTensor(1, 1, n, dim).As(Int8, int(page)), sample(seed)
		wrote, times := map[int][]float32{}, 0
		for _, i := range order {
			row := []float32{next(), next(), next()}
			x.WriteRow(row, 0, 0, int(i))
			wrote[int(i)], times = row, times+1
		}
		for i, row := range wrote {
			for c, got := range x.ReadRow(make([]float32, dim), 0, 0, i) {
				if off := math.Abs(float64(got) - float64(row[c])); !(off <= float64(*x.Scale(0, 0, i))*(float64(times)/2+1e-3)) {
					t.Fatalf("row %d: %g became %g by steps of %g", i, row[c], got, *x.Scale(0, 0, i))
				}
			}
		}
	})
}
