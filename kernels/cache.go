package kernels

import (
	"fmt"

	"github.com/attnbench/attnbench/kernels/internal/memory"
)

// A Cache holds the keys and values of sequences that grow, as a decoder's do.
// Appending never moves what is there: a contiguous cache has room behind every
// head, a paged one (arXiv:2309.06180) takes another page where the last is full.
// One goroutine at a time may use it.
type Cache struct {
	k, v   Tensor // with Len tokens
	limit  int
	tables [][]int32 // pages of each batch element, in order
}

// NewCache returns an empty cache for the keys and values of p: its batch, key
// heads, head size, element type and pages, with room for KVLen tokens. It
// refuses what exceeds this machine's memory.
func NewCache(p Problem) (*Cache, error) {
	if err := p.Validate(); err != nil {
		return nil, fmt.Errorf("cache: %w", err)
	}
	t := BHSD(nil, p.Batch, p.KVHeads, p.KVLen, p.HeadDim)
	n := p.Batch
	if p.PageSize > 0 {
		t.PageSize = p.PageSize
		t.HeadStride = p.PageSize * p.HeadDim
		t.BatchStride = p.KVHeads * t.HeadStride
		n *= pageCount(p.KVLen, p.PageSize)
	}
	bytes, ok := product(2, n, t.BatchStride, int(p.KVDType.Size()))
	if have := memory.Available(); !ok || bytes > have {
		return nil, fmt.Errorf("cache of %d tokens: this machine has %d bytes available: %w", p.KVLen, have, ErrTooLarge)
	}
	t.Len, t.DType = 0, p.KVDType
	return &Cache{k: t.over(n * t.BatchStride), v: t.over(n * t.BatchStride), limit: p.KVLen, tables: make([][]int32, p.Batch)}, nil
}

// over returns t over n new elements, all zero.
func (t Tensor) over(n int) Tensor {
	if t.DType == Float32 {
		t.Float32 = memory.Zeroed[float32](n)
	} else {
		t.Half = memory.Zeroed[uint16](n)
	}
	return t
}

// Len returns how many tokens of each sequence are in the cache.
func (c *Cache) Len() int { return c.k.Len }

// Limit returns how many there is room for.
func (c *Cache) Limit() int { return c.limit }

// Append stores the next keys and values of every sequence, [Batch, KVHeads,
// tokens, HeadDim] of float32, rounded to the cache's element type.
func (c *Cache) Append(k, v Tensor) error {
	want := BHSD(nil, c.k.Batch, c.k.Heads, k.Len, c.k.Dim)
	if err := k.check("K", want); err != nil {
		return fmt.Errorf("cache: %w", err)
	}
	if err := v.check("V", want); err != nil {
		return fmt.Errorf("cache: %w", err)
	}
	first := c.k.Len
	if k.Len > c.limit-first {
		return fmt.Errorf("cache: %d tokens after %d: has room for %d", k.Len, first, c.limit)
	}
	c.grow(k.Len)
	for b := range k.Batch {
		for h := range k.Heads {
			for i := range k.Len {
				c.k.WriteRow(k.Row(b, h, i), b, h, first+i)
				c.v.WriteRow(v.Row(b, h, i), b, h, first+i)
			}
		}
	}
	return nil
}

// grow makes the cache n tokens longer. The sequences take pages in turn, as
// they fill: those of one lie among those of the others.
func (c *Cache) grow(n int) {
	length := c.k.Len + n
	if size := c.k.PageSize; size > 0 {
		for len(c.tables[0]) < pageCount(length, size) {
			taken := len(c.tables[0]) * len(c.tables)
			for b := range c.tables {
				c.tables[b] = append(c.tables[b], int32(taken+b))
			}
		}
		var pages []int32
		for _, table := range c.tables {
			pages = append(pages, table...)
		}
		c.k.Pages, c.v.Pages = pages, pages
	}
	c.k.Len, c.v.Len = length, length
}

// Truncate forgets all but the first n tokens; it panics when there are fewer.
func (c *Cache) Truncate(n int) {
	if n < 0 || n > c.k.Len {
		panic("kernels: cache has fewer tokens")
	}
	if size := c.k.PageSize; size > 0 {
		for b := range c.tables {
			c.tables[b] = c.tables[b][:pageCount(n, size)]
		}
	}
	c.k.Len, c.v.Len = n, n
	c.grow(0)
}

// Tensors returns views of all keys and values, to bind. They stay as they are
// when more is appended.
func (c *Cache) Tensors() (k, v Tensor) { return c.k, c.v }
