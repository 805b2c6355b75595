package model

import (
	"sync"
	"sync/atomic"
)

const rowBlock = 64 // rows in one item of the parallel loop

// parallel calls body for blocks of rows that cover 0..rows−1, on threads
// goroutines.
func parallel(threads, rows int, body func(lo, hi int)) {
	var next atomic.Int64
	work := func() {
		for {
			hi := int(next.Add(rowBlock))
			if lo := hi - rowBlock; lo < rows {
				body(lo, min(hi, rows))
				continue
			}
			return
		}
	}
	var wg sync.WaitGroup
	for range min(threads, (rows+rowBlock-1)/rowBlock) - 1 {
		wg.Go(work)
	}
	work()
	wg.Wait()
}
