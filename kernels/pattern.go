package kernels

import "fmt"

// MinBlockSize is the smallest block of a BlockPattern, in keys.
const MinBlockSize = 16

// maxPatternBytes bounds the table of a BlockPattern.
const maxPatternBytes = 1 << 29

// checkBlocks refuses a pattern whose table may not fit: a query block's row
// has an interval of 16 bytes for every other key block at most.
func checkBlocks(size, kvLen int) error {
	blocks := float64((kvLen-1)/size + 1)
	if bytes := 8 * blocks * blocks; bytes > maxPatternBytes {
		return fmt.Errorf("a pattern of %.0f blocks, in a table of up to %.0f bytes: must be at most %d bytes", blocks, bytes, maxPatternBytes)
	}
	return nil
}

// A BlockPattern is a block-sparse mask: which blocks of Size keys the queries
// of a block see. Queries are placed on the key axis by [Problem.Position], so
// that a decode step sees what the same position saw in prefill.
type BlockPattern struct {
	size  int
	kvLen int
	name  string
	rows  [][]Interval // by query block; in keys, sorted and disjoint
}

// NewBlockPattern tabulates a pattern over kvLen keys: query block q sees key
// block k when visible(q, k). The name is what records call it. It panics when
// size is below MinBlockSize, kvLen is not positive, or there are more than
// 8192 blocks.
func NewBlockPattern(name string, size, kvLen int, visible func(q, k int) bool) *BlockPattern {
	if size < MinBlockSize || kvLen <= 0 || checkBlocks(size, kvLen) != nil {
		panic("kernels: block pattern size or length out of range")
	}
	blocks := (kvLen + size - 1) / size
	p := &BlockPattern{size: size, kvLen: kvLen, name: name, rows: make([][]Interval, blocks)}
	for q := range p.rows {
		for k := range blocks {
			if visible(q, k) {
				p.rows[q] = appendMerged(p.rows[q], 0, Interval{k * size, min((k+1)*size, kvLen)})
			}
		}
	}
	return p
}

// Size returns the block's edge in keys.
func (p *BlockPattern) Size() int { return p.size }

func (p *BlockPattern) row(pos int) []Interval {
	if pos < 0 || pos >= p.kvLen {
		return nil
	}
	return p.rows[pos/p.size]
}

func (p *BlockPattern) maxRuns() int {
	n := 0
	for _, row := range p.rows {
		n = max(n, len(row))
	}
	return n
}
