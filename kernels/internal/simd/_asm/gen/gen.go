// Package gen holds what the generators share: an [ISA] hides the width of a
// vector and how its last, partial one is read and written.
package gen

import (
	"math"

	"github.com/mmcloughlin/avo/attr"
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// An ISA is an instruction set that primitives are generated for.
type ISA struct {
	Name  string // suffix of function names
	Width int    // floats a vector
	Vecs  int    // vectors a panel row
}

// The two instruction sets.
var (
	AVX2   = ISA{"AVX2", 8, 2}
	AVX512 = ISA{"AVX512", 16, 4}
)

// Bytes is the size of a vector.
func (s ISA) Bytes() int { return 4 * s.Width }

// V is vector register i. reg.Registers are named, not allocated: a product uses
// nearly all of them.
func (s ISA) V(i int) reg.Register {
	if s == AVX512 {
		return reg.Vector.Lookup(reg.Index(i), reg.S512)
	}
	return reg.Vector.Lookup(reg.Index(i), reg.S256)
}

// Zero clears v by the idiom that needs no execution unit.
func (s ISA) Zero(v reg.Register) {
	if s == AVX512 {
		VPXORD(v, v, v)
		return
	}
	VXORPS(v, v, v)
}

// Mask is the register that masks the last vector.
func (s ISA) Mask() reg.Register {
	if s == AVX512 {
		return reg.K1
	}
	return reg.Y15
}

// SetMask makes Mask cover the first n floats, 0 < n ≤ Width. It may use CX.
func (s ISA) SetMask(n reg.Register) {
	m := s.Mask()
	if s == AVX512 {
		bits := GP32()
		MOVL(U32(0xffff), bits)
		MOVQ(U32(16), reg.RCX)
		SUBQ(n, reg.RCX)
		SHRL(reg.CL, bits)
		KMOVW(bits, m)
		return
	}
	at := GP64()
	LEAQ(maskTable().Offset(32), at)
	SHLQ(U8(2), n)
	SUBQ(n, at)
	SHRQ(U8(2), n)
	VMOVUPS(Mem{Base: at}, m)
}

var maskData *Mem

// maskTable is eight ones and eight zeros: a window into it is a mask.
func maskTable() Mem {
	if maskData == nil {
		m := ConstInts("tailMask", []uint32{
			1<<32 - 1, 1<<32 - 1, 1<<32 - 1, 1<<32 - 1, 1<<32 - 1, 1<<32 - 1, 1<<32 - 1, 1<<32 - 1,
			0, 0, 0, 0, 0, 0, 0, 0,
		})
		maskData = &m
	}
	return *maskData
}

// ConstInts places a read-only table.
func ConstInts(name string, words []uint32) Mem {
	m := GLOBL(name, attr.RODATA|attr.NOPTR)
	for i, w := range words {
		DATA(4*i, U32(w))
	}
	return m
}

// ConstFloats places a read-only table.
func ConstFloats(name string, values []float32) Mem {
	words := make([]uint32, len(values))
	for i, v := range values {
		words[i] = math.Float32bits(v)
	}
	return ConstInts(name, words)
}

// lanes are the vectors that are placed once in a file.
var lanes = map[string]Mem{}

// LanesOfBits is a vector of any instruction set with the same bits in each
// lane, placed once in a file.
func LanesOfBits(name string, bits uint32) Mem {
	if _, ok := lanes[name]; !ok {
		words := make([]uint32, AVX512.Width)
		for i := range words {
			words[i] = bits
		}
		lanes[name] = ConstInts(name, words)
	}
	return lanes[name]
}

// Lanes is LanesOfBits for a float.
func Lanes(name string, value float32) Mem { return LanesOfBits(name, math.Float32bits(value)) }

// Load reads a vector, of which only the floats under mask where there is one.
func (s ISA) Load(at Mem, v reg.Register, mask Op) {
	switch {
	case mask == nil:
		VMOVUPS(at, v)
	case s == AVX512:
		VMOVUPS_Z(at, mask, v)
	default:
		VMASKMOVPS(at, mask, v)
	}
}

// Store writes a vector, of which only the floats under mask where there is one.
func (s ISA) Store(v reg.Register, at Mem, mask Op) {
	switch {
	case mask == nil:
		VMOVUPS(v, at)
	case s == AVX512:
		VMOVUPS(v, mask, at)
	default:
		VMASKMOVPS(v, mask, at)
	}
}

// MaxRows is the height of the tallest register block.
const MaxRows = 6

// SeenRows is how many rows simd's Seen has room for.
const SeenRows = 32

// Blend sets dst to on where mask is set and to off elsewhere.
func (s ISA) Blend(mask Op, on, off, dst reg.Register) {
	if s == AVX512 {
		VBLENDMPS(on, off, mask, dst)
		return
	}
	VBLENDVPS(mask, on, off, dst)
}

// AddUnder adds x to sum, of which only the floats under mask where there is
// one. x is lost.
func (s ISA) AddUnder(mask Op, x, sum reg.Register) {
	switch {
	case mask == nil:
		VADDPS(x, sum, sum)
	case s == AVX512:
		VADDPS(x, sum, mask, sum)
	default:
		VANDPS(mask, x, x)
		VADDPS(x, sum, sum)
	}
}

// ZeroWhereEqual sets dst to x, or to zero where x equals y.
func (s ISA) ZeroWhereEqual(y, x, dst reg.Register) {
	const notEqual = U8(4) // unordered too
	if s == AVX512 {
		VCMPPS(notEqual, y, x, reg.K2)
		VMOVAPS_Z(x, reg.K2, dst)
		return
	}
	VCMPPS(notEqual, y, x, dst)
	VANDPS(x, dst, dst)
}

// EqualLanes sets bit i of dst where lane i of x equals y, under the mask or
// not.
func (s ISA) EqualLanes(y, x, dst reg.Register) {
	const equal = U8(0)
	if s == AVX512 {
		VCMPPS(equal, y, x, reg.K2)
		KMOVW(reg.K2, dst)
		return
	}
	VCMPPS(equal, y, x, x)
	VMOVMSKPS(x, dst)
}

// Less returns a mask for [ISA.Blend] of the lanes where x is below limit. tmp
// may be lost.
func (s ISA) Less(x reg.Register, limit Op, tmp reg.Register) Op {
	const less = U8(0x11) // ordered, quiet
	if s == AVX512 {
		VCMPPS(less, limit, x, reg.K2)
		return reg.K2
	}
	VCMPPS(less, limit, x, tmp)
	return tmp
}

// BlendWhereGreater sets dst to on in the lanes of x below an integer in memory,
// and to off elsewhere. limit is lost.
func (s ISA) BlendWhereGreater(than Mem, x, limit, on, off, dst reg.Register) {
	VPBROADCASTD(than, limit)
	if s == AVX512 {
		VPCMPGTD(x, limit, reg.K2)
		VBLENDMPS(on, off, reg.K2, dst)
		return
	}
	VPCMPGTD(x, limit, limit)
	VBLENDVPS(limit, on, off, dst)
}

var numbers *Mem

// Numbers is the integers 0 to 63: those of a panel's columns.
func Numbers() Mem {
	if numbers == nil {
		list := make([]uint32, 64)
		for i := range list {
			list[i] = uint32(i)
		}
		m := ConstInts("numbers", list)
		numbers = &m
	}
	return *numbers
}

// Reduce folds x with op until its lowest float holds the result. y is lost.
// The order of the folds is the same for every row.
func (s ISA) Reduce(x, y reg.Register, op func(from, into reg.Register)) {
	if s == AVX512 {
		VEXTRACTF64X4(U8(1), x, Y(y))
		op(Y(y), Y(x))
	}
	VEXTRACTF128(U8(1), Y(x), X(y))
	op(X(y), X(x))
	VPERMILPS(U8(0x4e), X(x), X(y))
	op(X(y), X(x))
	VPERMILPS(U8(0xb1), X(x), X(y))
	op(X(y), X(x))
}

// HalvesAVector is how many halves a vector of AVX-512 holds.
const HalvesAVector = 32

// SetHalvesMask makes k cover the first n halves of a vector, 0 ≤ n ≤ 32. It uses
// CX.
func SetHalvesMask(n, k reg.Register) {
	bits := GP64()
	MOVQ(I32(-1), bits)
	MOVQ(n, reg.RCX)
	SHLQ(reg.CL, bits)
	NOTQ(bits)
	KMOVD(bits.As32(), k)
}

// Interleave is the indices that pair sixteen halves of one vector, from first
// on, with those of another, placed once in a file.
func Interleave(name string, first uint32) Mem {
	if _, ok := lanes[name]; !ok {
		words := make([]uint32, AVX512.Width)
		for i := range words {
			words[i] = first + uint32(i) | (HalvesAVector+first+uint32(i))<<16
		}
		lanes[name] = ConstInts(name, words)
	}
	return lanes[name]
}

// X is the low 128 bits of a vector register.
func X(r reg.Register) reg.Register { return r.(reg.Vec).AsX() }

// Y is the low 256 bits of a vector register.
func Y(r reg.Register) reg.Register { return r.(reg.Vec).AsY() }

// Frame allocates n vectors on the stack, aligned to a cache line.
func (s ISA) Frame(n int) Mem {
	frame, at := AllocLocal(n*s.Bytes()+64), GP64()
	LEAQ(frame.Offset(63), at)
	ANDQ(I8(-64), at)
	return Mem{Base: at}
}

var negInf *Mem

// NegInf is the constant −Inf.
func NegInf() Mem {
	if negInf == nil {
		m := ConstFloats("negInf", []float32{float32(math.Inf(-1))})
		negInf = &m
	}
	return *negInf
}

// Rows addresses up to nine rows of one matrix with a pointer for each three.
type Rows struct {
	at     [3]reg.Register
	stride reg.Register
}

// NewRows returns the rows at base, stride bytes apart.
func NewRows(base, stride reg.Register, rows int) Rows {
	r := Rows{at: [3]reg.Register{base}, stride: stride}
	for i := 1; 3*i < rows; i++ {
		r.at[i] = GP64()
	}
	r.spread()
	return r
}

// RowsToMove returns rows that are nowhere before [Rows.Move].
func RowsToMove(stride reg.Register, rows int) Rows {
	r := Rows{stride: stride}
	for i := 0; 3*i < rows; i++ {
		r.at[i] = GP64()
	}
	return r
}

// Move lets the rows begin at base.
func (r Rows) Move(base Op) {
	MOVQ(base, r.at[0])
	r.spread()
}

func (r Rows) spread() {
	for i, far := range r.at {
		if i > 0 && far != nil {
			LEAQ(Mem{Base: r.at[i-1], Index: r.stride, Scale: 2}, far)
			ADDQ(r.stride, far)
		}
	}
}

// Copy returns rows with pointers of their own that start at the same place.
func (r Rows) Copy() Rows {
	c := Rows{stride: r.stride}
	for i, p := range r.at {
		if p != nil {
			q := GP64()
			MOVQ(p, q)
			c.at[i] = q
		}
	}
	return c
}

// Stride is the register of the bytes between rows.
func (r Rows) Stride() reg.Register { return r.stride }

// At is the address of row i, disp bytes in.
func (r Rows) At(i, disp int) Mem {
	m := Mem{Base: r.at[i/3], Disp: disp}
	if i%3 > 0 {
		m.Index, m.Scale = r.stride, uint8(i%3)
	}
	return m
}

// Advance moves every row by a constant or a register of bytes.
func (r Rows) Advance(by Op) {
	r.Each(func(p reg.Register) { ADDQ(by, p) })
}

// Each calls do for every pointer.
func (r Rows) Each(do func(p reg.Register)) {
	for _, p := range r.at {
		if p != nil {
			do(p)
		}
	}
}

// Arg loads an integer or pointer argument.
func Arg(name string) reg.Register { return Load(Param(name), GP64()) }

// Stack is an argument where it lies.
func Stack(name string) Mem {
	at, err := Param(name).Resolve()
	if err != nil {
		panic(err)
	}
	return at.Addr
}

// ArgBytes loads an argument that counts floats as bytes.
func ArgBytes(name string) reg.Register {
	r := Arg(name)
	SHLQ(U8(2), r)
	return r
}

// ArgHalves loads an argument that counts halves as bytes.
func ArgHalves(name string) reg.Register {
	r := Arg(name)
	ADDQ(r, r)
	return r
}

// End returns from a function that used wide registers.
func End() {
	VZEROUPPER()
	RET()
}
