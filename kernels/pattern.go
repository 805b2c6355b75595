package kernels

// MinBlockSize is the smallest block of a BlockPattern, in keys.
const MinBlockSize = 16

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
// size is below MinBlockSize or kvLen is not positive.
func NewBlockPattern(name string, size, kvLen int, visible func(q, k int) bool) *BlockPattern {
	if size < MinBlockSize || kvLen <= 0 {
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
