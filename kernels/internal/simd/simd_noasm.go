//go:build !amd64 || purego

package simd

func assembly() []*Funcs { return nil }

func assemblyPairs() []*Pairs { return nil }
