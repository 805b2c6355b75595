package cuda

import (
	"math/bits"

	"github.com/attnbench/attnbench/kernels"
)

const (
	tileKeys = 64  // keys of a tile: the bits of a mask word
	maxRows  = 128 // packed query rows of a tile, at most

	allVisible  = -1
	noneVisible = -2
)

// A tile is what the device reads of a visited tile of keys: bits is the index
// of a record in schedule.bits, or allVisible.
type tile struct{ keys, bits int32 }

// A record says which keys of a tile each row of a row tile sees, a bit a key,
// and then which keys any of them sees: tileRows+1 words.
type record [maxRows + 1]uint64

// A schedule is a mask by tiles. A row tile is tileRows packed rows, where row r
// of a key head is query r/group of the r%group-th head that shares it.
type schedule struct {
	tileRows                 int
	rows, rowTiles, keyTiles int

	batches int     // 1 when all batch elements are alike
	starts  []int32 // [batches, rowTiles+1]: row tile i visits tiles[starts[i]:starts[i+1]]
	tiles   []tile
	bits    []uint64 // records
}

// newSchedule derives the schedule of p from its visible intervals.
func newSchedule(p *kernels.Problem, tileRows int) *schedule {
	rows := p.QLen * p.Group()
	s := &schedule{tileRows: tileRows, rows: rows, rowTiles: ceil(rows, tileRows), keyTiles: ceil(p.KVLen, tileKeys), batches: 1}
	if p.Mask.KeyLens != nil {
		s.batches = p.Batch
	}
	b := builder{schedule: s, problem: p, known: map[record]int32{}}
	for batch := range s.batches {
		for i := range s.rowTiles {
			s.starts = append(s.starts, int32(len(s.tiles)))
			b.addRowTile(batch, i)
		}
		s.starts = append(s.starts, int32(len(s.tiles)))
	}
	return s
}

func ceil(n, unit int) int { return (n + unit - 1) / unit }

// startStride is the distance in starts from one batch element to the next.
func (s *schedule) startStride() int {
	if s.batches == 1 {
		return 0
	}
	return s.rowTiles + 1
}

// table is the schedule for a kernel that looks every tile up: for each row
// tile and key tile noneVisible, allVisible or the index of a record.
func (s *schedule) table() []int32 {
	table := make([]int32, s.batches*s.rowTiles*s.keyTiles)
	for i := range table {
		table[i] = noneVisible
	}
	for i := range s.batches * s.rowTiles {
		at := i + i/s.rowTiles // starts has one more a batch element
		for _, t := range s.tiles[s.starts[at]:s.starts[at+1]] {
			table[i*s.keyTiles+int(t.keys)] = t.bits
		}
	}
	return table
}

// longest returns the most tiles that any row tile visits.
func (s *schedule) longest() int {
	n := 0
	for i := range s.batches * s.rowTiles {
		at := i + i/s.rowTiles
		n = max(n, int(s.starts[at+1]-s.starts[at]))
	}
	return n
}

// A builder makes a schedule. Records that are alike are stored once: the
// diagonal of a causal mask is one.
type builder struct {
	*schedule
	problem *kernels.Problem
	known   map[record]int32
	queries [][]kernels.Interval // visible keys of the row tile's queries
	flat    []kernels.Interval
}

func (b *builder) addRowTile(batch, rowTile int) {
	group := b.problem.Group()
	first, end := rowTile*b.tileRows, min((rowTile+1)*b.tileRows, b.rows)
	b.readQueries(batch, first/group, (end-1)/group)
	hull, common := hull(b.queries), common(b.queries)
	for k := hull.Lo / tileKeys; k*tileKeys < hull.Hi; k++ {
		keys := kernels.Interval{Lo: k * tileKeys, Hi: (k + 1) * tileKeys}
		for len(common) > 0 && common[0].Hi < keys.Hi {
			common = common[1:]
		}
		if len(common) > 0 && common[0].Lo <= keys.Lo {
			b.tiles = append(b.tiles, tile{int32(k), allVisible})
		} else if r, class := b.classify(first, end, k); class != kernels.Empty {
			b.tiles = append(b.tiles, tile{int32(k), b.store(r, class)})
		}
	}
}

// readQueries takes up what the queries from..to see.
func (b *builder) readQueries(batch, from, to int) {
	b.flat, b.queries = b.flat[:0], b.queries[:0]
	ends := make([]int, 0, b.tileRows)
	for i := from; i <= to; i++ {
		b.flat = b.problem.AppendVisible(b.flat, batch, i)
		ends = append(ends, len(b.flat))
	}
	at := 0
	for _, end := range ends {
		b.queries = append(b.queries, b.flat[at:end])
		at = end
	}
}

// hull returns the smallest interval that holds every visible key.
func hull(queries [][]kernels.Interval) kernels.Interval {
	var h kernels.Interval
	for _, q := range queries {
		for _, v := range q {
			if h.Len() == 0 {
				h = v
			}
			h = kernels.Interval{Lo: min(h.Lo, v.Lo), Hi: max(h.Hi, v.Hi)}
		}
	}
	return h
}

// common returns the intervals that all queries see: most tiles of long
// sequences lie in them, and need no look at single rows.
func common(queries [][]kernels.Interval) []kernels.Interval {
	all := queries[0]
	for _, q := range queries[1:] {
		var both []kernels.Interval
		for i, j := 0, 0; i < len(all) && j < len(q); {
			if v := all[i].Intersect(q[j]); v.Len() > 0 {
				both = append(both, v)
			}
			if all[i].Hi < q[j].Hi {
				i++
			} else {
				j++
			}
		}
		all = both
	}
	return all
}

// classify returns the record of the rows first..end−1 on key tile k, and
// whether it is empty or full. Rows behind the last see nothing, and do not
// keep a tile from being full.
func (b *builder) classify(first, end, k int) (record, kernels.TileClass) {
	var r record
	group, all := b.problem.Group(), ^uint64(0)
	for row := first; row < end; row++ {
		i := row/group - first/group
		if row > first && row%group != 0 {
			r[row-first] = r[row-first-1] // the same query
		} else {
			r[row-first] = word(b.queries[i], k*tileKeys)
		}
		all &= r[row-first]
		r[b.tileRows] |= r[row-first]
	}
	switch {
	case r[b.tileRows] == 0:
		return r, kernels.Empty
	case all == ^uint64(0):
		return r, kernels.Full
	}
	return r, kernels.Partial
}

// word returns which of the 64 keys from lo on are visible.
func word(visible []kernels.Interval, lo int) uint64 {
	var w uint64
	for _, v := range visible {
		in := v.Intersect(kernels.Interval{Lo: lo, Hi: lo + tileKeys})
		if n := in.Len(); n > 0 {
			w |= bits.RotateLeft64(^uint64(0)>>(tileKeys-n), in.Lo-lo)
		}
	}
	return w
}

// store returns the index of a record, which is added when it is new.
func (b *builder) store(r record, class kernels.TileClass) int32 {
	if class == kernels.Full {
		return allVisible
	}
	at, ok := b.known[r]
	if !ok {
		at = int32(len(b.bits) / (b.tileRows + 1))
		b.bits = append(b.bits, r[:b.tileRows+1]...)
		b.known[r] = at
	}
	return at
}
