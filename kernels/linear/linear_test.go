package linear

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/attnbench/attnbench/kernels"
	"github.com/attnbench/attnbench/kernels/peak"
)

func random(n int, seed uint64) []float32 {
	r := rand.New(rand.NewPCG(seed, 3))
	x := make([]float32, n)
	for i := range x {
		x[i] = float32(r.NormFloat64())
	}
	return x
}

func TestApplyAgainstFloat64(t *testing.T) {
	for _, isa := range kernels.ISAs() {
		if !isa.Available {
			continue
		}
		for _, s := range [][3]int{{1, 1, 1}, {1, 5, 256}, {7, 30, 63}, {13, 64, 65}, {300, 17, 130}} {
			for _, transposed := range []bool{false, true} {
				t.Run(fmt.Sprintf("isa=%s/rows=%d/in=%d/out=%d/transposed=%v", isa.Name, s[0], s[1], s[2], transposed), func(t *testing.T) {
					check(t, isa.Name, s[0], s[1], s[2], transposed)
				})
			}
		}
	}
}

func check(t *testing.T, isa string, rows, in, out int, transposed bool) {
	x, w, bias := random(rows*in, 1), random(in*out, 2), random(out, 3)
	m, err := Pack(w, in, out, transposed, isa)
	if err != nil {
		t.Fatal(err)
	}
	one, two := make([]float32, rows*out), make([]float32, rows*out)
	m.Apply(one, x, bias, rows, 1)
	m.Apply(two, x, bias, rows, 3)
	if !slices.Equal(one, two) {
		t.Error("the result depends on threads")
	}
	if transposed {
		byRows, err := PackRows(in, out, isa, func(dst []float32, i int) { copy(dst, w[i*in:(i+1)*in]) })
		if err != nil || !slices.Equal(byRows.packed, m.packed) {
			t.Errorf("packed by rows it is another matrix (%v)", err)
		}
	}
	bare := make([]float32, rows*out)
	m.Apply(bare, x, nil, rows, 2)
	for r := range rows {
		for c := range out {
			sum, size := 0.0, 1.0
			for k := range in {
				at := k*out + c
				if transposed {
					at = c*in + k
				}
				p := float64(x[r*in+k]) * float64(w[at])
				sum += p
				size += math.Abs(p)
			}
			limit := 1e-7 * float64(in+2) * (size + math.Abs(float64(bias[c])))
			if got := float64(one[r*out+c]); math.Abs(got-sum-float64(bias[c])) > limit {
				t.Fatalf("[%d %d] is %v, want %v", r, c, got, sum+float64(bias[c]))
			}
			if got := float64(bare[r*out+c]); math.Abs(got-sum) > limit {
				t.Fatalf("[%d %d] without bias is %v, want %v", r, c, got, sum)
			}
		}
	}
}

func TestPackRefusesUnknownISA(t *testing.T) {
	if _, err := Pack(nil, 0, 0, false, "vax"); err == nil {
		t.Error("accepted")
	}
}

// BenchmarkLinear reports the share of multiply-adds that are timed for as long,
// in turns with the product; both are medians.
func BenchmarkLinear(b *testing.B) {
	const rows, in, out = 512, 768, 3072
	const flops = 2 * rows * in * out
	isa, _ := kernels.SelectISA("")
	isa = kernels.Float32ISA(isa)
	m, err := Pack(random(in*out, 1), in, out, false, "")
	if err != nil {
		b.Fatal(err)
	}
	x, y := random(rows*in, 2), make([]float32, rows*out)
	loop := peak.FMA(isa)
	b.Run(fmt.Sprintf("isa=%s/rows=%d/in=%d/out=%d", isa, rows, in, out), func(b *testing.B) {
		var rates, limits []float64
		for b.Loop() {
			rates = append(rates, rate(func() int64 { m.Apply(y, x, nil, rows, 1); return flops }))
			if loop != nil {
				const rounds = 1000
				b.StopTimer()
				limits = append(limits, rate(func() int64 { return loop(flops / int(loop(rounds)) * rounds) }))
				b.StartTimer()
			}
		}
		b.ReportMetric(median(rates), "FLOP/s")
		if loop != nil {
			b.ReportMetric(median(rates)/median(limits), "peak-ratio")
		}
	})
}

// rate returns what work did a second.
func rate(work func() (flops int64)) float64 {
	start := time.Now()
	flops := work()
	return float64(flops) / time.Since(start).Seconds()
}

func median(x []float64) float64 {
	slices.Sort(x)
	return x[len(x)/2]
}

func TestFloats(t *testing.T) {
	for _, n := range []int{0, 1, 1000, 1 << 18, 1<<18 + 1, 1 << 19, 3<<19 - 1, 3<<19 + 1} {
		x := Floats(n)
		if len(x) != n || cap(x) < n {
			t.Fatalf("%d floats: got %d", n, len(x))
		}
		for i := range x {
			if x[i] != 0 {
				t.Fatalf("%d floats: number %d is %v", n, i, x[i])
			}
			x[i] = 1
		}
	}
}
