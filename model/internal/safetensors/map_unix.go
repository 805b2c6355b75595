//go:build unix

package safetensors

import (
	"math"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// mapFile shows the contents of a file without reading them: the system
// brings in what is looked at, and may drop it again. It returns nil where the
// system refuses, which costs a copy and nothing else.
//
// Note: a file that is cut short while it is mapped ends the process, as it
// does every program that maps files.
func mapFile(f *os.File, size int64) (data []byte, unmap func([]byte) error) {
	if size <= 0 || size > math.MaxInt {
		return nil, nil
	}
	data, err := syscall.Mmap(int(f.Fd()), 0, int(size), syscall.PROT_READ, syscall.MAP_SHARED)
	if err != nil {
		return nil, nil
	}
	return data, syscall.Munmap
}

// forget lets the system take back what a mapping brought into the process; it
// comes again when it is looked at.
func forget(data []byte) { _ = unix.Madvise(data, unix.MADV_DONTNEED) }
