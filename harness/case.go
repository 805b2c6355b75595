package harness

import (
	"fmt"
	"strings"

	"github.com/attnbench/attnbench/kernels"
)

// A Case is one problem on one input.
type Case struct {
	Problem kernels.Problem
	Input   Input
}

// Base is the name of every attention benchmark, before its first slash.
const Base = "Attention"

// Name returns the benchmark name of a kernel on this case, without the
// "Benchmark" before it and the "-N" of the threads behind it. The order of
// its keys is fixed: it is a public interface. An option at its default, such as
// the scale or an element type of float32, has no key.
func (c Case) Name(kernel, isa string) string {
	p := c.Problem
	return fmt.Sprintf("%s/kernel=%s/isa=%s/mask=%s/batch=%d/heads=%d/kvheads=%d/qlen=%d/kvlen=%d/dim=%d",
		Base, kernel, isa, maskName(p.Mask), p.Batch, p.Heads, p.KVHeads, p.QLen, p.KVLen, p.HeadDim) + options(p, "/")
}

// Describe says what a problem computes, apart from its shape: the mask and the
// options that are not at their defaults, such as "causal softcap=50".
func Describe(p kernels.Problem) string { return maskName(p.Mask) + options(p, " ") }

// options returns the keys of what is not at its default, each after before.
func options(p kernels.Problem, before string) string {
	var text strings.Builder
	for _, option := range []struct {
		set   bool
		key   string
		value any
	}{
		{p.DType != kernels.Float32, "dtype", p.DType},
		{p.KVDType != p.DType, "kvdtype", p.KVDType},
		{p.PageSize != 0, "page", p.PageSize},
		{p.Scale != 0, "scale", p.Scale},
		{p.Softcap != 0, "softcap", p.Softcap},
		{p.ALiBi, "alibi", true},
		{p.SinkLogits, "sinklogits", true},
	} {
		if option.set {
			fmt.Fprintf(&text, "%s%s=%v", before, option.key, option.value)
		}
	}
	return text.String()
}

// maskName is the mask's name without what would end it in a benchmark name; a
// caller's own block pattern may be called anything.
func maskName(m kernels.Mask) string {
	return strings.Map(func(r rune) rune {
		if r == '/' || r <= ' ' {
			return '_'
		}
		return r
	}, m.String())
}
