package external

import (
	"runtime"
	"slices"
	"unsafe"

	"github.com/attnbench/attnbench/kernels"
)

// newProblem states p as C does, pinned, without the mask's rows.
func newProblem(p *kernels.Problem, pins *runtime.Pinner) *problem {
	m := &p.Mask
	c := &problem{
		size:  unsafe.Sizeof(problem{}),
		batch: int64(p.Batch), heads: int64(p.Heads), kvHeads: int64(p.KVHeads),
		qLen: int64(p.QLen), kvLen: int64(p.KVLen), headDim: int64(p.HeadDim),
		dtype: int64(p.DType), kvDType: int64(p.KVDType), pageSize: int64(p.PageSize),
		scale: p.EffectiveScale(), softcap: p.Softcap, sinkLogits: flag(p.SinkLogits),
		causal: flag(m.Causal), windowLeft: -1, windowRight: -1, sinks: int64(m.Sinks),
	}
	if p.ALiBi {
		slopes := make([]float32, p.Heads)
		for h := range slopes {
			slopes[h] = float32(p.ALiBiSlope(h))
		}
		c.alibi = slice(pins, slopes)
	}
	if w := m.Window; w != nil {
		c.windowLeft, c.windowRight = int64(w.Left), int64(w.Right)
	}
	if m.KeyLens != nil {
		lens := make([]int64, len(m.KeyLens))
		for b, n := range m.KeyLens {
			lens[b] = int64(n)
		}
		c.keyLens = slice(pins, lens)
	}
	if m.Packing != nil {
		c.packed = int64(len(m.Packing.K) - 1)
	}
	if m.Blocks != nil {
		c.blockSize = int64(m.Blocks.Size())
	}
	return c
}

// maxRows bounds the bytes of a mask's rows.
const maxRows = 1 << 30

// rows is a mask by its rows. Neighbours that see the same share their intervals.
type rows struct {
	intervals    []interval
	first, count []int64
	position     []int64
	shared       bool // all batch elements have the same
	bytes        int64
}

// newRows returns the rows of p's mask, and false where they are too many.
func newRows(p *kernels.Problem) (*rows, bool) {
	batches := p.Batch
	shared := p.Mask.KeyLens == nil
	if shared {
		batches = 1
	}
	const perInterval, perRow, perQuery = 16, 16, 8
	n := int64(batches) * int64(p.QLen)
	bytes := n*perRow + int64(p.QLen)*perQuery
	if bytes > maxRows {
		return nil, false
	}
	r := &rows{first: make([]int64, 0, n), count: make([]int64, 0, n), position: make([]int64, p.QLen), shared: shared}
	for i := range r.position {
		r.position[i] = int64(p.Position(i))
	}
	var seen, before []kernels.Interval
	for at := range int(n) {
		seen, before = p.AppendVisible(before[:0], at/p.QLen, at%p.QLen), seen
		if at > 0 && slices.Equal(seen, before) {
			r.first, r.count = append(r.first, r.first[at-1]), append(r.count, r.count[at-1])
			continue
		}
		r.first, r.count = append(r.first, int64(len(r.intervals))), append(r.count, int64(len(seen)))
		for _, v := range seen {
			r.intervals = append(r.intervals, interval{int64(v.Lo), int64(v.Hi)})
		}
		if bytes+int64(len(r.intervals))*perInterval > maxRows {
			return nil, false
		}
	}
	r.bytes = bytes + int64(cap(r.intervals))*perInterval
	return r, true
}

// give adds r to what C is given.
func (r *rows) give(c *problem, pins *runtime.Pinner) {
	c.intervals, c.first, c.count = slice(pins, r.intervals), slice(pins, r.first), slice(pins, r.count)
	c.position = slice(pins, r.position)
	if !r.shared {
		c.batchRows = c.qLen
	}
}
