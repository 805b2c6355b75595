package flash

import (
	"math"
	"slices"

	"github.com/attnbench/attnbench/kernels"
	"github.com/attnbench/attnbench/kernels/internal/cpu"
	"github.com/attnbench/attnbench/kernels/internal/simd"
)

const (
	decodeQueries = 8    // at most, for the decode path: packing K would cost more than it saves
	splitKeys     = 2048 // keys of an item; fixed, so that results do not depend on threads
)

// How long before their use keys are fetched into the second-level cache, and how
// long before that their pages of memory are translated.
//
// Note: a core has few misses of the first-level cache under way, 24 on an EPYC
// of family 25, on which fetches into that cache read scattered pages at half
// the rate of memory. Rows in order that are used as fast as they come are followed
// by the hardware, and better if nothing is fetched far ahead.
const (
	aheadBytes     = 32 << 10
	nearBytes      = 2 << 10
	translateBytes = 64 << 10
)

// stretchKeys is for how many keys K is read, and then V.
const stretchKeys = 512

// scoresLD is the distance between rows of scores.
const scoresLD = stretchKeys + gap

// A decoder computes few queries against many keys (split-KV, as in
// Flash-Decoding): an item is a range of keys of one key head, for all queries
// of all heads that share it. K and V are read once, where they lie, and the
// parts are merged by their sums in order of the keys.
type decoder struct {
	cpu.Plan
	simd       *simd.Funcs
	pairs      *simd.Pairs // products of bfloat16, nil where all are of float32
	scale      [1]float32  // of the scores of pairs that are capped or biased
	layout     *cpu.Layout // one block: all queries
	splits     int
	rows       int // group·qLen: row g·qLen+i is query i of the group's g-th head
	room       int // rows that there is room for: whole quads of pairs
	ahead      int // how many keys ahead is fetched
	pages      int // of a sequence, where keys lie in pages
	aheadPages int // how many pages ahead is fetched there
	workers    []stream
	cols       int       // of acc
	acc        []float32 // [batch, kvHeads, splits, room, cols]: unnormalised outputs
	rowMax     []float32 // [batch, kvHeads, splits, room]
	rowSum     []float32
	tiny       []bool // [batch, kvHeads, splits]: see decoder.findTiny
}

// A stream is what one thread needs for an item.
type stream struct {
	group   int              // whose queries are loaded, or -1
	q       simd.Queries     // [rows, headDim], scaled
	pairs   simd.PairQueries // or as they are
	pieces  simd.Pieces
	scores  []float32 // [room, scoresLD]
	scales  []float32 // [rows]: that of a block, for each row
	state   simd.State
	scratch cpu.Scratch
	total   [2]float32 // maximum and sum of the row that is merged
	weights []float32  // [splits]: of its parts
}

func newDecoder(base cpu.Plan, opts kernels.Options) (kernels.Plan, error) {
	p := base.Problem
	d := &decoder{
		Plan: base, simd: simd.For(base.ISA()),
		splits: cpu.Ceil(p.KVLen, splitKeys), rows: p.Group() * p.QLen, cols: p.HeadDim,
	}
	d.room = d.rows
	if x := d.Pairs(); x != nil && decodesPairs(p, x) {
		d.usePairs(x)
	}
	rowBytes, ahead := p.HeadDim*int(p.KVDType.Size()), aheadBytes
	switch {
	case p.PageSize > 0:
		d.pages, d.aheadPages = cpu.Ceil(p.KVLen, p.PageSize), cpu.Ceil(ahead, rowBytes*p.PageSize)
	case d.rows <= simd.StreamRows && p.KVDType == kernels.Float32:
		ahead = nearBytes
	}
	d.ahead = cpu.Ceil(ahead, rowBytes)
	d.layout = cpu.NewLayout(&d.Problem, cpu.Blocking{Rows: p.QLen}, splitKeys)
	d.Hold(d.layout.Bytes())
	parts := p.Batch * p.KVHeads * d.splits * d.room
	if err := d.Carve(
		cpu.Room(&d.acc, parts*d.cols), cpu.Room(&d.rowMax, parts), cpu.Room(&d.rowSum, parts),
	); err != nil {
		return nil, err
	}
	for range d.Workers(opts.Threads) {
		s := stream{scratch: d.NewScratch(), pieces: simd.NewPieces(d.mostPieces())}
		var q []float32
		if err := d.Carve(
			cpu.Room(&q, d.queriesLen()), cpu.Room(&s.scores, d.room*scoresLD), cpu.Room(&s.scales, d.rows),
			cpu.Room(&s.weights, d.splits),
		); err != nil {
			return nil, err
		}
		d.Hold(s.pieces.Bytes())
		if d.pairs != nil {
			s.pairs = simd.NewPairQueries(simd.AsPairs(q), d.rows, p.HeadDim)
		} else {
			s.q = d.simd.NewQueries(q, d.rows, p.HeadDim)
		}
		d.workers = append(d.workers, s)
	}
	stage := d.StageQO
	if d.pairs != nil {
		stage = d.StageO
	}
	if err := stage(); err != nil {
		return nil, err
	}
	d.Start(opts.Threads, p.Batch*p.KVHeads*d.splits, d.item)
	d.Then(p.Batch*p.Heads, d.merge)
	return d, nil
}

// Run forgets the queries of the run before.
func (d *decoder) Run() error {
	for i := range d.workers {
		d.workers[i].group = -1
	}
	return d.Plan.Run()
}

// item takes a range of keys into the parts of its rows.
func (d *decoder) item(id, item int) {
	s, p := &d.workers[id], &d.Problem
	group, nth := item/d.splits, d.split(item%d.splits)
	batch, kvHead := group/p.KVHeads, group%p.KVHeads
	item = group*d.splits + nth
	at := item * d.room
	for i := at; i < at+d.rows; i++ {
		d.rowMax[i], d.rowSum[i] = float32(math.Inf(-1)), 0
	}
	split := kernels.Interval{Lo: nth * splitKeys, Hi: min((nth+1)*splitKeys, p.KVLen)}
	if s.group != group {
		s.group = group
		d.load(s, batch, kvHead)
	}
	for _, span := range d.layout.Union(batch, 0) {
		v := span.Interval().Intersect(split)
		for v.Len() > 0 {
			n := min(stretchKeys, v.Len())
			if d.pairs != nil && v.Lo%2 != 0 {
				n = 1 // pairs begin with even keys, so that none lies in two pages
			}
			d.attend(s, batch, kvHead, kernels.Interval{Lo: v.Lo, Hi: v.Lo + n}, at)
			v.Lo += n
		}
	}
	if d.pairs != nil {
		d.findTiny(s, batch, kvHead, item, split)
	}
}

// split returns the i-th split to compute: those of a worker, which take items by
// turns, lie one after another, so that what it fetches ahead at the end of one is its next.
func (d *decoder) split(i int) int {
	workers := len(d.workers)
	first := i % workers
	return first*(d.splits/workers) + min(first, d.splits%workers) + i/workers
}

// queriesLen is how many floats the queries of a group take.
func (d *decoder) queriesLen() int {
	if d.pairs != nil {
		return simd.PairQueriesLen(d.rows, d.Problem.HeadDim)
	}
	return d.simd.QueriesLen(d.rows, d.Problem.HeadDim)
}

// load lays out the group's queries, scaled unless they are pairs.
func (d *decoder) load(s *stream, batch, kvHead int) {
	p := &d.Problem
	for r := range d.rows {
		head, i := kvHead*p.Group()+r/p.QLen, r%p.QLen
		if d.pairs != nil {
			s.pairs.Set(r, d.Q.Half[d.Q.Offset(batch, head, i):])
		} else {
			s.q.Set(r, d.Q.Row(batch, head, i), d.ScaleLog2())
		}
	}
}

// attend takes an interval of keys into the parts that begin at row at.
func (d *decoder) attend(s *stream, batch, kvHead int, keys kernels.Interval, at int) {
	if d.pairs != nil {
		d.attendPairs(s, batch, kvHead, keys, at)
		return
	}
	f, dim := d.simd, d.Problem.HeadDim
	f.Dots(s.scores, scoresLD, s.q, d.readAll(s, &d.K, batch, kvHead, keys))
	d.applyScales(s, &d.K, batch, kvHead, keys)
	d.shape(s, batch, kvHead, keys)
	for r := 0; r < d.rows; r += simd.MaxRows {
		rows := min(simd.MaxRows, d.rows-r)
		s.state.RowMax, s.state.RowSum = d.rowMax[at+r:][:rows], d.rowSum[at+r:][:rows]
		f.Weigh(d.acc[(at+r)*dim:], dim, s.scores[r*scoresLD:], scoresLD, rows, keys.Len(), dim, &s.state)
	}
	d.applyScales(s, &d.V, batch, kvHead, keys)
	f.AddWeighted(d.acc[at*dim:], dim, s.scores, scoresLD, d.readAll(s, &d.V, batch, kvHead, keys), d.rows)
}

// applyScales multiplies the scores, which are those of bytes, by the scales of K, or
// the weights by those of V, whose bytes they are to meet.
func (d *decoder) applyScales(s *stream, t *kernels.Tensor, batch, kvHead int, keys kernels.Interval) {
	if t.DType != kernels.Int8 {
		return
	}
	for i := keys.Lo; i < keys.Hi; {
		block, x := t.Block(i).Intersect(kernels.Interval{Lo: i, Hi: keys.Hi}), s.scores[i-keys.Lo:]
		for r, scale := 0, *t.Scale(batch, kvHead, i); r < d.rows; r++ {
			s.scales[r] = scale
		}
		d.simd.Scale(x, scoresLD, x, scoresLD, d.rows, block.Len(), s.scales)
		i = block.Hi
	}
}

// mostPieces is how many pieces there are at once: pages, or the parts of a row.
func (d *decoder) mostPieces() int {
	pages := 1
	if d.Problem.PageSize > 0 {
		pages = cpu.Ceil(stretchKeys, d.Problem.PageSize) + 1
	}
	return max(pages, d.splits)
}

// readAll returns an interval of keys or values, to be read in order: see read.
func (d *decoder) readAll(s *stream, t *kernels.Tensor, batch, kvHead int, keys kernels.Interval) *simd.Pieces {
	s.pieces.Reset(stored(t, 0), d.Problem.HeadDim)
	for i := keys.Lo; i < keys.Hi; {
		at, n, next, beyond := d.read(t, batch, kvHead, i, keys.Hi)
		var a simd.Ahead
		if next >= 0 {
			a = simd.Ahead{Next: s.pieces.Place(next), Beyond: beyond * int(t.DType.Size())}
		}
		s.pieces.Add(at, n, a)
		i += n
	}
	return &s.pieces
}

// read returns the element where the rows of t from a key on lie one after another,
// below a limit, and how many they are. Meanwhile those are fetched that lie as far ahead, in
// whole pages where there are any, so that no fetch crosses a page: from next on, which is
// negative if there are none. Beyond is the distance in elements to what is translated.
func (d *decoder) read(t *kernels.Tensor, batch, kvHead, key, limit int) (at, n, next, beyond int) {
	if d.pages == 0 {
		at, next = t.Offset(batch, kvHead, key), -1
		if key+d.ahead < d.Problem.KVLen {
			next = at + d.ahead*t.RowStride
		}
		return at, limit - key, next, translateBytes / int(t.DType.Size())
	}
	// Note: without Offset, which divides more often.
	page, row := key/t.PageSize, key%t.PageSize
	pages, in := t.Pages[batch*d.pages:][:d.pages], kvHead*t.HeadStride+row*t.RowStride
	at, next = int(pages[page])*t.BatchStride+in, -1
	if far := page + d.aheadPages; far < len(pages) {
		next = int(pages[far])*t.BatchStride + in
		beyond = int(pages[min(far+1, len(pages)-1)]-pages[far]) * t.BatchStride
	}
	return at, min(limit-key, t.PageSize-row), next, beyond
}

// stored returns K or V from an element on.
func stored(t *kernels.Tensor, at int) simd.Stored {
	x := simd.Stored{DType: t.DType, LD: t.RowStride}
	switch t.DType {
	case kernels.Float32:
		x.Float32 = t.Float32[at:]
	case kernels.Int8:
		x.Int8 = t.Int8[at:]
	default:
		x.Half = t.Half[at:]
	}
	return x
}

// shape turns the scores into logits.
func (d *decoder) shape(s *stream, batch, kvHead int, keys kernels.Interval) {
	full := cpu.Covers(d.layout.Common(batch, 0), keys)
	if full && !d.Shaped() {
		return
	}
	for r := 0; r < d.rows; r += d.simd.Rows {
		d.Logits(s.scores[r*scoresLD:], scoresLD, min(d.simd.Rows, d.rows-r), batch, kvHead*d.Problem.Group(), r, keys, full, &s.scratch)
	}
}

// mergedRow is where the parts of an output are added up, in the order of their
// columns.
func (d *decoder) mergedRow(s *stream, batch, head, query int) []float32 {
	if d.pairs != nil {
		return s.scores[:d.cols]
	}
	return d.O.Row(batch, head, query)
}

// merge adds up the parts of one head's queries, relative to the greatest of
// their maxima, and normalises.
func (d *decoder) merge(id, item int) {
	s, p := &d.workers[id], &d.Problem
	batch, head := item/p.Heads, item%p.Heads
	group := batch*p.KVHeads + head/p.Group()
	for i := range p.QLen {
		first := group*d.splits*d.room + head%p.Group()*p.QLen + i
		m := float32(math.Inf(-1))
		for split := range d.splits {
			m = max(m, d.rowMax[first+split*d.room])
		}
		sum, o := float32(0), d.mergedRow(s, batch, head, i)
		clear(o)
		s.pieces.Reset(simd.Stored{Float32: d.acc, LD: d.cols}, d.cols)
		weights := s.weights[:0]
		for split := range d.splits {
			part := first + split*d.room
			if d.rowSum[part] == 0 && math.IsInf(float64(d.rowMax[part]), -1) {
				continue // saw nothing, and its acc was not written
			}
			weight := float32(math.Exp2(float64(d.rowMax[part] - m)))
			sum += weight * d.rowSum[part]
			weights = append(weights, weight)
			s.pieces.Add(part*d.cols, 1, simd.Ahead{})
		}
		d.simd.AddWeighted(o, d.cols, weights, d.splits, &s.pieces, 1)
		if d.pairs != nil {
			inOrder(d.O.Row(batch, head, i), o)
		}
		b := cpu.Block{Batch: batch, Head: head, KVHead: head / p.Group(), Queries: kernels.Interval{Lo: i, Hi: i + 1}}
		s.total[0], s.total[1] = m, sum
		d.Normalise(d.simd, b, s.total[:1], s.total[1:], &s.scratch)
		if d.pairs != nil && slices.Contains(d.tiny[group*d.splits:][:d.splits], true) {
			repairTiny(&d.Plan, b, &s.scratch)
		}
	}
}
