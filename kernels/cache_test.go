package kernels_test

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/attnbench/attnbench/kernels"
	_ "github.com/attnbench/attnbench/kernels/all"
)

// TestDecodeFromCache appends tokens in pieces and computes the queries of each
// piece on what the cache then holds: every kernel must give what it gives for
// all of them at once.
func TestDecodeFromCache(t *testing.T) {
	for _, layout := range []struct {
		pageSize int
		dtype    kernels.DType
	}{{0, kernels.Float32}, {0, kernels.BFloat16}, {16, kernels.Float32}, {16, kernels.Float16}, {64, kernels.BFloat16}} {
		p := kernels.Problem{
			Batch: 2, Heads: 4, KVHeads: 2, QLen: 75, KVLen: 75, HeadDim: 24,
			Mask: kernels.Mask{Causal: true}, KVDType: layout.dtype, PageSize: layout.pageSize,
		}
		for _, k := range kernels.All() {
			if k.Supports(p) != nil {
				continue
			}
			t.Run(fmt.Sprintf("kernel=%s/page=%d/%v", k.Name(), layout.pageSize, layout.dtype), func(t *testing.T) {
				decodeFromCache(t, k, p, []int{1, 20, 1, 1, 40, 1, 11})
			})
		}
	}
}

func decodeFromCache(t *testing.T, k kernels.Kernel, p kernels.Problem, pieces []int) {
	q, keys, values := random(p.Batch, p.Heads, p.QLen, p.HeadDim), random(p.Batch, p.KVHeads, p.KVLen, p.HeadDim), random(p.Batch, p.KVHeads, p.KVLen, p.HeadDim)
	whole := kernels.NewTensors(p)
	copyTo(&whole.Q, &q)
	copyTo(&whole.K, &keys)
	copyTo(&whole.V, &values)
	attend(t, k, p, whole)
	c, err := kernels.NewCache(p)
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range pieces {
		first := c.Len()
		if err := c.Append(tokens(keys, first, n), tokens(values, first, n)); err != nil {
			t.Fatal(err)
		}
		step := p
		step.QLen, step.KVLen = n, c.Len()
		got := kernels.NewTensors(step)
		got.Q = tokens(q, first, n)
		got.K, got.V = c.Tensors()
		attend(t, k, step, got)
		if d := distance(got.O, tokens(whole.O, first, n)); !(d < 1e-5) {
			t.Errorf("tokens %d to %d: off by %.2g", first, first+n, d)
		}
	}
}

// TestCacheGrowsInPlace wants what was appended to stay where it was, and views
// taken before to stay as they were.
func TestCacheGrowsInPlace(t *testing.T) {
	for _, pageSize := range []int{0, 16} {
		p := kernels.Problem{Batch: 3, Heads: 2, KVHeads: 2, QLen: 1, KVLen: 50, HeadDim: 8, PageSize: pageSize}
		c, err := kernels.NewCache(p)
		if err != nil {
			t.Fatal(err)
		}
		x := random(3, 2, 50, 8)
		add := func(n int) {
			t.Helper()
			if err := c.Append(tokens(x, c.Len(), n), tokens(x, c.Len(), n)); err != nil {
				t.Fatal(err)
			}
		}
		add(15)
		before, _ := c.Tensors()
		add(20)
		after, _ := c.Tensors()
		for b := range 3 {
			if &before.Row(b, 1, 14)[0] != &after.Row(b, 1, 14)[0] || before.Len != 15 {
				t.Errorf("pages of %d: a row of batch element %d moved, or an older view grew to %d", pageSize, b, before.Len)
			}
		}
		c.Truncate(9)
		add(41)
		if k, v := c.Tensors(); distance(k, x) != 0 || distance(v, x) != 0 || c.Len() != c.Limit() {
			t.Errorf("pages of %d: after truncation the tokens are others", pageSize)
		}
		if err := c.Append(tokens(x, 0, 1), tokens(x, 0, 1)); err == nil || !strings.Contains(err.Error(), "1 tokens after 50: has room for 50") {
			t.Errorf("one too many: %v", err)
		}
	}
}

func TestCacheRefuses(t *testing.T) {
	p := kernels.Problem{Batch: 1, Heads: 2, KVHeads: 2, QLen: 1, KVLen: 50, HeadDim: 8}
	c, err := kernels.NewCache(p)
	if err != nil {
		t.Fatal(err)
	}
	x := random(1, 2, 4, 8)
	for want, err := range map[string]error{
		"K of float16 in pages of 0: must be float32": c.Append(x.As(kernels.Float16, 0), x),
		"K of shape [1 1 4 8]: must be [1 2 4 8]":     c.Append(random(1, 1, 4, 8), x),
		"V of shape [1 2 3 8]: must be [1 2 4 8]":     c.Append(x, tokens(x, 0, 3)),
	} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q in it", err, want)
		}
	}
	p.KVLen, p.HeadDim = 1<<27, 256
	if _, err := kernels.NewCache(p); !errors.Is(err, kernels.ErrTooLarge) {
		t.Errorf("a cache of terabytes: %v", err)
	}
	p.HeadDim = 0
	if _, err := kernels.NewCache(p); err == nil || !strings.Contains(err.Error(), "headDim 0") {
		t.Errorf("no head: %v", err)
	}
}

// TestCacheOfInt8 wants the cache to hold, after each piece, what all tokens so
// far are when they are quantised at once, bit for bit.
func TestCacheOfInt8(t *testing.T) {
	for _, pageSize := range []int{0, 16, 64, 100} {
		p := kernels.Problem{Batch: 2, Heads: 4, KVHeads: 2, QLen: 1, KVLen: 230, HeadDim: 8, KVDType: kernels.Int8, PageSize: pageSize}
		c, err := kernels.NewCache(p)
		if err != nil {
			t.Fatal(err)
		}
		x := random(2, 2, 230, 8)
		for i := range x.Float32 {
			x.Float32[i] *= float32(1 + i/8%230) // every token needs a larger scale
		}
		for _, n := range []int{1, 1, 14, 1, 50, 63, 70, 0, 30} {
			if err := c.Append(tokens(x, c.Len(), n), tokens(x, c.Len(), n)); err != nil {
				t.Fatal(err)
			}
			k, v := c.Tensors()
			want := tokens(x, 0, c.Len()).As(kernels.Int8, pageSize)
			copyTo(&want, &x)
			for _, got := range []kernels.Tensor{k, v} {
				if d := distance(got, want); d != 0 {
					t.Fatalf("pages of %d: after %d tokens they are off by %g", pageSize, c.Len(), d)
				}
			}
		}
	}
}

// TestCacheOfInt8Truncated cuts the last block, which keeps its floats, and an
// earlier one, which goes on from what it was rounded to.
func TestCacheOfInt8Truncated(t *testing.T) {
	x := random(1, 1, 200, 8)
	for _, cuts := range [][]int{{190}, {130}, {128}, {128, 100}, {100}, {64, 10}, {1}, {0}} {
		c, err := kernels.NewCache(kernels.Problem{Batch: 1, Heads: 1, KVHeads: 1, QLen: 1, KVLen: 200, HeadDim: 8, KVDType: kernels.Int8})
		if err != nil {
			t.Fatal(err)
		}
		if err := c.Append(x, x); err != nil {
			t.Fatal(err)
		}
		from, n := x.Clone(), cuts[len(cuts)-1] // what the cache goes on from
		k, _ := c.Tensors()
		if block := k.Block(n); block.Hi < 192 {
			for i := block.Lo; i < n; i++ {
				k.ReadRow(from.Row(0, 0, i), 0, 0, i)
			}
		}
		for _, n := range cuts {
			c.Truncate(n)
		}
		if err := c.Append(tokens(x, n, 200-n), tokens(x, n, 200-n)); err != nil {
			t.Fatal(err)
		}
		want := x.As(kernels.Int8, 0)
		copyTo(&want, &from)
		for _, got := range both(c.Tensors()) {
			if d := distance(got, want); d != 0 {
				t.Errorf("cut to %v: off by %g", cuts, d)
			}
		}
	}
}

func both(k, v kernels.Tensor) []kernels.Tensor { return []kernels.Tensor{k, v} }

func attend(t *testing.T, k kernels.Kernel, p kernels.Problem, x kernels.Tensors) {
	t.Helper()
	plan, err := k.Plan(p, kernels.Options{Threads: 2})
	if err != nil {
		t.Fatal(err)
	}
	defer plan.Close()
	for _, err := range []error{plan.Bind(x), plan.Run(), plan.Fetch()} {
		if err != nil {
			t.Fatal(err)
		}
	}
}

func random(batch, heads, length, dim int) kernels.Tensor {
	r, x := rand.New(rand.NewPCG(7, uint64(heads*length))), kernels.NewTensor(batch, heads, length, dim)
	for i := range x.Float32 {
		x.Float32[i] = float32(r.NormFloat64())
	}
	return x
}

// tokens views n of them from first on.
func tokens(t kernels.Tensor, first, n int) kernels.Tensor {
	t.Float32 = t.Float32[first*t.RowStride:]
	t.Len = n
	return t
}

func copyTo(dst, src *kernels.Tensor) {
	for b := range src.Batch {
		for h := range src.Heads {
			dst.WriteRows(src.Float32[src.Offset(b, h, 0):], b, h, kernels.Interval{Hi: dst.Len})
		}
	}
}

// distance returns the largest difference of two tensors of a shape.
func distance(a, b kernels.Tensor) float64 {
	d, x, y := 0.0, make([]float32, a.Dim), make([]float32, a.Dim)
	for batch := range a.Batch {
		for h := range a.Heads {
			for i := range a.Len {
				y := b.ReadRow(y, batch, h, i)
				for c, x := range a.ReadRow(x, batch, h, i) {
					d = math.Max(d, math.Abs(float64(x-y[c])))
				}
			}
		}
	}
	return d
}
