package harness

import "syscall"

// allocPages returns zeroed memory in huge pages where the system has them,
// for a stream over small ones measures address translation too.
func allocPages(bytes int) (memory []byte, free func()) {
	const hugePages = 14 // MADV_HUGEPAGE of madvise(2)
	memory, err := syscall.Mmap(-1, 0, bytes, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_ANON|syscall.MAP_PRIVATE)
	if err != nil {
		return make([]byte, bytes), func() {}
	}
	_ = syscall.Madvise(memory, hugePages) // only advice
	return memory, func() { _ = syscall.Munmap(memory) }
}
