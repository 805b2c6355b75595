package kernels

import (
	"fmt"

	"github.com/attnbench/attnbench/kernels/internal/memory"
)

// A Cache holds the keys and values of sequences that grow, as a decoder's do.
// Appending never moves what is there: a contiguous cache has room behind every
// head, a paged one (arXiv:2309.06180) takes another page where the last is full.
// One goroutine at a time may use it.
//
// Blocks of Int8 are quantised as a whole: the tokens of the last one are kept
// as floats too until it is full, and it is quantised anew, with the scale that
// it then needs, by each token that joins it. So the cache holds what all its
// tokens would be if they were quantised at once, however they came.
type Cache struct {
	k, v   Tensor // with Len tokens
	limit  int
	tables [][]int32 // pages of each batch element, in order

	openK, openV Tensor // [Batch, Heads, BlockKeys, Dim]: floats of one block, where there are blocks
	openAt       int    // its first token
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
		t.setPages(p.PageSize)
		n *= pageCount(p.KVLen, p.PageSize)
	}
	bytes, ok := product(2, n, t.BatchStride, int(p.KVDType.Size()))
	if have := memory.Available(); !ok || bytes > have {
		return nil, fmt.Errorf("cache of %d tokens: this machine has %d bytes available: %w", p.KVLen, have, ErrTooLarge)
	}
	t.DType = p.KVDType
	c := &Cache{k: t, v: t, limit: p.KVLen, tables: make([][]int32, p.Batch)}
	c.k.allocate(n)
	c.v.allocate(n)
	c.k.Len, c.v.Len = 0, 0
	if p.KVDType == Int8 {
		c.openK = NewTensor(p.Batch, p.KVHeads, BlockKeys, p.HeadDim)
		c.openV = NewTensor(p.Batch, p.KVHeads, BlockKeys, p.HeadDim)
	}
	return c, nil
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
				c.store(&c.k, &c.openK, k.Row(b, h, i), b, h, first+i)
				c.store(&c.v, &c.openV, v.Row(b, h, i), b, h, first+i)
			}
		}
	}
	if k.Len > 0 {
		c.openAt = c.k.Block(c.k.Len - 1).Lo
	}
	return nil
}

// store writes token i of t, or with the last token of a block the whole block.
func (c *Cache) store(t, open *Tensor, row []float32, b, h, i int) {
	if t.DType != Int8 {
		t.WriteRow(row, b, h, i)
		return
	}
	block := t.Block(i)
	copy(open.Row(b, h, i-block.Lo), row)
	if block.Hi = min(block.Hi, t.Len); i == block.Hi-1 {
		t.WriteRows(open.Float32[open.Offset(b, h, 0):], b, h, block)
	}
}

// reopen takes up the tokens of a block before n, as they were rounded.
func (c *Cache) reopen(t, open *Tensor, block Interval, n int) {
	for b := range t.Batch {
		for h := range t.Heads {
			for i := block.Lo; i < n; i++ {
				t.ReadRow(open.Row(b, h, i-block.Lo), b, h, i)
			}
		}
	}
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
// An Int8 block that it cuts goes on from what its tokens were rounded to, unless
// it was the last one.
func (c *Cache) Truncate(n int) {
	if n < 0 || n > c.k.Len {
		panic("kernels: cache has fewer tokens")
	}
	if block := c.k.Block(n); c.k.DType == Int8 && block.Lo < n && block.Lo != c.openAt {
		c.reopen(&c.k, &c.openK, block, n)
		c.reopen(&c.v, &c.openV, block, n)
		c.openAt = block.Lo
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
// when more is appended, but for the last block of Int8, which is quantised anew.
func (c *Cache) Tensors() (k, v Tensor) { return c.k, c.v }
