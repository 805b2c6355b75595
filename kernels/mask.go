package kernels

import (
	"errors"
	"fmt"
)

// An Interval is the half-open range [Lo, Hi) of key positions.
type Interval struct{ Lo, Hi int }

// Len returns the number of positions, 0 for an inverted interval.
func (v Interval) Len() int { return max(0, v.Hi-v.Lo) }

// Intersect returns the common part, which may be empty.
func (v Interval) Intersect(w Interval) Interval {
	return Interval{max(v.Lo, w.Lo), min(v.Hi, w.Hi)}
}

// A Window bounds how far a query sees to each side of its own position, in
// keys; −1 is unbounded (Longformer, arXiv:2004.05150).
type Window struct{ Left, Right int }

// A Mask says which keys a query may see. The zero value is full attention.
//
// The parts intersect, but for the sinks, which add: they stay visible where
// window or block pattern would hide them.
//
// Note: sinks never override Causal or KeyLens. A leading key that lies in a
// query's future, or in a sequence's padding, is no sink but a leak.
type Mask struct {
	Causal  bool
	Window  *Window       // nil: no window
	Sinks   int           // leading keys of a sequence always visible (StreamingLLM, arXiv:2309.17453)
	KeyLens []int         // valid keys of each batch element; nil: all
	Blocks  *BlockPattern // nil: no pattern
	Packing *Packing      // nil: one sequence a batch element
}

func (m Mask) validate(p Problem) error {
	var errs []error
	if w := m.Window; w != nil && (w.Left < -1 || w.Right < -1) {
		errs = append(errs, fmt.Errorf("mask: window %d:%d: sides must be at least 0, or -1 for unbounded", w.Left, w.Right))
	}
	if m.Sinks < 0 {
		errs = append(errs, fmt.Errorf("mask: sinks %d: must not be negative", m.Sinks))
	}
	if m.KeyLens != nil && len(m.KeyLens) != p.Batch {
		errs = append(errs, fmt.Errorf("mask: %d key lengths: must be one for each of %d batch elements", len(m.KeyLens), p.Batch))
	}
	for b, n := range m.KeyLens {
		if n < 0 || n > p.KVLen {
			errs = append(errs, fmt.Errorf("mask: key length %d of batch element %d: must be in 0..%d", n, b, p.KVLen))
		}
	}
	if m.Packing != nil {
		errs = append(errs, m.Packing.validate(p))
	}
	if m.Packing != nil && m.KeyLens != nil {
		errs = append(errs, errors.New("mask: key lengths beside a packing: shorten the packed sequences"))
	}
	if m.Blocks != nil && m.Blocks.kvLen != p.KVLen {
		errs = append(errs, fmt.Errorf("mask: block pattern for kvLen %d: must be for %d", m.Blocks.kvLen, p.KVLen))
	}
	return errors.Join(errs...)
}

// locate returns the keys of a query's sequence and the query's place on the
// key axis.
func (m Mask) locate(query, qLen, kvLen int) (seq Interval, pos int) {
	if m.Packing != nil {
		return m.Packing.locate(query)
	}
	return Interval{0, kvLen}, query + kvLen - qLen
}

// appendVisible is the one function that decides visibility: seq and pos are
// what locate says of the query.
func (m Mask) appendVisible(dst []Interval, batch int, seq Interval, pos int) []Interval {
	allowed := seq
	if m.KeyLens != nil {
		allowed.Hi = min(allowed.Hi, m.KeyLens[batch])
	}
	if m.Causal {
		allowed.Hi = min(allowed.Hi, pos+1)
	}
	near := allowed
	if w := m.Window; w != nil {
		if w.Left >= 0 && w.Left < pos-near.Lo { // never overflows, unlike pos−Left
			near.Lo = pos - w.Left
		}
		if w.Right >= 0 && w.Right < near.Hi-1-pos {
			near.Hi = pos + w.Right + 1
		}
	}
	first := len(dst)
	dst = appendMerged(dst, first, Interval{seq.Lo, seq.Lo + min(m.Sinks, allowed.Hi-seq.Lo)})
	if m.Blocks == nil {
		return appendMerged(dst, first, near)
	}
	for _, run := range m.Blocks.row(pos) {
		dst = appendMerged(dst, first, run.Intersect(near))
	}
	return dst
}

// appendMerged appends v, whose Lo is not below that of the last interval, and
// joins it to its predecessor in dst[first:] when they touch.
func appendMerged(dst []Interval, first int, v Interval) []Interval {
	if v.Len() == 0 {
		return dst
	}
	if n := len(dst); n > first && v.Lo <= dst[n-1].Hi {
		dst[n-1].Hi = max(dst[n-1].Hi, v.Hi)
		return dst
	}
	return append(dst, v)
}

// MaxIntervals bounds the intervals of any one row.
func (m Mask) MaxIntervals() int {
	if m.Blocks == nil {
		return 2
	}
	return 1 + m.Blocks.maxRuns()
}
