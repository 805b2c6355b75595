//go:build !amd64 || purego

package harness

func brand() string { return "" }
