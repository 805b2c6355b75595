package flash

import "github.com/attnbench/attnbench/kernels"

// A layout is the mask seen by blocks of queries: what each block has to visit
// and where it needs no masking. It is made once, for a mask does not change.
type layout struct {
	rows    int // queries in a block
	blocks  int // of one batch element
	union   spans
	common  spans
	touched []kernels.Interval // [batch, chunk]: the blocks that see some of its keys
	chunks  int                // of one batch element
	shared  bool               // all batch elements have the same
}

// A spans holds a list of intervals for each block of each batch element.
type spans struct {
	flat  []kernels.Interval
	start []int
}

func (s *spans) add(list []kernels.Interval) {
	if s.start == nil {
		s.start = []int{0}
	}
	s.flat = append(s.flat, list...)
	s.start = append(s.start, len(s.flat))
}

func (s *spans) at(i int) []kernels.Interval { return s.flat[s.start[i]:s.start[i+1]] }

func (s *spans) bytes() int64 { return 16*int64(cap(s.flat)) + 8*int64(cap(s.start)) }

func newLayout(p *kernels.Problem, rows, tileKV int) *layout {
	l := &layout{
		rows: rows, blocks: ceil(p.QLen, rows), chunks: ceil(p.KVLen, tileKV),
		shared: p.Mask.KeyLens == nil,
	}
	batches := p.Batch
	if l.shared {
		batches = 1
	}
	l.touched = make([]kernels.Interval, batches*l.chunks)
	seen := kernels.NewRows(p, rows)
	for b := range batches {
		for block := range l.blocks {
			seen.Reset(b, l.queries(block, p.QLen))
			union := seen.Union()
			l.touch(b, block, union, tileKV)
			l.union.add(union)
			l.common.add(seen.Common())
		}
	}
	return l
}

// touch notes the chunks that a block visits.
func (l *layout) touch(batch, block int, union []kernels.Interval, tileKV int) {
	for _, v := range union {
		for c := v.Lo / tileKV; c*tileKV < v.Hi; c++ {
			t := &l.touched[batch*l.chunks+c]
			if t.Len() == 0 {
				t.Lo = block
			}
			t.Hi = block + 1
		}
	}
}

// queries returns the queries of a block.
func (l *layout) queries(block, qLen int) kernels.Interval {
	return kernels.Interval{Lo: block * l.rows, Hi: min((block+1)*l.rows, qLen)}
}

func (l *layout) index(batch, block int) int {
	if l.shared {
		batch = 0
	}
	return batch*l.blocks + block
}

// blocksOf returns the blocks that see some keys of a chunk, and perhaps
// blocks between them that do not.
func (l *layout) blocksOf(batch, chunk int) kernels.Interval {
	if l.shared {
		batch = 0
	}
	return l.touched[batch*l.chunks+chunk]
}

// bytes returns the memory that l holds.
func (l *layout) bytes() int64 {
	return l.union.bytes() + l.common.bytes() + 16*int64(cap(l.touched))
}

// covered reports whether one interval of the list holds all of v.
func covered(list []kernels.Interval, v kernels.Interval) bool {
	for _, c := range list {
		if c.Lo <= v.Lo && v.Hi <= c.Hi {
			return true
		}
	}
	return false
}

func ceil(n, unit int) int { return (n + unit - 1) / unit }
