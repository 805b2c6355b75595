//go:build !linux

package cpu

// AdviseHugePages does nothing here.
func AdviseHugePages([]float32) {}
