package kernels

import "math"

// BlockKeys is how many consecutive keys of one head share a scale where K or V
// is stored as [Int8]: a number is its byte times the scale of its block. Blocks
// are counted from the first key, or from the first of each page, so that no
// block lies in two pages; the last of a page or of a sequence may be shorter.
//
// Note: servers have used one scale a tensor or a head, found by calibration
// (vLLM, TensorRT-LLM), and one a token (LMDeploy). A scale for each token would
// be a load and a multiply for each key; one for the whole cache has to be known
// before the first token. 64 keys need nothing but themselves, cost 4 bytes for
// as many times headDim, and are no more than what kernels take at a time.
const BlockKeys = 64

// The scale of a block is the least of 16 significant bits that takes its
// largest magnitude to at most 127, so that a byte times its scale is exact in
// float32, wherever a kernel multiplies by it. It is not below smallestScale,
// which keeps products of scales and weights out of the subnormal numbers:
// smaller numbers are rounded to its multiples. A block of zeros has scale 0.
// One that holds a NaN or an infinity, which a byte can't be, has the scale NaN
// and is NaN as a whole, so that nothing is hidden.
const (
	largestByte   = 127
	smallestScale = 0x1p-100
)

// scaleOf returns the scale for magnitudes up to x.
func scaleOf(x float32) float32 {
	switch {
	case x == 0:
		return 0
	case x-x != 0:
		return float32(math.NaN())
	}
	const cut = 1<<8 - 1 // bits that are dropped
	bits := (math.Float32bits(max(x/largestByte, smallestScale)) + cut) &^ cut
	if s := math.Float32frombits(bits); !math.IsInf(float64(largestByte*s), 0) {
		return s
	}
	return math.Float32frombits(bits - cut - 1)
}

// quantise stores x as bytes of a scale, to nearest, ties to even.
func quantise(dst []int8, x []float32, scale float32) {
	if !(scale > 0) { // zeros, or NaN whatever the bytes are
		clear(dst[:len(x)])
		return
	}
	for i, v := range x {
		dst[i] = int8(math.RoundToEven(float64(v) / float64(scale)))
	}
}

// magnitude returns the largest of x; NaN wins.
func magnitude(x []float32) float32 {
	m := float32(0)
	for _, v := range x {
		m = max(m, v, -v)
	}
	return m
}

// blocks returns how many blocks n keys have that lie together.
func blocks(n int) int { return (n + BlockKeys - 1) / BlockKeys }

// Block returns the rows that share a scale with row i, where the element type
// has scales; those of the last block may lie beyond Len.
func (t *Tensor) Block(i int) Interval { return blockOf(i, t.PageSize) }

func blockOf(i, pageSize int) Interval {
	first, size := 0, math.MaxInt // of what holds whole blocks
	if pageSize > 0 {
		first, size = i/pageSize*pageSize, pageSize
	}
	lo := (i - first) / BlockKeys * BlockKeys
	return Interval{first + lo, first + min(lo+BlockKeys, size)}
}

// Scale returns where the scale of a row of an Int8 tensor lies.
func (t *Tensor) Scale(batch, head, i int) *float32 {
	if t.PageSize > 0 {
		batch, i = t.page(batch, i), i%t.PageSize
	}
	return &t.Scales[(batch*t.Heads+head)*t.ScaleStride+i/BlockKeys]
}

// writeBlock stores rows of one block. One that is overwritten as a whole gets
// the scale that it needs; where other rows stay, a scale only grows, and what
// stays is rounded again.
func (t *Tensor) writeBlock(src []float32, batch, head int, rows Interval) {
	all := t.Block(rows.Lo).Intersect(Interval{0, max(t.Len, rows.Hi)})
	scale, need := t.Scale(batch, head, rows.Lo), scaleOf(magnitude(src))
	switch old := *scale; {
	case all == rows:
		*scale = need
	case old != old || need <= old:
	default:
		*scale = need
		t.rescale(batch, head, Interval{all.Lo, rows.Lo}, old, need)
		t.rescale(batch, head, Interval{rows.Hi, all.Hi}, old, need)
	}
	for i := rows.Lo; i < rows.Hi; i++ {
		quantise(t.bytes(batch, head, i), src[(i-rows.Lo)*t.Dim:][:t.Dim], *scale)
	}
}

// rescale rounds rows of a block again, from an old scale to a new one.
func (t *Tensor) rescale(batch, head int, rows Interval, old, scale float32) {
	x := make([]float32, t.Dim)
	for i := rows.Lo; i < rows.Hi; i++ {
		row := t.bytes(batch, head, i)
		for c, b := range row {
			x[c] = old * float32(b)
		}
		quantise(row, x, scale)
	}
}

func (t *Tensor) bytes(batch, head, i int) []int8 {
	at := t.Offset(batch, head, i)
	return t.Int8[at : at+t.Dim]
}

// StoredBytes returns what some keys of one head of K, or of V, take: their
// elements, and the scales of the blocks that they lie in. The intervals are
// sorted and disjoint.
func (p Problem) StoredBytes(keys []Interval) int64 {
	n, scales, last := 0, 0, -1
	for _, v := range keys {
		if v.Len() <= 0 {
			continue
		}
		n += v.Len()
		first, end := p.blockIndex(v.Lo), p.blockIndex(v.Hi-1)+1
		scales += end - max(first, last)
		last = end
	}
	bytes := int64(n) * int64(p.HeadDim) * p.KVDType.Size()
	if p.KVDType == Int8 {
		bytes += 4 * int64(scales)
	}
	return bytes
}

// blockIndex counts the blocks before that of a key.
func (p Problem) blockIndex(key int) int {
	if p.PageSize == 0 {
		return key / BlockKeys
	}
	return key/p.PageSize*blocks(p.PageSize) + key%p.PageSize/BlockKeys
}
