package pool

import (
	"sync/atomic"
	"testing"
	"time"
)

func TestEveryItemOnce(t *testing.T) {
	for _, threads := range []int{1, 2, 3, 7} {
		var counts [100]atomic.Int32
		p := New(threads, func(worker, item int) {
			if worker < 0 || worker >= threads {
				t.Errorf("worker %d of %d", worker, threads)
			}
			counts[item].Add(1)
		})
		runs := 0
		for _, items := range []int{0, 1, 2, 5, 100} {
			for range 40 {
				p.Run(items)
			}
			if items == 100 {
				runs = 40
			}
		}
		p.Close()
		for item := 5; item < 100; item++ {
			if got := counts[item].Load(); got != int32(runs) {
				t.Fatalf("threads %d: item %d ran %d times, want %d", threads, item, got, runs)
			}
		}
	}
}

func TestWakesParkedHelpers(t *testing.T) {
	var n atomic.Int32
	p := New(3, func(worker, item int) { n.Add(1); time.Sleep(time.Millisecond) })
	defer p.Close()
	for range 3 {
		time.Sleep(20 * time.Millisecond) // beyond the spin, so that helpers park
		p.Run(6)
	}
	if n.Load() != 18 {
		t.Errorf("%d items ran, want 18", n.Load())
	}
}

func TestRunDoesNotAllocate(t *testing.T) {
	p := New(2, func(worker, item int) {})
	defer p.Close()
	if n := testing.AllocsPerRun(100, func() { p.Run(8) }); n != 0 {
		t.Errorf("%v allocations a run", n)
	}
}
