//go:build !linux

package harness

// allocPages returns zeroed memory.
func allocPages(bytes int) (memory []byte, free func()) {
	return make([]byte, bytes), func() {}
}
