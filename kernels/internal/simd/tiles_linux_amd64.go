//go:build !purego

package simd

import "syscall"

// requestTiles asks for the state of tiles to be kept for this process's
// threads, which Linux does not without.
func requestTiles() bool {
	const reqXCompPerm, tileData = 0x1023, 18
	_, _, errno := syscall.RawSyscall(syscall.SYS_ARCH_PRCTL, reqXCompPerm, tileData, 0)
	return errno == 0
}
