package memory

import (
	"math"
	"testing"
	"unsafe"
)

func TestAvailableIsTheLeast(t *testing.T) {
	defer func(kept []func() (int64, bool)) { sources = kept }(sources)
	is := func(bytes int64, ok bool) func() (int64, bool) { return func() (int64, bool) { return bytes, ok } }
	for _, c := range []struct {
		sources []func() (int64, bool)
		want    int64
	}{
		{nil, math.MaxInt64},
		{[]func() (int64, bool){is(7, true), is(5, true), is(1, false)}, 5},
		{[]func() (int64, bool){is(-3, true)}, 0},
	} {
		sources = c.sources
		if got := Available(); got != c.want {
			t.Errorf("%d sources: %d, want %d", len(c.sources), got, c.want)
		}
	}
}

func TestAvailableHere(t *testing.T) {
	if got := Available(); got < 1<<20 {
		t.Errorf("%d bytes available, and this test runs", got)
	}
}

func TestZeroed(t *testing.T) {
	for _, n := range []int{0, 1, hugePage/8 - 1, hugePage / 8, hugePage/4 + 1, hugePage} {
		x := Zeroed[float32](n)
		if len(x) != n || cap(x) < n {
			t.Fatalf("%d: length %d", n, len(x))
		}
		for i, v := range x {
			if v != 0 {
				t.Fatalf("%d: %g at %d", n, v, i)
			}
			x[i] = 1
		}
		if n >= hugePage/8 && uintptr(unsafe.Pointer(&x[0]))%hugePage != 0 {
			t.Errorf("%d: begins within a huge page", n)
		}
	}
	if x := Zeroed[uint16](hugePage / 4); uintptr(unsafe.Pointer(&x[0]))%hugePage != 0 {
		t.Error("halves begin within a huge page")
	}
}
