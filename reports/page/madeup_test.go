package page

import (
	"bytes"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/attnbench/attnbench/reports/runs"
)

// A kernel of made-up records costs a + b·n + c·n² seconds.
type kernel struct {
	name, isa string
	a, b, c   float64
	bytes     func(n float64) float64
}

var kernels = []kernel{
	{"flash", "avx512", 4e-5, 2e-7, 9e-10, func(float64) float64 { return 450000 }},
	{"naive", "generic", 9e-6, 1e-7, 4.4e-8, func(n float64) float64 { return 16 * n * n }},
	{"sparse", "avx512", 2e-5, 4e-7, 8e-10, func(n float64) float64 { return 300 * n }},
	{"tiled", "avx512", 3e-5, 3e-7, 1.1e-9, func(n float64) float64 { return 1100 * n }},
	{"tiled", "avx2", 3e-5, 3e-7, 1.9e-9, func(n float64) float64 { return 1100 * n }},
}

var peaks = map[string]float64{"generic": 2.8e10, "avx2": 2.2e11, "avx512": 4.5e11}

const header = `# go: go1.26.8
# commit: 0123456789abcdef0123456789abcdef01234567
# commit-time: 2026-11-20T10:00:00Z
# peak-avx512: 4.5e+11 FLOP/s
# peak-read: 7.78e+10 B/s
# flags: --n=128..2048x2 --mask=causal,window:256
goos: linux
goarch: amd64
cpu: Made-up Processor 9000
seed: 1
input: normal
`

// madeUp returns records of a machine that follows known laws.
func madeUp(samples int) runs.File {
	rng := rand.New(rand.NewPCG(6, 4))
	var out strings.Builder
	out.WriteString(header)
	for _, mask := range []string{"causal", "window:256"} {
		for n := 128; n <= 2048; n *= 2 {
			for range samples {
				for _, k := range kernels {
					out.WriteString(k.record(mask, n, math.Exp(0.02*rng.ExpFloat64())))
				}
			}
		}
	}
	for n := 128; n <= 1024; n *= 2 {
		for range samples {
			writePhases(&out, "flash", n, rng)
			writePhases(&out, "naive", n, rng)
		}
	}
	return runs.File{Name: "made-up.txt", Text: out.String()}
}

func (k kernel) record(mask string, n int, noise float64) string {
	x := float64(n)
	seconds := (k.a + k.b*x + k.c*x*x) * noise
	flops := 4 * 32 * 4 * x * (x + 1) / 2
	return fmt.Sprintf("BenchmarkAttention/kernel=%s/isa=%s/mask=%s/batch=1/heads=4/kvheads=4/qlen=%d/kvlen=%[4]d/dim=32-2 3 %.6g ns/op %.6g FLOP/s %.6g peak-ratio %.0f workspace-B %.0f compulsory-B 0 B/op 0 allocs/op %.4g error-ratio\n",
		k.name, k.isa, mask, n, seconds*1e9, flops/seconds, flops/seconds/peaks[k.isa], k.bytes(x), 4*4*32*4*x, 0.1+x/1e4)
}

func writePhases(out *strings.Builder, kernel string, n int, rng *rand.Rand) {
	x := float64(n)
	quadratic := map[string]float64{"flash": 2, "naive": 60}[kernel]
	for _, phase := range []struct {
		name string
		ns   float64
	}{{"embedding", 5 * x}, {"qkv", 900 * x}, {"attention", quadratic * x * x}, {"mlp", 2400 * x}, {"head", 300 * x}} {
		fmt.Fprintf(out, "BenchmarkModel/phase=%s/kernel=%s/isa=avx512/model=built-in/n=%d-2 1 %.6g ns/op\n",
			phase.name, kernel, n, phase.ns*math.Exp(0.02*rng.ExpFloat64()))
	}
}

// render returns the page of files.
func render(t *testing.T, files ...runs.File) []byte {
	t.Helper()
	r, err := New(files, 1)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := r.WriteHTML(&out); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}
