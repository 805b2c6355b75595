package kernels

// Pairs returns the number of visible (query, key) pairs over all batch
// elements and query heads: the unit of attention's work.
func (p Problem) Pairs() int64 {
	var n int64
	var row []Interval
	for b := range p.Batch {
		for i := range p.QLen {
			row = p.AppendVisible(row[:0], b, i)
			for _, v := range row {
				n += int64(v.Len())
			}
		}
	}
	return n * int64(p.Heads)
}

// FLOPs returns the useful floating-point operations: a multiply and an add
// for each of HeadDim elements in Q·K and again in P·V, for visible pairs only.
func (p Problem) FLOPs() int64 { return 4 * int64(p.HeadDim) * p.Pairs() }

// CompulsoryBytes returns the traffic that no kernel can avoid: Q read, O
// written, and each key and value that some query sees read, once each, with
// the scales of what is stored as Int8.
func (p Problem) CompulsoryBytes() int64 {
	bytes := 2 * int64(p.Batch) * int64(p.Heads) * int64(p.QLen) * int64(p.HeadDim) * p.DType.Size()
	for b := range p.Batch {
		bytes += 2 * int64(p.KVHeads) * p.StoredBytes(p.VisibleKeys(b))
	}
	return bytes
}

// VisibleKeys returns the intervals of keys that at least one query of a batch
// element sees. No kernel may read a key outside of them.
func (p Problem) VisibleKeys(batch int) []Interval {
	starts := make([]int, p.KVLen+1) // how many rows' intervals open minus close at a key
	var row []Interval
	for i := range p.QLen {
		row = p.AppendVisible(row[:0], batch, i)
		for _, v := range row {
			starts[v.Lo]++
			starts[v.Hi]--
		}
	}
	var union []Interval
	open := 0
	for j := range p.KVLen {
		if open += starts[j]; open > 0 {
			union = appendMerged(union, 0, Interval{j, j + 1})
		}
	}
	return union
}
