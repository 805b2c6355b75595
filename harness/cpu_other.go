//go:build !linux

package harness

func cpuName() string { return unavailable }
