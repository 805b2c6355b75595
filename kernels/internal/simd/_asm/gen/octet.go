package gen

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// Keys addresses up to sixteen rows of one matrix with two pointers and the odd
// multiples of their distance.
type Keys struct {
	at [2]reg.Register
	by [4]reg.Register // 1, 3, 5 and 7 strides
}

// NewKeys returns rows stride bytes apart, which are nowhere before [Keys.Move].
func NewKeys(stride reg.Register) Keys {
	k := Keys{at: [2]reg.Register{GP64(), GP64()}, by: [4]reg.Register{stride}}
	for i := 1; i < len(k.by); i++ {
		k.by[i] = GP64()
		LEAQ(Mem{Base: k.by[i-1], Index: stride, Scale: 2}, k.by[i])
	}
	return k
}

// Move lets the rows begin at base.
func (k Keys) Move(base Op) {
	MOVQ(base, k.at[0])
	LEAQ(Mem{Base: k.at[0], Index: k.by[0], Scale: 8}, k.at[1])
}

// At is the address of row i, disp bytes in.
func (k Keys) At(i, disp int) Mem {
	m, n := Mem{Base: k.at[i/8], Disp: disp}, i%8
	if n == 0 {
		return m
	}
	m.Scale = 1
	for n%2 == 0 {
		n, m.Scale = n/2, 2*m.Scale
	}
	m.Index = k.by[n/2]
	return m
}

// Advance moves every row by a constant or a register of bytes.
func (k Keys) Advance(by Op) {
	for _, p := range k.at {
		ADDQ(by, p)
	}
}

// Stride is the register of the bytes between rows.
func (k Keys) Stride() reg.Register { return k.by[0] }

// OctetRows is how many rows the sums of an octet belong to, two neighbours each, of
// which one has the even terms and one the odd ones.
const OctetRows = 8

// StoreOctet adds up the sums of n keys, 16, 4 or 1, and writes them to s, rows lds bytes
// apart, as far as the argument rows counts. acc has the sums, and temp are eight
// registers to lose.
func StoreOctet(s, lds reg.Register, n int, acc, temp func(i int) reg.Register) {
	for key := 0; key+1 < n; key += 2 { // two rows of two keys a lane
		addHalves(acc(key), acc(key+1), temp(0), temp(1))
	}
	for key := 0; key+3 < n; key += 4 { // a row of four keys: even ones, and odd ones
		a, b := acc(key), acc(key+2)
		VSHUFPS(U8(0x88), b, a, acc(key+1))
		VSHUFPS(U8(0xdd), b, a, acc(key+3))
	}
	var store func(row int, at Mem)
	switch n {
	case 16:
		for odd := range 2 {
			transposeLanes(func(i int) reg.Register { return acc(4*i + 2*odd + 1) }, temp)
		}
		store = func(row int, at Mem) { VMOVUPS(acc(4*(row/2)+2*(row%2)+1), at) }
	case 4:
		store = func(row int, at Mem) {
			if row < 2 {
				VMOVUPS(X(acc(2*row+1)), at)
				return
			}
			VEXTRACTF32X4(U8(row/2), acc(2*(row%2)+1), at)
		}
	case 1:
		VPERMILPS(U8(0xb1), acc(0), temp(0))
		VADDPS(temp(0), acc(0), acc(0))
		store = func(row int, at Mem) {
			if row%2 == 0 {
				VEXTRACTF32X4(U8(row/2), acc(0), X(temp(0)))
				VMOVSS(X(temp(0)), at)
				return
			}
			VEXTRACTPS(U8(2), X(temp(0)), at)
		}
	}
	done, to := fmt.Sprintf("stored%d", n), NewRows(s, lds, OctetRows)
	for row := range OctetRows {
		if row > 0 {
			CMPQ(Stack("rows"), U8(row))
			JLE(LabelRef(done))
		}
		store(row, to.At(row, 0))
	}
	Label(done)
}

// addHalves adds neighbours of a, and of b, and leaves those of a lane of both in one of a.
func addHalves(a, b, x, y reg.Register) {
	VSHUFPS(U8(0x88), b, a, x)
	VSHUFPS(U8(0xdd), b, a, y)
	VADDPS(y, x, a)
}

// transposeLanes swaps lane i of vector j with lane j of vector i.
func transposeLanes(v, temp func(i int) reg.Register) {
	for i := range 2 {
		VSHUFF32X4(U8(0x44), v(2*i+1), v(2*i), temp(2*i))
		VSHUFF32X4(U8(0xee), v(2*i+1), v(2*i), temp(2*i+1))
	}
	for i := range 2 {
		VSHUFF32X4(U8(0x88), temp(i+2), temp(i), v(2*i))
		VSHUFF32X4(U8(0xdd), temp(i+2), temp(i), v(2*i+1))
	}
}
