//go:build !linux

package memory

// advise does nothing here.
func advise([]byte) {}
