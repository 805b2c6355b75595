package gen

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/ir"
	. "github.com/mmcloughlin/avo/operand"
)

// Go's assembler, as of Go 1.26, has no AMX either: see evex.go. A tile is up to
// 16 rows of 64 bytes, as the configuration says.

// A Tile is a tile register. For avo, which knows no such register, it is a
// constant.
type Tile struct{ U8 }

// TMM is the tile of a number.
func TMM(i int) Tile { return Tile{U8(i)} }

// Asm is the register's name.
func (t Tile) Asm() string { return fmt.Sprintf("TMM%d", t.U8) }

// vexOps are the instructions that [vex] encodes: all of map 0F38, with W = 0
// and L = 0.
var vexOps = map[string]struct {
	prefix byte // 0 for none, 1 for 66, 2 for F3, 3 for F2
	opcode byte
}{
	"LDTILECFG":   {0, 0x49},
	"TILERELEASE": {0, 0x49},
	"TILEZERO":    {3, 0x49},
	"TILELOADD":   {3, 0x4b},
	"TILELOADDT1": {1, 0x4b},
	"TILESTORED":  {2, 0x4b},
	"TDPBF16PS":   {2, 0x5c},
}

// LDTILECFG loads the shapes of all tiles, 64 bytes, and makes them zero.
func LDTILECFG(m Mem) { emitTile("LDTILECFG", []Op{m}, m) }

// TILERELEASE forgets the tiles, so that no switch of threads keeps them.
func TILERELEASE() { emitTile("TILERELEASE", nil) }

// TILEZERO clears a tile.
func TILEZERO(t Tile) { emitTile("TILEZERO", []Op{t}) }

// TILELOADD reads the rows of a tile at m's base, its index bytes apart.
func TILELOADD(m Mem, t Tile) { emitTile("TILELOADD", []Op{m, t}, m) }

// TILELOADDT1 is TILELOADD of what will not be read again soon.
func TILELOADDT1(m Mem, t Tile) { emitTile("TILELOADDT1", []Op{m, t}, m) }

// TILESTORED writes the rows of a tile as TILELOADD reads them.
func TILESTORED(t Tile, m Mem) { emitTile("TILESTORED", []Op{t, m}, m) }

// TDPBF16PS adds to acc, float32, the product of a, rows of pairs of bfloat16, by
// b, whose rows are pairs of those of a matrix. Of an element, the products of the
// lower numbers of all pairs are summed by fused steps in their order, and so
// are those of the upper ones; the sum of both is added to acc. Numbers below
// 2^-126 count as zero, and so do such sums.
func TDPBF16PS(b, a, acc Tile) { emitTile("TDPBF16PS", []Op{b, a, acc}) }

func emitTile(name string, operands []Op, inputs ...Op) {
	i := tileInstruction(name, operands)
	i.Inputs = inputs
	Instruction(i)
}

func tileInstruction(name string, operands []Op) *ir.Instruction {
	isa := "AMX_TILE"
	if name == "TDPBF16PS" {
		isa = "AMX_BF16"
	}
	return &ir.Instruction{Opcode: name, Operands: operands, ISA: []string{isa}}
}

// vex returns the bytes of an instruction of vexOps (Intel SDM, volume 2,
// section 2.3).
func vex(i *ir.Instruction) ([]byte, error) {
	op, second := vexOps[i.Opcode], 0
	m := address{code: []byte{3 << 6}} // a register, and it is 0
	for n, operand := range i.Operands {
		switch x := operand.(type) {
		case Mem:
			if (x.Index == nil) != (i.Opcode == "LDTILECFG") {
				return nil, fmt.Errorf("%s %s: only rows of a tile have a stride", i.Opcode, x.Asm())
			}
			field := m.code[0] & (7 << 3)
			a, err := modRM(x, 0, 1)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", i.Opcode, err)
			}
			m = a
			m.code[0] |= field
		case Tile:
			switch {
			case i.Opcode == "TDPBF16PS" && n == 0:
				second = int(x.U8)
			case i.Opcode == "TDPBF16PS" && n == 1:
				m.code[0] |= byte(x.U8)
			default:
				m.code[0] |= byte(x.U8) << 3
			}
		default:
			return nil, fmt.Errorf("%s: operand %s", i.Opcode, operand.Asm())
		}
	}
	const map38 = 2
	p0 := byte(map38) | inverted(0, 7) | inverted(m.x, 6) | inverted(m.b, 5)
	p1 := byte(^second&15)<<3 | op.prefix
	return append([]byte{0xc4, p0, p1, op.opcode}, m.code...), nil
}
