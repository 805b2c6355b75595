package gen

import (
	"encoding/binary"
	"fmt"
	"strings"

	. "github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/ir"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/pass"
	"github.com/mmcloughlin/avo/reg"
)

// Go's assembler, as of Go 1.26, has no AVX512-BF16. Its instructions are
// emitted under their names, as all others are, and become data when registers
// have been allocated.
func init() {
	pass.Compile = pass.Concat(pass.Compile, pass.InstructionPass(encodeInstruction))
}

// evexOps are the instructions that [evex] encodes: all of map 0F38, of vectors
// of 512 bits, with W = 0.
var evexOps = map[string]struct {
	prefix byte // 2 for F3, 3 for F2
	opcode byte
}{
	"VDPBF16PS":      {2, 0x52},
	"VCVTNE2PS2BF16": {3, 0x72},
	"VCVTNEPS2BF16":  {2, 0x72},
}

// VDPBF16PS adds to each float of acc the products of two pairs of bfloat16,
// that of the upper halves first; both are fused. Numbers below 2^-126 count as
// zero, and so do such sums.
func VDPBF16PS(x Op, y, acc reg.Register) {
	emit("VDPBF16PS", []Op{x, y, acc}, []Op{x, y, acc})
}

// VDPBF16PS_BCST is VDPBF16PS with one pair for all.
func VDPBF16PS_BCST(x Mem, y, acc reg.Register) {
	emit("VDPBF16PS.BCST", []Op{x, y, acc}, []Op{x, y, acc})
}

// VCVTNE2PS2BF16 rounds the floats of low to the lower sixteen bfloat16 of dst
// and those of high to the upper, to nearest, ties to even. Numbers below
// 2^-126 become zero.
func VCVTNE2PS2BF16(low Op, high, dst reg.Register) {
	emit("VCVTNE2PS2BF16", []Op{low, high, dst}, []Op{low, high})
}

// VCVTNE2PS2BF16_Z is VCVTNE2PS2BF16 with zeros where mask has none.
func VCVTNE2PS2BF16_Z(low Op, high, mask, dst reg.Register) {
	emit("VCVTNE2PS2BF16.Z", []Op{low, high, mask, dst}, []Op{low, high, mask})
}

// VCVTNEPS2BF16 rounds the floats of x to the half vector dst, as
// VCVTNE2PS2BF16 does.
func VCVTNEPS2BF16(x Op, dst reg.Register) {
	emit("VCVTNEPS2BF16", []Op{x, dst}, []Op{x})
}

// emit adds an instruction whose last operand is written.
func emit(name string, operands, inputs []Op) { Instruction(instruction(name, operands, inputs)) }

func instruction(name string, operands, inputs []Op) *ir.Instruction {
	opcode, suffix, _ := strings.Cut(name, ".")
	i := &ir.Instruction{
		Opcode: opcode, Operands: operands, Inputs: inputs, Outputs: operands[len(operands)-1:],
		ISA: []string{"AVX512_BF16"},
	}
	if suffix != "" {
		i.Suffixes = []string{suffix}
	}
	return i
}

// data is an operand of LONG: the rest of the line.
type data string

func (d data) Asm() string { return string(d) }

// encodeInstruction turns an instruction of evexOps or vexOps into data.
func encodeInstruction(i *ir.Instruction) error {
	encode := evex
	if _, ok := vexOps[i.Opcode]; ok {
		encode = vex
	} else if _, ok := evexOps[i.Opcode]; !ok {
		return nil
	}
	code, err := encode(i)
	if err != nil {
		return err
	}
	line := []string{fmt.Sprintf("$0x%08x", binary.LittleEndian.Uint32(code))}
	rest := code[4:]
	for ; len(rest) >= 4; rest = rest[4:] {
		line = append(line, fmt.Sprintf("LONG $0x%08x", binary.LittleEndian.Uint32(rest)))
	}
	for ; len(rest) >= 2; rest = rest[2:] {
		line = append(line, fmt.Sprintf("WORD $0x%04x", binary.LittleEndian.Uint16(rest)))
	}
	for _, b := range rest {
		line = append(line, fmt.Sprintf("BYTE $0x%02x", b))
	}
	var names []string
	for _, op := range i.Operands {
		names = append(names, op.Asm())
	}
	text := strings.Join(line, "; ") + " // " + i.OpcodeWithSuffixes() + " " + strings.Join(names, ", ")
	i.Opcode, i.Suffixes, i.Operands = "LONG", nil, []Op{data(text)}
	return nil
}

// evex returns the bytes of an instruction of evexOps (Intel SDM, volume 2,
// section 2.7): operands are, in Go's order, a source of any kind, another
// source but for VCVTNEPS2BF16, a mask after a suffix Z, and the destination.
func evex(i *ir.Instruction) ([]byte, error) {
	op, ops := evexOps[i.Opcode], i.Operands
	dst, second, mask := index(ops[len(ops)-1]), 0, 0
	if len(ops) > 2 {
		second = index(ops[1])
	}
	zero, broadcast := i.OpcodeWithSuffixes() == i.Opcode+".Z", i.OpcodeWithSuffixes() == i.Opcode+".BCST"
	if zero {
		mask = index(ops[2])
	}
	tuple := 64 // bytes of the memory operand, which scale a short displacement
	if broadcast {
		tuple = 4
	}
	m, err := modRM(ops[0], dst&7, tuple)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", i.Opcode, err)
	}
	const (
		fixed  = 4 // of the second byte
		map38  = 2
		vector = 2 << 5 // 512 bits
	)
	p0 := byte(map38) | inverted(dst>>3, 7) | inverted(m.x, 6) | inverted(m.b, 5) | inverted(dst>>4, 4)
	p1 := byte(fixed) | op.prefix | byte(^second&15)<<3
	p2 := byte(vector) | inverted(second>>4, 3) | byte(mask)
	if zero {
		p2 |= 1 << 7
	}
	if broadcast {
		p2 |= 1 << 4
	}
	return append([]byte{0x62, p0, p1, p2, op.opcode}, m.code...), nil
}

// inverted places the complement of n's lowest bit.
func inverted(n, at int) byte { return byte(^n&1) << at }

// index is the number of a physical register.
func index(op Op) int { return int(op.(reg.Physical).PhysicalIndex()) }

// An address is the operand that a ModRM byte names: that byte and what follows,
// and the bits X and B of the prefix.
type address struct {
	code []byte
	x, b int
}

func modRM(op Op, field, tuple int) (address, error) {
	if _, ok := op.(reg.Register); ok {
		r := index(op)
		return address{code: []byte{byte(3<<6 | field<<3 | r&7)}, x: r >> 4, b: r >> 3}, nil
	}
	m, ok := op.(Mem)
	if !ok || m.Symbol.Name != "" || m.Base == nil || m.Base.ID() == reg.StackPointer.ID() || m.Base.ID() == reg.FramePointer.ID() {
		return address{}, fmt.Errorf("operand %s: want a register, or memory by a general one", op.Asm())
	}
	base := index(m.Base)
	a := address{b: base >> 3}
	mod, disp := 0, []byte(nil)
	switch short := m.Disp / tuple; {
	case m.Disp == 0 && base&7 != 5: // of which no displacement would mean another mode
	case m.Disp%tuple == 0 && short == int(int8(short)):
		mod, disp = 1, []byte{byte(int8(short))}
	default:
		mod, disp = 2, binary.LittleEndian.AppendUint32(nil, uint32(int32(m.Disp)))
	}
	rm := base & 7
	var sib []byte
	if m.Index != nil || rm == 4 {
		scale, at := 0, 4 // no index
		if m.Index != nil {
			at = index(m.Index)
			scale = map[uint8]int{1: 0, 2: 1, 4: 2, 8: 3}[m.Scale]
		}
		a.x = at >> 3
		sib = []byte{byte(scale<<6 | at&7<<3 | base&7)}
		rm = 4
	}
	a.code = append(append([]byte{byte(mod<<6 | field<<3 | rm)}, sib...), disp...)
	return a, nil
}
