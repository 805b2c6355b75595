package cpu

import "github.com/attnbench/attnbench/kernels"

// A Blocking cuts the queries into blocks of rows. Where it has a period, the
// last block of each so many queries ends with it, however few it has.
type Blocking struct{ Rows, Period int }

// Along is a blocking whose blocks lie within the blocks of the problem's
// pattern, if that is possible: a block that meets two rows of a pattern sees
// what either does, and each of its queries only half of that.
func Along(p *kernels.Problem, rows int) Blocking {
	b := Blocking{Rows: rows}
	if p.Mask.Blocks == nil {
		return b
	}
	if size := p.Mask.Blocks.Size(); p.Position(0)%size == 0 && size > rows {
		b.Period = size
	}
	return b
}

// Unit is the least number of queries, but for one block's, that are whole
// blocks wherever they follow on such.
func (b Blocking) Unit() int { return max(b.Rows, b.Period) }

// Count returns how many blocks so many queries have.
func (b Blocking) Count(queries int) int {
	if b.Period == 0 {
		return Ceil(queries, b.Rows)
	}
	return queries/b.Period*Ceil(b.Period, b.Rows) + Ceil(queries%b.Period, b.Rows)
}

// Block returns the queries of a block.
func (b Blocking) Block(i int) kernels.Interval {
	if b.Period == 0 {
		return kernels.Interval{Lo: i * b.Rows, Hi: (i + 1) * b.Rows}
	}
	per := Ceil(b.Period, b.Rows)
	start := i / per * b.Period
	lo := start + i%per*b.Rows
	return kernels.Interval{Lo: lo, Hi: min(lo+b.Rows, start+b.Period)}
}
