//go:build !linux

package harness

func systemCPUName() string { return "" }
