package simd

import "testing"

func TestPeakCounts(t *testing.T) {
	eachVariant(t, func(t *testing.T, f *Funcs) {
		for _, rounds := range []int{-1, 0, 1, 10} {
			if got, want := f.FMA(rounds), int64(max(rounds, 0)*24*2*f.Width); got != want {
				t.Errorf("FMA(%d) = %d, want %d", rounds, got, want)
			}
		}
		for n := range 3 * 16 * f.Width {
			if got, want := f.Read(make([]float32, n)), int64(n/(16*f.Width)*16*f.Width*4); got != want {
				t.Errorf("Read of %d floats = %d, want %d", n, got, want)
			}
		}
	})
}
