package reports

import (
	"io"
	"strings"
	"testing"
)

// FuzzRead wants records refused or written as tables, whatever their values.
func FuzzRead(f *testing.F) {
	const name = "BenchmarkAttention/kernel=flash/isa=generic/mask=causal/batch=1/heads=2/kvheads=1/qlen=128/kvlen=128/dim=64-2"
	f.Add("cpu: x\n" + name + " 10 123 ns/op 5e+09 FLOP/s 4096 workspace-B\n" + name + " 10 125 ns/op\n")
	f.Add(name + " 10 NaN ns/op\n" + strings.ReplaceAll(name, "128", "256") + " 10 +Inf ns/op -1 workspace-B\n")
	f.Add(name + " 10 0 ns/op\n" + strings.ReplaceAll(name, "128", "9223372036854775807") + " 1 0 ns/op\n")
	f.Add("Unit ns/op better=lower\nBenchmarkOther-2 1 5 ns/op\n")
	f.Add("BenchmarkAttention/kernel= 1 5 ns/op\n")
	f.Fuzz(func(t *testing.T, text string) {
		set, err := Read(strings.NewReader(text), "fuzz")
		if err != nil || set == nil {
			return
		}
		if n := len(set.Series); n > 4 { // the intervals take their time
			set.Series = set.Series[:4]
		}
		_ = WriteSummary(io.Discard, set)
		_ = WriteScaling(io.Discard, set, 1)
	})
}
