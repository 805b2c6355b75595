package memory

import (
	"math"
	"testing"
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
