package cpu

import (
	"slices"

	"github.com/attnbench/attnbench/kernels"
)

// A Layout is the mask seen by blocks of queries: what each block has to visit
// and where it needs no masking. It is made once, for a mask does not change.
type Layout struct {
	Blocking
	Blocks int // of one batch element
	Chunks int // of keys, of one batch element

	union   spans
	common  spans
	touched []kernels.Interval // [batch, chunk]: the blocks that see some of its keys
	rows    []Span             // [batch, query]: what each sees, where KeepRows found one interval
	qLen    int
	shared  bool   // all batch elements have the same
	cut     []bool // [batch, block]: its queries see different keys
}

// A Span is an interval of keys in half the space: a layout has some for every
// few queries, and workspace is reported.
type Span struct{ Lo, Hi int32 }

// Interval returns the span as one.
func (s Span) Interval() kernels.Interval { return kernels.Interval{Lo: int(s.Lo), Hi: int(s.Hi)} }

// A spans holds a list of intervals for each block of each batch element.
type spans struct {
	flat  []Span
	start []int32
}

func newSpans(blocks int) spans {
	return spans{flat: make([]Span, 0, blocks), start: append(make([]int32, 0, blocks+1), 0)}
}

func (s *spans) add(list []kernels.Interval) {
	for _, v := range list {
		s.flat = append(s.flat, Span{int32(v.Lo), int32(v.Hi)})
	}
	s.start = append(s.start, int32(len(s.flat)))
}

func (s *spans) at(i int) []Span { return s.flat[s.start[i]:s.start[i+1]] }

func (s *spans) bytes() int64 { return 8*int64(cap(s.flat)) + 4*int64(cap(s.start)) }

// NewLayout works out what blocks of queries see in chunks of tileKV keys.
func NewLayout(p *kernels.Problem, by Blocking, tileKV int) *Layout {
	l := &Layout{
		Blocking: by, Blocks: by.Count(p.QLen), Chunks: Ceil(p.KVLen, tileKV),
		qLen: p.QLen, shared: p.Mask.KeyLens == nil,
	}
	batches := p.Batch
	if l.shared {
		batches = 1
	}
	l.union, l.common = newSpans(batches*l.Blocks), newSpans(batches*l.Blocks)
	l.cut = make([]bool, 0, batches*l.Blocks)
	l.touched = make([]kernels.Interval, batches*l.Chunks)
	seen := kernels.NewRows(p, by.Rows)
	for b := range batches {
		for block := range l.Blocks {
			seen.Reset(b, l.Queries(block))
			union := seen.Union()
			l.touch(b, block, union, tileKV)
			common := seen.Common()
			l.cut = append(l.cut, !slices.Equal(union, common))
			l.union.add(union)
			l.common.add(common)
		}
	}
	return l
}

// KeepRows notes what each query sees, if blocks are cut and no query sees more
// than one interval.
func (l *Layout) KeepRows(p *kernels.Problem) {
	if !slices.Contains(l.cut, true) {
		return
	}
	batches := p.Batch
	if l.shared {
		batches = 1
	}
	rows, visible := make([]Span, 0, batches*p.QLen), make([]kernels.Interval, 0, p.Mask.MaxIntervals())
	for i := range cap(rows) {
		visible = p.AppendVisible(visible[:0], i/p.QLen, i%p.QLen)
		switch len(visible) {
		case 0:
			rows = append(rows, Span{})
		case 1:
			rows = append(rows, Span{int32(visible[0].Lo), int32(visible[0].Hi)})
		default:
			return
		}
	}
	l.rows = rows
}

// Row returns the one interval that a query sees, false where KeepRows keeps
// none.
func (l *Layout) Row(batch, query int) (Span, bool) {
	if l.rows == nil {
		return Span{}, false
	}
	if l.shared {
		batch = 0
	}
	return l.rows[batch*l.qLen+query], true
}

// touch notes the chunks that a block visits.
func (l *Layout) touch(batch, block int, union []kernels.Interval, tileKV int) {
	for _, v := range union {
		for c := v.Lo / tileKV; c*tileKV < v.Hi; c++ {
			t := &l.touched[batch*l.Chunks+c]
			if t.Len() == 0 {
				t.Lo = block
			}
			t.Hi = block + 1
		}
	}
}

// Queries returns the queries of a block.
func (l *Layout) Queries(block int) kernels.Interval {
	v := l.Block(block)
	return kernels.Interval{Lo: v.Lo, Hi: min(v.Hi, l.qLen)}
}

func (l *Layout) index(batch, block int) int {
	if l.shared {
		batch = 0
	}
	return batch*l.Blocks + block
}

// Union returns the keys that some query of a block sees, and Common those
// that all of them see, as sorted disjoint intervals.
func (l *Layout) Union(batch, block int) []Span { return l.union.at(l.index(batch, block)) }

// Common: see Union.
func (l *Layout) Common(batch, block int) []Span {
	return l.common.at(l.index(batch, block))
}

// Sees reports whether all queries of a block see all of v, which some see.
func (l *Layout) Sees(batch, block int, v kernels.Interval) bool {
	return !l.cut[l.index(batch, block)] || Covers(l.Common(batch, block), v)
}

// Widest returns the most intervals that the union of any block has.
func (l *Layout) Widest() int {
	n := 0
	for i := range len(l.union.start) - 1 {
		n = max(n, len(l.union.at(i)))
	}
	return n
}

// BlocksOf returns the blocks that see some keys of a chunk, and perhaps
// blocks between them that do not.
func (l *Layout) BlocksOf(batch, chunk int) kernels.Interval {
	if l.shared {
		batch = 0
	}
	return l.touched[batch*l.Chunks+chunk]
}

// Bytes returns the memory that l holds.
func (l *Layout) Bytes() int64 {
	return l.union.bytes() + l.common.bytes() + 16*int64(cap(l.touched)) + 8*int64(cap(l.rows)) + int64(cap(l.cut))
}

// Covers reports whether one interval of the list holds all of v.
func Covers(list []Span, v kernels.Interval) bool {
	for _, c := range list {
		if int(c.Lo) <= v.Lo && v.Hi <= int(c.Hi) {
			return true
		}
	}
	return false
}

// Ceil returns n/unit, rounded up.
func Ceil(n, unit int) int { return (n + unit - 1) / unit }
