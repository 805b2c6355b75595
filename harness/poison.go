package harness

import (
	"math"
	"slices"

	"github.com/attnbench/attnbench/kernels"
)

// The poisons are quiet NaNs that differ in their payload, so that a leaked
// key can be told from an element that was never written. That of an output
// differs by channel too; see [checkUnwritten].
const (
	poisonKey    = 0x7fc0_0bad
	poisonOutput = 0x7fc0_de00
	poisonHalf   = 0x7fc0 // an output of float16 or bfloat16
	poisonByte   = -128   // which no number is quantised to
)

// Poison makes every K and V row that no query sees NaN, unless it is NaN or
// infinite already, and overwrites the outputs by [PoisonOutputs]. A kernel
// that is right never notices. Of Int8 only whole blocks can be NaN; hidden rows
// beside others get the one byte that is no number's.
func Poison(p kernels.Problem, t *kernels.Tensors) {
	PoisonOutputs(t)
	if p.KVDType == kernels.Int8 {
		poisonBlocks(p, &t.K, &t.V)
		return
	}
	nan := math.Float32frombits(poisonKey)
	buf, spoil := make([]float32, p.HeadDim), func(row []float32) {
		if finite(float64(row[0])) {
			fillSlice(row, nan)
		}
	}
	eachHidden(p, func(b, j int) {
		for h := range p.KVHeads {
			fillRow(&t.K, b, h, j, buf, spoil)
			fillRow(&t.V, b, h, j, buf, spoil)
		}
	})
	for _, x := range []*kernels.Tensor{&t.K, &t.V} {
		poisonPageEnds(x, buf, spoil)
	}
}

// poisonBlocks is Poison for tensors with scales.
func poisonBlocks(p kernels.Problem, tensors ...*kernels.Tensor) {
	for b := range p.Batch {
		hidden := make([]bool, rowsHeld(tensors[0]))
		for j := range hidden {
			hidden[j] = true
		}
		for _, v := range p.VisibleKeys(b) {
			fillSlice(hidden[v.Lo:v.Hi], false)
		}
		for _, t := range tensors {
			for h := range t.Heads {
				for i := 0; i < len(hidden); {
					block := t.Block(i).Intersect(kernels.Interval{Hi: len(hidden)})
					poisonBlock(t, b, h, block, hidden[block.Lo:block.Hi])
					i = block.Hi
				}
			}
		}
	}
}

// poisonBlock spoils those rows of a block that are hidden, of which there is
// one element at least for each row of the block.
func poisonBlock(t *kernels.Tensor, b, h int, block kernels.Interval, hidden []bool) {
	for i, hide := range hidden {
		if hide {
			fillSlice(t.Int8[t.Offset(b, h, block.Lo+i):][:t.Dim], poisonByte)
		}
	}
	if !slices.Contains(hidden, false) {
		*t.Scale(b, h, block.Lo) = math.Float32frombits(poisonKey)
	}
}

// rowsHeld returns how many rows of a batch element there is room for: up to
// the end of the last page.
func rowsHeld(t *kernels.Tensor) int {
	if t.PageSize == 0 {
		return t.Len
	}
	return (t.Len + t.PageSize - 1) / t.PageSize * t.PageSize
}

// eachHidden calls f for every key of a batch element that no query sees.
func eachHidden(p kernels.Problem, f func(batch, key int)) {
	for b := range p.Batch {
		j := 0
		for _, v := range append(p.VisibleKeys(b), kernels.Interval{Lo: p.KVLen, Hi: p.KVLen}) {
			for ; j < v.Lo; j++ {
				f(b, j)
			}
			j = v.Hi
		}
	}
}

// poisonPageEnds spoils the rows of the last pages that no key uses.
func poisonPageEnds(t *kernels.Tensor, buf []float32, spoil func(row []float32)) {
	if t.PageSize == 0 {
		return
	}
	for b := range t.Batch {
		for h := range t.Heads {
			for i := t.Len; i%t.PageSize != 0; i++ {
				fillRow(t, b, h, i, buf, spoil)
			}
		}
	}
}

// PoisonOutputs overwrites O and LSE with NaNs that [Reference.Check]
// recognises, so that an element which a run did not write is found.
func PoisonOutputs(t *kernels.Tensors) {
	row := poisonRow(t.O.DType, t.O.Dim)
	fillRows(&t.O, func(o []float32) { copy(o, row) })
	fillSlice(t.LSE, poisonOf(kernels.Float32, 0))
}

func poisonRow(t kernels.DType, n int) []float32 {
	row := make([]float32, n)
	for d := range row {
		row[d] = poisonOf(t, d)
	}
	return row
}

// poisonOf returns the poison of a channel of an output, widened.
func poisonOf(t kernels.DType, d int) float32 {
	if t == kernels.Float32 {
		return math.Float32frombits(poisonOutput | uint32(d&0xff))
	}
	return t.Widen(poisonHalf | uint16(37*(d+1)&0x3f))
}

func isPoison(x float32, t kernels.DType, d int) bool {
	return math.Float32bits(x) == math.Float32bits(poisonOf(t, d))
}

func fillSlice[T any](s []T, x T) {
	for i := range s {
		s[i] = x
	}
}
