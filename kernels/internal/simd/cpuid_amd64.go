//go:build !purego

package simd

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

func cpuid(leaf, subleaf uint32) (eax, ebx, ecx, edx uint32)
