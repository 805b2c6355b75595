//go:build !purego

package simd

import "golang.org/x/sys/cpu"

//go:generate go run -C _asm ./cpuid -out ../cpuid_amd64.s

// hasF16C asks for the feature that golang.org/x/sys/cpu does not tell.
func hasF16C() bool {
	_, _, ecx, _ := cpuid(1, 0)
	return ecx>>29&1 != 0
}

// isIntel reports whether the processor is by Intel.
func isIntel() bool {
	_, ebx, _, _ := cpuid(0, 0)
	return ebx == 'G'|'e'<<8|'n'<<16|'u'<<24 // the first letters of GenuineIntel
}

// hasTiles reports whether processor and system have AMX with bfloat16, which
// the system may grant on request only.
func hasTiles() bool {
	const state = 3 << 17 // TILECFG and TILEDATA
	if !cpu.X86.HasAMXTile || !cpu.X86.HasAMXBF16 || !cpu.X86.HasOSXSAVE {
		return false
	}
	saved, _ := xgetbv()
	return saved&state == state && requestTiles()
}

func cpuid(leaf, subleaf uint32) (eax, ebx, ecx, edx uint32)

func xgetbv() (low, high uint32)
