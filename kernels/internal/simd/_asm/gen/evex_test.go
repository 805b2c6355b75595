package gen

import (
	"encoding/hex"
	"testing"

	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// TestEVEX holds the encoder against what GNU as 2.40 makes of the same
// instructions, with registers and addresses chosen at random.
func TestEVEX(t *testing.T) {
	for _, x := range []struct {
		name string
		ops  []Op
		want string
	}{
		{"VDPBF16PS", []Op{reg.Z16, reg.Z22, reg.Z1}, "62b24e4052c8"},
		{"VDPBF16PS", []Op{Mem{Base: reg.R15, Index: reg.RBX, Scale: 1, Disp: 1}, reg.Z15, reg.Z3}, "62d20648529c1f01000000"},
		{"VDPBF16PS", []Op{Mem{Base: reg.R9, Index: reg.RCX, Scale: 2}, reg.Z15, reg.Z24}, "62420648520449"},
		{"VDPBF16PS.BCST", []Op{Mem{Base: reg.RDX, Index: reg.R11, Scale: 2, Disp: 4}, reg.Z26, reg.Z17}, "62a22e50524c5a01"},
		{"VDPBF16PS.BCST", []Op{Mem{Base: reg.RDX, Disp: 508}, reg.Z28, reg.Z8}, "62721e5052427f"},
		{"VCVTNE2PS2BF16", []Op{reg.Z13, reg.Z10, reg.Z10}, "62522f4872d5"},
		{"VCVTNE2PS2BF16.Z", []Op{reg.Z18, reg.Z20, reg.K5, reg.Z12}, "62325fc572e2"},
		{"VCVTNEPS2BF16", []Op{reg.Z13, reg.Y12}, "62527e4872e5"},
		{"VDPBF16PS", []Op{reg.Z24, reg.Z19, reg.Z1}, "6292664052c8"},
		{"VDPBF16PS", []Op{Mem{Base: reg.R15, Index: reg.RDX, Scale: 4, Disp: 64}, reg.Z26, reg.Z10}, "62522e4052549701"},
		{"VDPBF16PS", []Op{Mem{Base: reg.R10, Index: reg.R9, Scale: 1, Disp: 8192}, reg.Z19, reg.Z0}, "6292664052840a00200000"},
		{"VDPBF16PS.BCST", []Op{Mem{Base: reg.R12, Index: reg.R9, Scale: 2, Disp: 100000}, reg.Z19, reg.Z30}, "6202665052b44ca0860100"},
		{"VDPBF16PS.BCST", []Op{Mem{Base: reg.RBP, Disp: -512}, reg.Z11, reg.Z3}, "62f22658525d80"},
		{"VCVTNE2PS2BF16", []Op{Mem{Base: reg.RDI}, reg.Z26, reg.Z23}, "62e22f40723f"},
		{"VCVTNE2PS2BF16.Z", []Op{Mem{Base: reg.R13, Index: reg.RSI, Scale: 8, Disp: 1}, reg.Z12, reg.K5, reg.Z7}, "62d21fcd72bcf501000000"},
		{"VCVTNEPS2BF16", []Op{Mem{Base: reg.RCX, Index: reg.R10, Scale: 4}, reg.Y29}, "62227e48722c91"},
		{"VDPBF16PS", []Op{reg.Z27, reg.Z5, reg.Z13}, "6212564852eb"},
		{"VDPBF16PS", []Op{Mem{Base: reg.RSI, Index: reg.RDI, Scale: 1, Disp: 8192}, reg.Z23, reg.Z9}, "62724640528c3e00200000"},
		{"VDPBF16PS", []Op{Mem{Base: reg.R13, Index: reg.RAX, Scale: 2, Disp: 8192}, reg.Z19, reg.Z11}, "62526640529c4500200000"},
		{"VDPBF16PS.BCST", []Op{Mem{Base: reg.RCX, Index: reg.R11, Scale: 1, Disp: 508}, reg.Z10, reg.Z3}, "62b22e58525c197f"},
		{"VDPBF16PS.BCST", []Op{Mem{Base: reg.R11, Index: reg.R12, Scale: 2}, reg.Z16, reg.Z29}, "62027e50522c63"},
		{"VCVTNE2PS2BF16", []Op{reg.Z2, reg.Z31, reg.Z21}, "62e2074072ea"},
		{"VCVTNE2PS2BF16.Z", []Op{reg.Z13, reg.Z8, reg.K6, reg.Z8}, "62523fce72c5"},
		{"VCVTNEPS2BF16", []Op{reg.Z26, reg.Y10}, "62127e4872d2"},
		{"VDPBF16PS", []Op{reg.Z27, reg.Z23, reg.Z9}, "6212464052cb"},
		{"VDPBF16PS", []Op{Mem{Base: reg.RDX, Index: reg.R13, Scale: 2, Disp: 322}, reg.Z26, reg.Z18}, "62a22e4052946a42010000"},
		{"VDPBF16PS", []Op{Mem{Base: reg.R8, Index: reg.RDI, Scale: 4, Disp: 100000}, reg.Z31, reg.Z20}, "62c2064052a4b8a0860100"},
		{"VDPBF16PS.BCST", []Op{Mem{Base: reg.RDI, Index: reg.RBX, Scale: 8, Disp: 1}, reg.Z9, reg.Z7}, "62f2365852bcdf01000000"},
		{"VDPBF16PS.BCST", []Op{Mem{Base: reg.RBP, Index: reg.R15, Scale: 4, Disp: 4}, reg.Z5, reg.Z31}, "62225658527cbd01"},
		{"VCVTNE2PS2BF16", []Op{Mem{Base: reg.RSI, Index: reg.RDI, Scale: 8, Disp: 8192}, reg.Z2, reg.Z19}, "62e26f48729cfe00200000"},
		{"VCVTNE2PS2BF16.Z", []Op{Mem{Base: reg.R10, Disp: 322}, reg.Z21, reg.K7, reg.Z11}, "625257c7729a42010000"},
		{"VCVTNEPS2BF16", []Op{Mem{Base: reg.R8, Index: reg.R8, Scale: 4, Disp: 1}, reg.Y17}, "62827e48728c8001000000"},
		{"VDPBF16PS", []Op{reg.Z17, reg.Z22, reg.Z26}, "62224e4052d1"},
		{"VDPBF16PS", []Op{Mem{Base: reg.RSI, Index: reg.R9, Scale: 2, Disp: 322}, reg.Z11, reg.Z28}, "6222264852a44e42010000"},
		{"VDPBF16PS", []Op{Mem{Base: reg.R15, Index: reg.R14, Scale: 4, Disp: 64}, reg.Z12, reg.Z23}, "62821e48527cb701"},
		{"VDPBF16PS.BCST", []Op{Mem{Base: reg.RBP, Index: reg.RDI, Scale: 1, Disp: 508}, reg.Z10, reg.Z26}, "62622e5852543d7f"},
		{"VDPBF16PS.BCST", []Op{Mem{Base: reg.RBX, Index: reg.RBX, Scale: 1, Disp: 100000}, reg.Z28, reg.Z11}, "62721e50529c1ba0860100"},
		{"VCVTNE2PS2BF16", []Op{reg.Z14, reg.Z10, reg.Z3}, "62d22f4872de"},
		{"VCVTNE2PS2BF16.Z", []Op{reg.Z8, reg.Z7, reg.K2, reg.Z20}, "62c247ca72e0"},
		{"VCVTNEPS2BF16", []Op{reg.Z30, reg.Y2}, "62927e4872d6"},
		{"VDPBF16PS", []Op{reg.Z26, reg.Z29, reg.Z22}, "6282164052f2"},
		{"VDPBF16PS", []Op{Mem{Base: reg.RBX, Index: reg.R10, Scale: 1, Disp: 1}, reg.Z4, reg.Z13}, "62325e4852ac1301000000"},
		{"VDPBF16PS", []Op{Mem{Base: reg.R14, Index: reg.RCX, Scale: 4}, reg.Z17, reg.Z26}, "6242764052148e"},
		{"VDPBF16PS.BCST", []Op{Mem{Base: reg.R9, Index: reg.R15, Scale: 4, Disp: 512}, reg.Z6, reg.Z18}, "62824e585294b900020000"},
		{"VDPBF16PS.BCST", []Op{Mem{Base: reg.RDI, Index: reg.R10, Scale: 8, Disp: -12}, reg.Z8, reg.Z26}, "62223e585254d7fd"},
		{"VCVTNE2PS2BF16", []Op{Mem{Base: reg.RBX, Index: reg.RDX, Scale: 1, Disp: 1}, reg.Z24, reg.Z30}, "62623f4072b41301000000"},
		{"VCVTNE2PS2BF16.Z", []Op{Mem{Base: reg.RSI, Index: reg.RDX, Scale: 4, Disp: -8192}, reg.Z24, reg.K4, reg.Z6}, "62f23fc472749680"},
		{"VCVTNEPS2BF16", []Op{Mem{Base: reg.RBP, Index: reg.R14, Scale: 8, Disp: -8192}, reg.Y31}, "62227e48727cf580"},
	} {
		code, err := evex(instruction(x.name, x.ops, nil))
		if got := hex.EncodeToString(code); err != nil || got != x.want {
			t.Errorf("%s %v: got %s and error %v, want %s", x.name, x.ops, got, err, x.want)
		}
	}
}

// TestEVEXRefuses wants an error for what has no encoding here.
func TestEVEXRefuses(t *testing.T) {
	for _, op := range []Op{NewStackAddr(8), NewParamAddr("x", 8), Mem{Disp: 4}, U8(3)} {
		if code, err := evex(instruction("VCVTNEPS2BF16", []Op{op, reg.Y1}, nil)); err == nil {
			t.Errorf("operand %s: encoded as %x", op.Asm(), code)
		}
	}
}
