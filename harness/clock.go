package harness

import (
	"math"
	"runtime"
	"time"
)

// warmBelow is the length of a run up to which a warm call comes right before
// the timed ones: after an idle gap, threads that have gone to sleep double
// the time of a short run, and do not show in a long one.
const warmBelow = 50 * time.Millisecond

// time takes a sample. Nothing in it allocates between the two clock readings
// but what the kernel itself does.
func (l *lane) time() (Sample, error) {
	if l.perOp < warmBelow {
		if err := l.trial.Run(); err != nil {
			return Sample{}, err
		}
	}
	l.trial.Mark()
	elapsed, err := l.repeat(l.iterations)
	return Sample{Iterations: l.iterations, Elapsed: elapsed}, err
}

// repeat returns how long n runs took, by the clock or, added up, by the device
// that they ran on; n times the least of them where that is what is sought.
func (l *lane) repeat(n int) (time.Duration, error) {
	start, sum, onDevice := time.Now(), time.Duration(0), false
	last, least := start, time.Duration(math.MaxInt64)
	for range n {
		if err := l.trial.Run(); err != nil {
			return 0, err
		}
		d, device, err := l.trial.Elapsed()
		if err != nil {
			return 0, err
		}
		sum, onDevice = sum+d, device
		if !l.least {
			continue
		}
		now := time.Now()
		if !device {
			d = now.Sub(last)
		}
		last, least = now, min(least, d)
	}
	switch {
	case l.least:
		return time.Duration(n) * least, nil
	case onDevice:
		return sum, nil
	}
	return time.Since(start), nil
}

// warmUp runs until the time of a run stops falling, or for ten times as long
// as a sample lasts, and sets the iterations that make a sample. It also
// counts what a run allocates.
func (l *lane) warmUp(benchTime time.Duration) error {
	if err := l.countAllocs(); err != nil {
		return err
	}
	best, spent := time.Duration(math.MaxInt64), time.Duration(0)
	for n := 1; spent < 10*benchTime; {
		elapsed, err := l.repeat(n)
		if err != nil {
			return err
		}
		spent += elapsed
		perOp := max(1, elapsed/time.Duration(n))
		settled := elapsed >= benchTime/8 && perOp > best-best/20
		best = min(best, perOp)
		if settled {
			break
		}
		if elapsed < benchTime/8 {
			n *= 2
		}
	}
	l.perOp = best
	l.iterations = int(max(1, (benchTime+best/2)/best))
	return nil
}

// countAllocs sets the bytes and objects that one run allocates: the least of
// a few runs, for other goroutines may allocate meanwhile.
func (l *lane) countAllocs() error {
	var before, after runtime.MemStats
	bytes, objects := uint64(math.MaxUint64), uint64(math.MaxUint64)
	for tries := 0; tries < 3 && objects > 0; tries++ {
		runtime.ReadMemStats(&before)
		if err := l.trial.Run(); err != nil {
			return err
		}
		runtime.ReadMemStats(&after)
		bytes = min(bytes, after.TotalAlloc-before.TotalAlloc)
		objects = min(objects, after.Mallocs-before.Mallocs)
	}
	l.result.BytesPerOp, l.result.AllocsPerOp = float64(bytes), float64(objects)
	return nil
}
