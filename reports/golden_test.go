package reports

import (
	"bytes"
	"flag"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// golden compares what write prints with a file in testdata.
func golden(t *testing.T, file string, write func(io.Writer) error) {
	t.Helper()
	var got bytes.Buffer
	if err := write(&got); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join("testdata", file)
	if *update {
		if err := os.WriteFile(path, got.Bytes(), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got.Bytes(), want) {
		t.Errorf("%s differs (rewrite with -update); got\n%s", path, got.Bytes())
	}
}

// madeUp returns records of a machine that follows known laws.
func madeUp(samples int) *Set {
	rng := rand.New(rand.NewPCG(20, 26))
	set := &Set{}
	for _, k := range []struct {
		kernel, mask string
		time, bytes  Law
	}{
		{"flash", "causal", Law{40e-6, 0, 1e-9}, Law{A: 65536}},
		{"naive", "causal", Law{5e-6, 0, 4e-9}, Law{C: 16}},
		{"tiled", "causal", Law{20e-6, 0, 1.02e-9}, Law{4096, 512, 0}},
		{"naive", "window:256", Law{5e-6, 0, 4e-9}, Law{C: 16}},
		{"sparse", "window:256", Law{10e-6, 900e-9, 0}, Law{}},
	} {
		s := set.series(Key{k.kernel, "generic", Shape{Mask: k.mask, Batch: 1, Heads: 4, KVHeads: 2, Dim: 32, Threads: 2}})
		for _, n := range doubling {
			s.Points = append(s.Points, madeUpPoint(n, samples, k.time, k.bytes, rng))
		}
	}
	return set
}

func madeUpPoint(n, samples int, time, bytes Law, rng *rand.Rand) Point {
	p := Point{N: n, Samples: map[string][]float64{}}
	x := float64(n)
	flops := 1e9 * time.At(x) // a steady 1 GFLOP/s but for the noise
	for range samples {
		sec := time.At(x) * math.Exp(0.02*rng.NormFloat64())
		p.Samples[Time] = append(p.Samples[Time], sec)
		p.Samples[Rate] = append(p.Samples[Rate], flops/sec)
		p.Samples[PeakShare] = append(p.Samples[PeakShare], flops/sec/8e9)
		p.Samples[Workspace] = append(p.Samples[Workspace], bytes.At(x))
		p.Samples[ErrorRatio] = append(p.Samples[ErrorRatio], 0.31)
	}
	return p
}

func TestSummaryGolden(t *testing.T) {
	golden(t, "summary.txt", func(w io.Writer) error { return WriteSummary(w, madeUp(10)) })
}

func TestScalingGolden(t *testing.T) {
	golden(t, "scaling.txt", func(w io.Writer) error { return WriteScaling(w, madeUp(10), 1) })
}

// Few samples, metrics and kernels: everything that can be unavailable is.
func TestUnavailableGolden(t *testing.T) {
	set := madeUp(3)
	set.Series = set.Series[:1]
	for i := range set.Series[0].Points {
		samples := set.Series[0].Points[i].Samples
		delete(samples, PeakShare)
		delete(samples, Workspace)
	}
	golden(t, "unavailable.txt", func(w io.Writer) error {
		if err := WriteSummary(w, set); err != nil {
			return err
		}
		return WriteScaling(w, set, 1)
	})
}
