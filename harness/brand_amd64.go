//go:build !purego

package harness

import (
	"bytes"
	"encoding/binary"
)

// cpuid is the instruction of that name.
//
//go:noescape
func cpuid(eax, ecx uint32) (a, b, c, d uint32)

// brand returns the processor's brand string. It keeps trailing blanks, as
// `go test` does.
func brand() string {
	const first, last = 0x8000_0002, 0x8000_0004
	if most, _, _, _ := cpuid(0x8000_0000, 0); most < last {
		return ""
	}
	var text []byte
	for leaf := uint32(first); leaf <= last; leaf++ {
		a, b, c, d := cpuid(leaf, 0)
		for _, register := range []uint32{a, b, c, d} {
			text = binary.LittleEndian.AppendUint32(text, register)
		}
	}
	text, _, _ = bytes.Cut(text, []byte{0})
	return string(bytes.TrimLeft(text, " "))
}
