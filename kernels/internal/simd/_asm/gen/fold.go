package gen

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// RowsAVector is how many rows the sums of a vector belong to, one to each lane
// of four floats, which are yet to be added up.
const RowsAVector = 4

// StoreFolded adds up the sums of n keys, and writes them to S as far as the argument
// rows counts. n is 1 or a multiple of four, acc has the sums, and x and y are lost.
func StoreFolded(s Rows, n int, acc func(key int) reg.Register, x, y reg.Register) {
	done := fmt.Sprintf("stored%d", n)
	keys := min(n, RowsAVector)
	for first := 0; first < n; first += keys {
		if keys == 1 {
			foldOne(acc(0), x)
		} else {
			fold(acc(first), acc(first+1), acc(first+2), acc(first+3), x, y)
		}
	}
	for row := range RowsAVector {
		if row > 0 {
			CMPQ(Stack("rows"), U8(row))
			JLE(LabelRef(done))
		}
		for first := 0; first < n; first += keys {
			sum, at := acc(first), s.At(row, 4*first)
			switch {
			case keys == 1:
				VEXTRACTF32X4(U8(row), sum, X(x))
				VMOVSS(X(x), at)
			case row == 0:
				VMOVUPS(X(sum), at)
			default:
				VEXTRACTF32X4(U8(row), sum, at)
			}
		}
	}
	Label(done)
}

// fold leaves the totals of four keys in the lanes of a, in which their order is that of
// the keys: floats 0 and 2 of a lane are added to 1 and 3.
func fold(a, b, c, d, x, y reg.Register) {
	add := func(lo, hi func(ops ...Op), from, into reg.Register) {
		lo(from, into, x)
		hi(from, into, y)
		VADDPS(y, x, into)
	}
	add(VUNPCKLPS, VUNPCKHPS, b, a)
	add(VUNPCKLPS, VUNPCKHPS, d, c)
	add(VUNPCKLPD, VUNPCKHPD, c, a)
}

// foldOne leaves the total of each lane of a in it, in fold's order.
func foldOne(a, x reg.Register) {
	VPERMILPS(U8(0x4e), a, x)
	VADDPS(x, a, a)
	VPERMILPS(U8(0xb1), a, x)
	VADDPS(x, a, a)
}
