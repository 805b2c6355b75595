package memory

import "syscall"

// advise asks for huge pages under memory that begins and ends with one. A
// refusal costs speed, not correctness, so it is not reported.
func advise(memory []byte) {
	const hugePages = 14 // MADV_HUGEPAGE of madvise(2)
	_ = syscall.Madvise(memory, hugePages)
}
