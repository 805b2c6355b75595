package simd

import (
	"slices"
	"unsafe"
)

// Pairs are the primitives of a variant that multiplies matrices of bfloat16
// without widening them, two along the depth at a time, and sums in float32:
//
//	x := simd.PairsFor(isa)
//	x.PackTransposed(kp, k, ldk, keys, headDim)
//	x.MulMax(s, lds, q, ldq, x.Packed(kp, headDim), rows, headDim, keys, st.Max[:], nil)
//	x.Attend(o, ldo, s, lds, x.Packed(vp, keys), rows, keys, headDim, scale, &st)
//
// P is rounded to bfloat16, for it is multiplied too. What the package says of
// [Funcs], their order of sums and their operands holds for Pairs, but that
// numbers and sums below 2^-126 may count as zero.
type Pairs struct {
	// Name is that of the instruction set.
	Name string
	// Rows and Cols are as in Funcs, the variant's other primitives.
	Rows, Cols int
	// Step is how many pairs are multiplied together: a packed matrix has whole
	// steps of them.
	Step  int
	Funcs *Funcs

	available bool
	byName    bool // slower here than Funcs: see [kernels.ISA]

	// Rows of A are lda bfloat16 apart and end in a whole pair. What follows
	// an odd depth in its last pair must be finite.
	mul            func(c []float32, ldc int, a []uint16, lda int, b PairPanels, rows, depth, cols int, beta []float32)
	mulMax         func(c []float32, ldc int, a []uint16, lda int, b PairPanels, rows, depth, cols int, rowMax []float32, seen *Seen)
	packTransposed func(dst []uint32, src []uint16, lds, cols, depth int)
	pack           func(dst []uint32, src []uint16, lds, depth, cols int) (tiny bool)

	// weigh leaves the pairs of P in the first half of S's rows.
	weigh func(s []float32, lds, rows, keys int, scale float32, shift, sum []float32)
	// attend is a block of Rows rows by at least Cols columns, or nil where
	// nothing beats weigh followed by mul.
	attend func(o []float32, ldo int, s []float32, lds int, v PairPanels, keys, cols int, scale float32, st *State, beta []float32)
	// dots and weighted are of few rows, or nil where nothing beats Funcs'.
	dots     func(s []float32, lds int, q PairQueries, k *Pieces)
	weighted func(o []float32, ldo int, p []uint16, ldp int, v *Pieces, rows, cols int)
	// fma runs rounds of so many operations.
	fma      func(rounds int)
	perRound int64
}

// pairs runs from least to most preferred. The generic twin serves tests only:
// nothing is gained by rounding P where products are no faster for it.
var pairs = append([]*Pairs{&genericPairs}, assemblyPairs()...)

// PairsFor returns the products of pairs of an instruction set that
// [kernels.SelectISA] has approved, or nil where it has none.
func PairsFor(isa string) *Pairs {
	for _, x := range pairs[1:] {
		if x.Name == isa && x.available {
			return x
		}
	}
	return nil
}

// PairPanels is a packed matrix B of depth × cols. Its rows 2k and 2k+1 lie side
// by side, in panels of [Pairs.Cols] columns: B[2k][j] is the lower and
// B[2k+1][j] the upper half of
//
//	Data[(j/Cols)*Panel + k*Cols + j%Cols]
//
// What fills up the last pair and the last step is zero.
type PairPanels struct {
	Data  []uint32
	Panel int
}

// Packed is a matrix of depth rows that [Pairs.Pack] or [Pairs.PackTransposed]
// wrote.
func (x *Pairs) Packed(data []uint32, depth int) PairPanels {
	return PairPanels{Data: data, Panel: x.Depth(depth) * x.Cols}
}

func (x *Pairs) spans(b PairPanels, depth, cols int) bool {
	last := (cols - 1) / x.Cols
	return depth == 0 || cols == 0 || b.Panel >= 0 && len(b.Data) >= last*b.Panel+x.Depth(depth)*x.Cols
}

// Depth is how many pairs a depth makes.
func Depth(depth int) int { return (depth + 1) / 2 }

// Depth is how many pairs a packed matrix has of a depth: whole steps.
func (x *Pairs) Depth(depth int) int {
	return (Depth(depth) + x.Step - 1) / x.Step * x.Step
}

// PackedLen is how many pairs a packed matrix of depth × cols takes.
func (x *Pairs) PackedLen(depth, cols int) int {
	return (cols + x.Cols - 1) / x.Cols * x.Cols * x.Depth(depth)
}

// PackTransposed packs the transpose of src, a row-major matrix of cols × depth
// like K. What fills up the last panel and the last pair is zero.
func (x *Pairs) PackTransposed(dst []uint32, src []uint16, lds, cols, depth int) {
	if depth < 0 || cols < 0 {
		panic(errShape)
	}
	if !spans(src, lds, cols, depth) || len(dst) < x.PackedLen(depth, cols) {
		panic(errShort)
	}
	if depth == 0 {
		return
	}
	for j := 0; j < cols; j += x.Cols {
		panel := dst[j*x.Depth(depth):]
		x.packTransposed(panel, src[j*lds:], lds, min(x.Cols, cols-j), depth)
		x.fill(panel, depth)
	}
}

// fill fills up a panel's last step.
func (x *Pairs) fill(panel []uint32, depth int) {
	clear(panel[Depth(depth)*x.Cols : x.Depth(depth)*x.Cols])
}

// Pack packs src, a row-major matrix of depth × cols like V, and fills up as
// [Pairs.PackTransposed] does. It reports whether some of its numbers are tiny:
// not zero, but below 2^-96.
func (x *Pairs) Pack(dst []uint32, src []uint16, lds, depth, cols int) (tiny bool) {
	if depth < 0 || cols < 0 {
		panic(errShape)
	}
	if !spans(src, lds, depth, cols) || len(dst) < x.PackedLen(depth, cols) {
		panic(errShort)
	}
	for j := 0; j < cols && depth > 0; j += x.Cols {
		panel := dst[j*x.Depth(depth):]
		some := x.pack(panel, src[j:], lds, depth, min(x.Cols, cols-j))
		x.fill(panel, depth)
		tiny = tiny || some
	}
	return tiny
}

// A least holds, in each of the lanes of a vector, the least magnitude so far as
// bits and negated, so that zero is the greatest.
type least [32]uint16

func (l *least) add(half uint16) { l[0] = max(l[0], -(half & 0x7fff)) }

func (l *least) tiny() bool {
	const limit = (127 - 96) << 7
	magnitude := -slices.Max(l[:])
	return 0 < magnitude && magnitude < limit
}

// MulMax computes C = A·B for a block of at most Rows rows, B packed, and the
// largest of each row: see [Funcs.MulMax]. An odd depth's last pair of A takes
// in the number that follows, which must be there and finite.
func (x *Pairs) MulMax(c []float32, ldc int, a []uint16, lda int, b PairPanels, rows, depth, cols int, rowMax []float32, seen *Seen) {
	if cols <= 0 {
		x.Funcs.RowMax(c, ldc, rows, 0, rowMax)
		return
	}
	if len(rowMax) < rows {
		panic(errShort)
	}
	if x.check(c, ldc, a, lda, b, rows, depth, cols) {
		if seen != nil {
			seen.settle(rows)
		}
		x.mulMax(c, ldc, a, lda, b, rows, depth, cols, rowMax, seen)
	}
}

// check reports whether there is anything to do.
func (x *Pairs) check(c []float32, ldc int, a []uint16, lda int, b PairPanels, rows, depth, cols int) bool {
	if rows < 0 || rows > x.Rows || depth < 0 || cols < 0 {
		panic(errShape)
	}
	if rows == 0 || cols == 0 {
		return false
	}
	if !spans(c, ldc, rows, cols) || !spans(a, lda, rows, 2*Depth(depth)) || !x.spans(b, depth, cols) {
		panic(errShort)
	}
	return true
}

// Attend is [Funcs.Attend] for scores that are yet to be multiplied by scale,
// which is positive, and for a P that is rounded to bfloat16 before it meets V:
//
//	m := max(RowMax[i], scale*Max[i])
//	P[i][j] = 2^(scale*S[i][j] - m)
//
// RowSum takes the sum of what was not rounded yet: lse wants it, and the
// roundings of P cancel in a long sum of values.
func (x *Pairs) Attend(o []float32, ldo int, s []float32, lds int, v PairPanels, rows, keys, cols int, scale float32, st *State) {
	if rows < 0 || rows > x.Rows || keys < 0 || cols < 0 {
		panic(errShape)
	}
	if len(st.RowMax) < rows || len(st.RowSum) < rows || !spans(s, lds, rows, keys) ||
		!spans(o, ldo, rows, cols) || !x.spans(v, keys, cols) {
		panic(errShort)
	}
	if rows == 0 || keys == 0 || cols == 0 {
		return
	}
	for i := range rows {
		st.Max[i] *= scale
	}
	var beta []float32
	if fresh := x.Funcs.rescale(st, rows); fresh != 1<<rows-1 {
		beta = st.alpha[:]
		for i := range rows {
			if fresh>>i&1 != 0 {
				clear(o[i*ldo:][:cols])
			}
		}
	}
	if x.attend != nil && rows == x.Rows && cols >= x.Cols {
		x.attend(o, ldo, s, lds, v, keys, cols, scale, st, beta)
		return
	}
	x.weigh(s, lds, rows, keys, scale, st.shift[:], st.RowSum)
	x.mul(o, ldo, AsHalves(s), 2*lds, v, rows, keys, cols, beta)
}

// AsPairs is the memory of x as pairs, and AsHalves as what they consist of.
func AsPairs(x []float32) []uint32 {
	return unsafe.Slice((*uint32)(unsafe.Pointer(unsafe.SliceData(x))), len(x))
}

// AsHalves: see AsPairs.
func AsHalves(x []float32) []uint16 {
	return unsafe.Slice((*uint16)(unsafe.Pointer(unsafe.SliceData(x))), 2*len(x))
}

// FMA is [Funcs.FMA] for multiply-adds of pairs.
func (x *Pairs) FMA(rounds int) (flops int64) {
	rounds = max(rounds, 0)
	x.fma(rounds)
	return int64(rounds) * x.perRound
}
