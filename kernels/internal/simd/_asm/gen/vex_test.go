package gen

import (
	"encoding/hex"
	"testing"

	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// TestVEX holds the encoder against what GNU as 2.40 makes of the same
// instructions, with registers and addresses chosen at random.
func TestVEX(t *testing.T) {
	for _, x := range []struct {
		name string
		ops  []Op
		want string
	}{
		{"LDTILECFG", []Op{Mem{Base: reg.R13}}, "c4c278494500"},
		{"TILEZERO", []Op{TMM(7)}, "c4e27b49f8"},
		{"TILELOADD", []Op{Mem{Base: reg.RSI, Index: reg.R14, Scale: 1, Disp: -8192}, TMM(0)}, "c4a27b4b843600e0ffff"},
		{"TILELOADDT1", []Op{Mem{Base: reg.RCX, Index: reg.RAX, Scale: 1, Disp: 64}, TMM(3)}, "c4e2794b5c0140"},
		{"TILESTORED", []Op{TMM(3), Mem{Base: reg.RDX, Index: reg.RDX, Scale: 1, Disp: 100000}}, "c4e27a4b9c12a0860100"},
		{"TDPBF16PS", []Op{TMM(1), TMM(7), TMM(4)}, "c4e2725ce7"},
		{"TILERELEASE", nil, "c4e27849c0"},
		{"LDTILECFG", []Op{Mem{Base: reg.RBX, Disp: 64}}, "c4e278494340"},
		{"TILEZERO", []Op{TMM(2)}, "c4e27b49d0"},
		{"TILELOADD", []Op{Mem{Base: reg.R9, Index: reg.RDX, Scale: 1, Disp: 64}, TMM(4)}, "c4c27b4b641140"},
		{"TILELOADDT1", []Op{Mem{Base: reg.RAX, Index: reg.RDI, Scale: 1, Disp: 1024}, TMM(3)}, "c4e2794b9c3800040000"},
		{"TILESTORED", []Op{TMM(2), Mem{Base: reg.RCX, Index: reg.RBP, Scale: 1, Disp: 1024}}, "c4e27a4b942900040000"},
		{"TDPBF16PS", []Op{TMM(0), TMM(4), TMM(5)}, "c4e27a5cec"},
		{"LDTILECFG", []Op{Mem{Base: reg.RSI, Disp: -128}}, "c4e278494680"},
		{"TILEZERO", []Op{TMM(7)}, "c4e27b49f8"},
		{"TILELOADD", []Op{Mem{Base: reg.R12, Index: reg.RAX, Scale: 1, Disp: 1}, TMM(2)}, "c4c27b4b540401"},
		{"TILELOADDT1", []Op{Mem{Base: reg.RSI, Index: reg.RAX, Scale: 1, Disp: 100000}, TMM(4)}, "c4e2794ba406a0860100"},
		{"TILESTORED", []Op{TMM(6), Mem{Base: reg.R10, Index: reg.R8, Scale: 1}}, "c4827a4b3402"},
		{"TDPBF16PS", []Op{TMM(0), TMM(5), TMM(1)}, "c4e27a5ccd"},
	} {
		code, err := vex(tileInstruction(x.name, x.ops))
		if got := hex.EncodeToString(code); err != nil || got != x.want {
			t.Errorf("%s %v: got %s and error %v, want %s", x.name, x.ops, got, err, x.want)
		}
	}
}

// TestVEXRefuses wants an error for what has no encoding here.
func TestVEXRefuses(t *testing.T) {
	for _, op := range []Op{NewStackAddr(8), Mem{Base: reg.RAX}, reg.Z1, U8(3)} {
		if code, err := vex(tileInstruction("TILELOADD", []Op{op, TMM(1)})); err == nil {
			t.Errorf("operand %s: encoded as %x", op.Asm(), code)
		}
	}
}
