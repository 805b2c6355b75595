package kernels

import "slices"

// A TileClass says how much of a tile is visible.
type TileClass uint8

// The classes of a tile: no pair visible, some, all.
const (
	Empty TileClass = iota
	Partial
	Full
)

// Rows holds the visible intervals of a block of consecutive queries, for
// kernels that work by tiles. It allocates in NewRows only.
type Rows struct {
	problem *Problem
	flat    []Interval
	union   []Interval
	common  []Interval
	start   []int // row r of the block is flat[start[r]:start[r+1]]
}

// NewRows returns room for blocks of up to tileQ queries of p.
func NewRows(p *Problem, tileQ int) *Rows {
	return &Rows{
		problem: p,
		flat:    make([]Interval, 0, tileQ*p.Mask.MaxIntervals()),
		union:   make([]Interval, 0, tileQ*p.Mask.MaxIntervals()),
		common:  make([]Interval, 0, 2*p.Mask.MaxIntervals()),
		start:   make([]int, 0, tileQ+1),
	}
}

// Reset makes r the rows of the queries [q.Lo, q.Hi) of a batch element.
func (r *Rows) Reset(batch int, q Interval) {
	r.flat, r.start = r.flat[:0], append(r.start[:0], 0)
	for i := q.Lo; i < q.Hi; i++ {
		r.flat = r.problem.AppendVisible(r.flat, batch, i)
		r.start = append(r.start, len(r.flat))
	}
}

// Row returns the visible intervals of the i-th query of the block.
func (r *Rows) Row(i int) []Interval { return r.flat[r.start[i]:r.start[i+1]] }

// Len returns the number of queries in the block.
func (r *Rows) Len() int { return len(r.start) - 1 }

// Union returns the keys that at least one query of the block sees, as sorted
// disjoint intervals that are valid until the next call.
func (r *Rows) Union() []Interval {
	r.union = append(r.union[:0], r.flat...)
	slices.SortFunc(r.union, func(a, b Interval) int { return a.Lo - b.Lo })
	merged := r.union[:0]
	for _, v := range r.union {
		merged = appendMerged(merged, 0, v)
	}
	return merged
}

// Common returns the keys that every query of the block sees, as sorted
// disjoint intervals that are valid until the next call.
func (r *Rows) Common() []Interval {
	r.common = append(r.common[:0], r.Row(0)...)
	for i := 1; i < r.Len(); i++ {
		n := len(r.common)
		r.common = appendCommon(r.common, r.common[:n], r.Row(i))
		r.common = r.common[:copy(r.common, r.common[n:])]
	}
	return r.common
}

// appendCommon appends the intersection of two lists of sorted disjoint
// intervals.
func appendCommon(dst, a, b []Interval) []Interval {
	for len(a) > 0 && len(b) > 0 {
		if v := a[0].Intersect(b[0]); v.Len() > 0 {
			dst = append(dst, v)
		}
		if a[0].Hi < b[0].Hi {
			a = a[1:]
		} else {
			b = b[1:]
		}
	}
	return dst
}

// Class returns the class of the tile of this block's queries and the keys k.
func (r *Rows) Class(k Interval) TileClass {
	full, some := true, false
	for i := range r.Len() {
		n := 0
		for _, v := range r.Row(i) {
			n += v.Intersect(k).Len()
		}
		full = full && n == k.Len()
		some = some || n > 0
	}
	switch {
	case !some:
		return Empty
	case full:
		return Full
	}
	return Partial
}

// Bytes returns the memory that r holds, for a plan's workspace.
func (r *Rows) Bytes() int64 {
	const word = 8
	return int64(cap(r.flat)+cap(r.union)+cap(r.common))*2*word + int64(cap(r.start))*word
}
