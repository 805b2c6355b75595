//go:build !linux && !purego

package simd

// requestTiles: nobody has tried what other systems do.
func requestTiles() bool { return false }
