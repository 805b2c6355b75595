//go:build cuda

package cuda

import (
	"math"
	"testing"
)

// TestPeakLoops wants the loops to do the work that they are credited with.
func TestPeakLoops(t *testing.T) {
	d := testDevice(t)
	pr, err := d.newProber()
	if err != nil {
		t.Fatal(err)
	}
	defer pr.Close()
	if err := d.enter(); err != nil {
		t.Fatal(err)
	}
	defer d.leave()
	const iterations = 100
	threads := float64(pr.blocks * peakThreads)
	type test struct {
		name string
		loop loop
		work float64
		want float64 // of all threads together
	}
	tests := []test{
		{"fma", pr.fma, 2 * peakChains * iterations * threads, peakChains * threads},
		{"mma", pr.mma, 2 * 16 * 8 * 16 * peakChains / 2 * iterations * threads / 32, (16 - 2*4) * iterations * peakChains / 2 * 4 * threads},
		{"read", pr.read, peakBytes, peakBytes / 4},
	}
	if d.wgmma() {
		const products = 4 * iterations
		tests = append(tests, test{"wgmma", pr.wgmma, 2 * 64 * 128 * 16 * products * threads / 128, (128 - 2*32) * 64 * 16 * products * threads / 128})
	}
	for _, x := range tests {
		l, work, err := x.loop(iterations)
		if err != nil {
			t.Fatal(err)
		}
		pr.launches = []*launch{l}
		if err := pr.plan.launch(); err != nil {
			t.Fatal(err)
		}
		sums, err := pr.results()
		if err != nil {
			t.Fatal(err)
		}
		got := 0.0
		for _, sum := range sums {
			got += float64(sum)
		}
		if math.Abs(got-x.want) > 1e-6*x.want || work != x.work { // 1 may be an ulp off
			t.Errorf("%s: sum %v of work %v, want %v of %v", x.name, got, work, x.want, x.work)
		}
	}
}
