package external

import (
	"testing"

	"github.com/attnbench/attnbench/kernels"
)

// BenchmarkCall is what a call of a library costs.
func BenchmarkCall(b *testing.B) {
	l, err := Load(library(b, "testdata/hostile.c", "-DHOW=SOUND", `-DLACKING=""`), "")
	if err != nil {
		b.Fatal(err)
	}
	pl, err := l.Kernels[0].Plan(small, kernels.Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer pl.Close()
	if err := pl.Bind(kernels.NewTensors(small)); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if err := pl.Run(); err != nil {
			b.Fatal(err)
		}
	}
}
