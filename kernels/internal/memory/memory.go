// Package memory says how much memory may be had, so that what is too large is
// refused with a number instead of ending the process.
package memory

import "math"

// Available returns the bytes that the system would give without swapping, the
// least of what it says; math.MaxInt64 where it says nothing.
func Available() int64 {
	least := int64(math.MaxInt64)
	for _, source := range sources {
		if bytes, ok := source(); ok {
			least = min(least, bytes)
		}
	}
	return max(0, least)
}
