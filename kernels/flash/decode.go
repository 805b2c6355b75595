package flash

import (
	"math"

	"github.com/attnbench/attnbench/kernels"
	"github.com/attnbench/attnbench/kernels/internal/cpu"
	"github.com/attnbench/attnbench/kernels/internal/simd"
)

const (
	decodeQueries = 8    // at most, for the decode path: packing K would cost more than it saves
	splitKeys     = 2048 // keys of an item; fixed, so that results do not depend on threads
)

// aheadBytes is how long before their use keys are fetched, line by line: late
// enough that they are still in the first-level cache, where loads that they
// would keep waiting find them.
const aheadBytes = 16 << 10

// stretchKeys returns for how many keys K is read, and then V.
func stretchKeys(rows int, t kernels.DType) int {
	switch {
	case rows > simd.StreamRows:
		return 256
	case t != kernels.Float32:
		return 1024
	}
	return splitKeys
}

// A decoder computes few queries against many keys (split-KV, as in
// Flash-Decoding): an item is a range of keys of one key head, for all queries
// of all heads that share it. K and V are read once, where they lie, and the
// parts are merged by their sums in order of the keys.
type decoder struct {
	cpu.Plan
	simd    *simd.Funcs
	layout  *cpu.Layout // one block: all queries
	splits  int
	rows    int  // group·qLen: row g·qLen+i is query i of the group's g-th head
	stretch int  // keys whose K, then V is read
	streams bool // whether memory is read by loads alone, in order, and only pages are translated in time
	ahead   int  // keys of aheadBytes
	again   bool // whether V is read more than once, some columns at a time
	workers []stream
	acc     []float32 // [batch, kvHeads, splits, rows, headDim]: unnormalised outputs
	rowMax  []float32 // [batch, kvHeads, splits, rows]
	rowSum  []float32
}

// A stream is what one thread needs for an item.
type stream struct {
	q       simd.Queries // [rows, headDim], scaled
	scores  []float32    // [rows, lds]
	state   simd.State
	scratch cpu.Scratch
	total   [2]float32 // maximum and sum of the row that is merged
}

func newDecoder(base cpu.Plan, opts kernels.Options) (kernels.Plan, error) {
	p := base.Problem
	d := &decoder{
		Plan: base, simd: simd.For(base.ISA()),
		splits: cpu.Ceil(p.KVLen, splitKeys), rows: p.Group() * p.QLen,
	}
	d.stretch = stretchKeys(d.rows, p.KVDType)
	d.again = d.rows > simd.StreamRows
	d.streams = !d.again && p.KVDType == kernels.Float32
	d.ahead = cpu.Ceil(aheadBytes, p.HeadDim*int(p.KVDType.Size()))
	d.layout = cpu.NewLayout(&d.Problem, cpu.Blocking{Rows: p.QLen}, splitKeys)
	d.Hold(d.layout.Bytes())
	parts := p.Batch * p.KVHeads * d.splits * d.rows
	if err := d.Carve(
		cpu.Room(&d.acc, parts*p.HeadDim), cpu.Room(&d.rowMax, parts), cpu.Room(&d.rowSum, parts),
	); err != nil {
		return nil, err
	}
	for range d.Workers(opts.Threads) {
		s := stream{scratch: d.NewScratch()}
		var q []float32
		if err := d.Carve(
			cpu.Room(&q, d.simd.QueriesLen(d.rows, p.HeadDim)), cpu.Room(&s.scores, d.rows*d.lds()),
		); err != nil {
			return nil, err
		}
		s.q = d.simd.NewQueries(q, d.rows, p.HeadDim)
		d.workers = append(d.workers, s)
	}
	if err := d.StageQO(); err != nil {
		return nil, err
	}
	d.Start(opts.Threads, p.Batch*p.KVHeads*d.splits, d.item)
	d.Then(p.Batch*p.Heads, d.merge)
	return d, nil
}

// item takes a range of keys into the parts of its rows.
func (d *decoder) item(id, item int) {
	s, p := &d.workers[id], &d.Problem
	batch, kvHead := item/d.splits/p.KVHeads, item/d.splits%p.KVHeads
	at := item * d.rows
	for i := at; i < at+d.rows; i++ {
		d.rowMax[i], d.rowSum[i] = float32(math.Inf(-1)), 0
	}
	split := kernels.Interval{Lo: item % d.splits * splitKeys, Hi: min((item%d.splits+1)*splitKeys, p.KVLen)}
	d.load(s, batch, kvHead)
	for _, span := range d.layout.Union(batch, 0) {
		v := span.Interval().Intersect(split)
		for v.Len() > 0 {
			keys := kernels.Interval{Lo: v.Lo, Hi: min(v.Lo+d.stretch, v.Hi)}
			d.attend(s, batch, kvHead, keys, at)
			v.Lo = keys.Hi
		}
	}
}

// lds is the distance between rows of scores.
func (d *decoder) lds() int { return d.stretch + gap }

// load scales the group's queries into place.
func (d *decoder) load(s *stream, batch, kvHead int) {
	p := &d.Problem
	for r := range d.rows {
		s.q.Set(r, d.Q.Row(batch, kvHead*p.Group()+r/p.QLen, r%p.QLen), d.ScaleLog2())
	}
}

// attend takes an interval of keys into the parts that begin at row at.
func (d *decoder) attend(s *stream, batch, kvHead int, keys kernels.Interval, at int) {
	f, dim, lds := d.simd, d.Problem.HeadDim, d.lds()
	for i, n := keys.Lo, 0; i < keys.Hi; i += n {
		n = d.together(&d.K, i, keys.Hi, false)
		k := stored(&d.K, batch, kvHead, i)
		f.Dots(s.scores[i-keys.Lo:], lds, s.q, k, n, d.next(&d.K, batch, kvHead, i, n))
	}
	d.shape(s, batch, kvHead, keys)
	for r := 0; r < d.rows; r += simd.MaxRows {
		rows := min(simd.MaxRows, d.rows-r)
		s.state.RowMax, s.state.RowSum = d.rowMax[at+r:][:rows], d.rowSum[at+r:][:rows]
		f.Weigh(d.acc[(at+r)*dim:], dim, s.scores[r*lds:], lds, rows, keys.Len(), dim, &s.state)
	}
	for i, n := keys.Lo, 0; i < keys.Hi; i += n {
		n = d.together(&d.V, i, keys.Hi, d.again)
		v := stored(&d.V, batch, kvHead, i)
		f.AddWeighted(d.acc[at*dim:], dim, s.scores[i-keys.Lo:], lds, v, d.rows, n, dim, d.next(&d.V, batch, kvHead, i, n))
	}
}

// next says what is read after n keys of t from one on.
func (d *decoder) next(t *kernels.Tensor, batch, kvHead, key, n int) (a simd.Ahead) {
	if !d.streams && key+d.ahead < d.Problem.KVLen {
		key += d.ahead
		a.Next = stored(t, batch, kvHead, key).Place()
	}
	if t.PageSize > 0 && key+n < d.Problem.KVLen {
		a.Then = stored(t, batch, kvHead, key+n).Place()
	}
	return a
}

// together returns how many keys from one on, below a limit, are read in one
// call: what lies in a page, and no more than is fetched ahead where what
// follows lies elsewhere, or where it is to stay in cache while it is read again.
func (d *decoder) together(t *kernels.Tensor, key, limit int, again bool) int {
	n := limit - key
	if t.PageSize > 0 {
		n = min(n, t.PageSize-key%t.PageSize)
	}
	if again || t.PageSize > 0 && !d.streams {
		n = min(n, d.ahead)
	}
	return n
}

// stored returns the rows of K or V from a key on.
func stored(t *kernels.Tensor, batch, kvHead, key int) simd.Stored {
	at := t.Offset(batch, kvHead, key)
	if t.DType == kernels.Float32 {
		return simd.Stored{Float32: t.Float32[at:], LD: t.RowStride}
	}
	return simd.Stored{Half: t.Half[at:], DType: t.DType, LD: t.RowStride}
}

// shape turns the scores into logits.
func (d *decoder) shape(s *stream, batch, kvHead int, keys kernels.Interval) {
	full := cpu.Covers(d.layout.Common(batch, 0), keys)
	if full && !d.Shaped() {
		return
	}
	lds := d.lds()
	for r := 0; r < d.rows; r += d.simd.Rows {
		d.Logits(s.scores[r*lds:], lds, min(d.simd.Rows, d.rows-r), batch, kvHead*d.Problem.Group(), r, keys, full, &s.scratch)
	}
}

// merge adds up the parts of one head's queries, relative to the greatest of
// their maxima, and normalises.
func (d *decoder) merge(id, item int) {
	s, p := &d.workers[id], &d.Problem
	batch, head := item/p.Heads, item%p.Heads
	for i := range p.QLen {
		first := (batch*p.KVHeads+head/p.Group())*d.splits*d.rows + head%p.Group()*p.QLen + i
		m := float32(math.Inf(-1))
		for split := range d.splits {
			m = max(m, d.rowMax[first+split*d.rows])
		}
		sum, o := float32(0), d.O.Row(batch, head, i)
		clear(o)
		for split := range d.splits {
			part := first + split*d.rows
			if d.rowSum[part] == 0 && math.IsInf(float64(d.rowMax[part]), -1) {
				continue // saw nothing, and its acc was not written
			}
			weight := float32(math.Exp2(float64(d.rowMax[part] - m)))
			sum += weight * d.rowSum[part]
			cpu.Axpy(weight, d.acc[part*p.HeadDim:][:p.HeadDim], o)
		}
		b := cpu.Block{Batch: batch, Head: head, KVHead: head / p.Group(), Queries: kernels.Interval{Lo: i, Hi: i + 1}}
		s.total[0], s.total[1] = m, sum
		d.Normalise(d.simd, b, s.total[:1], s.total[1:], &s.scratch)
	}
}
