package model

import (
	"fmt"

	"github.com/attnbench/attnbench/kernels"
)

// A Cache holds the keys and values of the tokens that a [Generator] has read:
// a [kernels.Cache] a layer. One Step at a time may use it.
type Cache struct {
	shape      Shape
	dtype      kernels.DType
	len, limit int // len is of all layers; within a Step the first ones have more
	layers     []*kernels.Cache
}

// NewCache returns an empty cache for a model of this shape, with room for so
// many tokens: at least 1, at most the model's context. Keys and values are
// rounded to the element type as they are stored.
func NewCache(s Shape, tokens int, dtype kernels.DType) (*Cache, error) {
	if !s.Causal {
		return nil, fmt.Errorf("cache for %s: only a causal model can go on from one", s.Family)
	}
	if tokens < 1 || tokens > s.Context {
		return nil, fmt.Errorf("cache of %d tokens: must be in 1..%d, the model's context", tokens, s.Context)
	}
	c := &Cache{shape: s, dtype: dtype, limit: tokens, layers: make([]*kernels.Cache, s.Layers)}
	for i := range c.layers {
		var err error
		if c.layers[i], err = kernels.NewCache(c.problem()); err != nil {
			return nil, err
		}
	}
	return c, nil
}

// problem is that of a token against a layer's full cache.
func (c *Cache) problem() kernels.Problem {
	s := c.shape
	return kernels.Problem{
		Batch: 1, Heads: s.KVHeads, KVHeads: s.KVHeads, QLen: 1, KVLen: c.limit, HeadDim: s.HeadDim, KVDType: c.dtype,
	}
}

// Len returns how many tokens are in the cache.
func (c *Cache) Len() int { return c.len }

// Limit returns how many tokens there is room for.
func (c *Cache) Limit() int { return c.limit }

// Bytes returns the memory of the keys and values of a full cache, with the
// scales of Int8.
func (c *Cache) Bytes() int64 {
	all := []kernels.Interval{{Lo: 0, Hi: c.limit}}
	return 2 * int64(c.shape.Layers) * int64(c.shape.KVHeads) * c.problem().StoredBytes(all)
}

// Truncate forgets all but the first n tokens; it panics when there are fewer.
func (c *Cache) Truncate(n int) {
	if n < 0 || n > c.len {
		panic("model: cache has fewer tokens")
	}
	c.len = n
}

// check reports a cache that is not for this shape, or has no room for n more.
func (c *Cache) check(s Shape, n int) error {
	if c.shape != s {
		return fmt.Errorf("cache of a %s model of %d parameters: must be of this one, %s of %d", c.shape.Family, c.shape.Parameters, s.Family, s.Parameters)
	}
	if n > c.limit-c.len {
		return fmt.Errorf("%d tokens after %d in the cache: has room for %d", n, c.len, c.limit)
	}
	return nil
}

// put stores the new keys and values of a layer behind those that are there,
// and returns views of all.
func (c *Cache) put(layer int, k, v kernels.Tensor) (allK, allV kernels.Tensor, err error) {
	l := c.layers[layer]
	l.Truncate(c.len) // what a Step left that did not end
	if err := l.Append(k, v); err != nil {
		return k, v, err
	}
	allK, allV = l.Tensors()
	return allK, allV, nil
}
