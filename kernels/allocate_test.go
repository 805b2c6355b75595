package kernels

import (
	"errors"
	"math"
	"strings"
	"testing"
	"unsafe"

	"github.com/attnbench/attnbench/kernels/internal/memory"
)

func TestBytesAreWhatIsAllocated(t *testing.T) {
	for _, p := range []Problem{
		{Batch: 2, Heads: 4, KVHeads: 2, QLen: 5, KVLen: 7, HeadDim: 8},
		{Batch: 2, Heads: 4, KVHeads: 2, QLen: 5, KVLen: 7, HeadDim: 8, DType: Float16, KVDType: BFloat16},
		{Batch: 1, Heads: 3, KVHeads: 1, QLen: 1, KVLen: 50, HeadDim: 16, PageSize: 16},
		{Batch: 2, Heads: 4, KVHeads: 2, QLen: 5, KVLen: 130, HeadDim: 8, KVDType: Int8},
		{Batch: 2, Heads: 4, KVHeads: 2, QLen: 5, KVLen: 130, HeadDim: 8, KVDType: Int8, PageSize: 100},
	} {
		x, err := Allocate(p)
		if err != nil {
			t.Fatal(err)
		}
		got := 4 * int64(len(x.LSE))
		for _, tensor := range []*Tensor{&x.Q, &x.K, &x.V, &x.O} {
			got += int64(len(tensor.Float32))*int64(unsafe.Sizeof(float32(0))) + 2*int64(len(tensor.Half)) + int64(len(tensor.Int8)) + 4*int64(len(tensor.Scales))
		}
		if got != p.Bytes() {
			t.Errorf("%+v: %d bytes, allocated %d", p, p.Bytes(), got)
		}
	}
}

func TestAllocateRefuses(t *testing.T) {
	big := Problem{Batch: 1, Heads: 1, KVHeads: 1, QLen: 1 << 30, KVLen: 1 << 30, HeadDim: 64} // valid: 2^40 bytes and lse
	if memory.Available() > big.Bytes() {
		t.Skip("this machine has the memory")
	}
	if _, err := Allocate(big); !errors.Is(err, ErrTooLarge) || !strings.Contains(err.Error(), "1103806595072 bytes") {
		t.Errorf("operands of a TiB: %v", err)
	}
	if _, err := Allocate(Problem{}); err == nil || errors.Is(err, ErrTooLarge) {
		t.Errorf("the zero problem: %v", err)
	}
}

// TestHostileMasks wants masks whose tables or sums would not fit refused, and
// sides that are practically unbounded taken as such.
func TestHostileMasks(t *testing.T) {
	for spec, want := range map[string]string{
		"blocks:16:1:2":      "bytes",
		"bigbird:16:1:1:3":   "bytes",
		"packed:1":           "1099511627776 sequences",
		"longformer:16:99:1": "bytes",
	} {
		if _, err := ParseMask(spec, 1<<40); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s of 2^40 keys: %v", spec, err)
		}
	}
	p := Problem{Batch: 1, Heads: 1, KVHeads: 1, QLen: 5, KVLen: 9, HeadDim: 1}
	for _, m := range []Mask{
		{Window: &Window{math.MaxInt, math.MaxInt}},
		{Window: &Window{0, 0}, Sinks: math.MaxInt},
		{Packing: &Packing{Q: []int{0, 5}, K: PackedBy(9, math.MaxInt).K}},
	} {
		p.Mask = m
		if got := p.AppendVisible(nil, 0, 2); len(got) != 1 || got[0] != (Interval{0, 9}) {
			t.Errorf("%v: query 2 sees %v, want all 9 keys", m, got)
		}
	}
}
