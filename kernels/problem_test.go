package kernels

import (
	"math"
	"slices"
	"strings"
	"testing"
)

func TestValidateReportsEverything(t *testing.T) {
	err := Problem{Batch: 0, Heads: 6, KVHeads: 4, QLen: -1, KVLen: 3, HeadDim: 300, Scale: math.NaN()}.Validate()
	if err == nil {
		t.Fatal("accepted")
	}
	for _, want := range []string{"batch 0", "heads 6", "kvHeads 4", "qLen -1", "headDim 300", "scale NaN"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q is missing in: %v", want, err)
		}
	}
}

func TestValidateRefusesHostileSizes(t *testing.T) {
	huge := 1 << 40
	for _, p := range []Problem{
		{Batch: 1, Heads: 1, KVHeads: 1, QLen: huge, KVLen: huge, HeadDim: 64},
		{Batch: huge, Heads: huge, KVHeads: huge, QLen: huge, KVLen: huge, HeadDim: 256},
		{Batch: math.MaxInt, Heads: 1, KVHeads: 1, QLen: 2, KVLen: 2, HeadDim: 2},
	} {
		if err := p.Validate(); err == nil || !strings.Contains(err.Error(), "bytes: must be at most") {
			t.Errorf("%+v: %v", p, err)
		}
	}
}

func TestValidateMask(t *testing.T) {
	base := Problem{Batch: 2, Heads: 1, KVHeads: 1, QLen: 4, KVLen: 4, HeadDim: 4}
	for _, m := range []Mask{
		{Window: &Window{-2, 0}},
		{Sinks: -1},
		{KeyLens: []int{1}},
		{KeyLens: []int{1, 5}},
		{Packing: &Packing{Q: []int{0, 4}, K: []int{0, 5}}},
		{Packing: &Packing{Q: []int{0, 3, 2, 4}, K: []int{0, 1, 2, 4}}},
		{Packing: &Packing{Q: []int{0, 4}, K: []int{0, 2, 4}}},
		{Packing: PackedBy(4, 2), KeyLens: []int{1, 1}},
		{Blocks: LocalStrided(16, 99, 1, 0)},
	} {
		p := base
		p.Mask = m
		if p.Validate() == nil {
			t.Errorf("%v: accepted", m)
		}
	}
	if err := base.Validate(); err != nil {
		t.Error(err)
	}
}

func TestScaleDefault(t *testing.T) {
	if got := (Problem{HeadDim: 64}).EffectiveScale(); got != 0.125 {
		t.Errorf("default scale %v, want 0.125", got)
	}
	if got := (Problem{HeadDim: 64, Scale: 2}).EffectiveScale(); got != 2 {
		t.Errorf("scale %v, want 2", got)
	}
}

// The slopes of 8 heads are given in the paper, section 3: 1/2, 1/4, … 1/256.
func TestALiBiSlopes(t *testing.T) {
	for h := range 8 {
		if got, want := (Problem{Heads: 8}).ALiBiSlope(h), math.Exp2(-float64(h+1)); got != want {
			t.Errorf("8 heads, head %d: %v, want %v", h, got, want)
		}
	}
	for h, want := range []float64{1. / 4, 1. / 16, 1. / 64, 1. / 256, 1. / 2, 1. / 8} {
		if got := (Problem{Heads: 6}).ALiBiSlope(h); got != want {
			t.Errorf("6 heads, head %d: %v, want %v", h, got, want)
		}
	}
}

func TestTensorsCheck(t *testing.T) {
	p := Problem{Batch: 2, Heads: 4, KVHeads: 2, QLen: 3, KVLen: 5, HeadDim: 8}
	ok := NewTensors(p)
	if err := ok.Check(p); err != nil {
		t.Fatal(err)
	}
	fused := make([]float32, 2*3*(4+2+2)*8)
	ok.Q = BSHD(fused, 2, 4, 3, 8, 8*8)
	if err := ok.Check(p); err != nil {
		t.Errorf("fused projection: %v", err)
	}
	for name, spoil := range map[string]func(*Tensors){
		"shape":   func(x *Tensors) { x.K = NewTensor(2, 4, 5, 8) },
		"short":   func(x *Tensors) { x.V.Float32 = x.V.Float32[1:] },
		"strides": func(x *Tensors) { x.Q.RowStride = -8 },
		"lse":     func(x *Tensors) { x.LSE = x.LSE[1:] },
		"dtype":   func(x *Tensors) { x.O.DType = 9 },
		"half":    func(x *Tensors) { x.K = x.K.As(BFloat16, 0) },
		"paged":   func(x *Tensors) { x.K = x.K.As(Float32, 2) },
	} {
		bad := NewTensors(p)
		spoil(&bad)
		if bad.Check(p) == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

func TestPagedRows(t *testing.T) {
	p := Problem{Batch: 2, Heads: 2, KVHeads: 2, QLen: 1, KVLen: 7, HeadDim: 3, KVDType: BFloat16, PageSize: 4}
	x := NewTensors(p)
	if err := x.Check(p); err != nil {
		t.Fatal(err)
	}
	fill := func(f func(row []float32, b, h, i int)) {
		for b := range 2 {
			for h := range 2 {
				for i := range 7 {
					f([]float32{float32(b), float32(h), float32(i)}, b, h, i)
				}
			}
		}
	}
	fill(func(row []float32, b, h, i int) { x.K.WriteRow(row, b, h, i) })
	fill(func(row []float32, b, h, i int) {
		if got := x.K.ReadRow(make([]float32, 3), b, h, i); !slices.Equal(got, row) {
			t.Errorf("row %d %d %d is %v", b, h, i, got)
		}
	})
	for name, spoil := range map[string]func(*Tensor){
		"few":      func(k *Tensor) { k.Pages = k.Pages[1:] },
		"negative": func(k *Tensor) { k.Pages[2] = -1 },
		"beyond":   func(k *Tensor) { k.Pages[2] = 4 },
		"short":    func(k *Tensor) { k.Half = k.Half[1:] },
	} {
		bad := NewTensors(p)
		spoil(&bad.K)
		if bad.Check(p) == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}
