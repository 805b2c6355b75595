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

// StoreFolded adds up the sums of n keys with the rows of some vectors, and writes
// them to S as far as the argument rows counts. n is 1 or a multiple of four,
// acc has the sums, and x and y are lost.
func StoreFolded(s Rows, n, vecs int, acc func(key, vec int) reg.Register, x, y reg.Register) {
	done := fmt.Sprintf("stored%d", n)
	keys := min(n, RowsAVector)
	for vec := range vecs {
		for first := 0; first < n; first += keys {
			if keys == 1 {
				foldOne(acc(0, vec), x)
			} else {
				fold(acc(first, vec), acc(first+1, vec), acc(first+2, vec), acc(first+3, vec), x, y)
			}
		}
	}
	for row := range RowsAVector * vecs {
		if row > 0 {
			CMPQ(Stack("rows"), U8(row))
			JLE(LabelRef(done))
		}
		for first := 0; first < n; first += keys {
			sum, at := acc(first, row/RowsAVector), s.At(row, 4*first)
			switch {
			case keys == 1:
				VEXTRACTF32X4(U8(row%RowsAVector), sum, X(x))
				VMOVSS(X(x), at)
			case row%RowsAVector == 0:
				VMOVUPS(X(sum), at)
			default:
				VEXTRACTF32X4(U8(row%RowsAVector), sum, at)
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
