//go:build !linux

package memory

var sources []func() (bytes int64, ok bool)
