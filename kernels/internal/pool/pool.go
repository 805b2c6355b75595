// Package pool runs the items of a parallel loop on goroutines that live as
// long as a plan: no start and no allocation in the timed call.
package pool

import (
	"runtime"
	"sync/atomic"
)

// spins is how often a waiting goroutine looks before it parks, some tens of
// microseconds: parking and waking costs as much as a short problem's run.
const spins = 1 << 15

// A Pool runs one body over item numbers, handed out in increasing order to
// whichever worker is free; so the body lists its heaviest items first.
type Pool struct {
	body    func(worker, item int)
	items   int64
	next    atomic.Int64  // the next item to hand out
	pending atomic.Int64  // helpers still at work
	epoch   atomic.Uint32 // counts Run calls
	closed  atomic.Bool
	done    chan struct{}
	helpers []helper
}

type helper struct {
	parked atomic.Bool
	wake   chan struct{}
}

// New starts threads−1 goroutines; the caller of Run is the last worker.
// threads 0 means GOMAXPROCS. Workers are numbered from 0 to Threads()−1.
func New(threads int, body func(worker, item int)) *Pool {
	p := &Pool{body: body, done: make(chan struct{}, 1), helpers: make([]helper, Threads(threads)-1)}
	for i := range p.helpers {
		p.helpers[i].wake = make(chan struct{}, 1)
		go p.help(i)
	}
	return p
}

// Threads resolves a requested number of threads: 0 means GOMAXPROCS.
func Threads(requested int) int {
	if requested > 0 {
		return requested
	}
	return runtime.GOMAXPROCS(0)
}

// Threads returns the number of workers.
func (p *Pool) Threads() int { return len(p.helpers) + 1 }

// Run calls body for every item in 0..items−1 and returns when all are done.
// It must not be called concurrently or from the body.
func (p *Pool) Run(items int) {
	if len(p.helpers) == 0 || items == 1 {
		for item := range items {
			p.body(0, item)
		}
		return
	}
	p.items = int64(items)
	p.next.Store(0)
	p.pending.Store(int64(len(p.helpers)))
	p.signal()
	p.drain(0)
	for n := 0; n < spins && p.pending.Load() > 0; n++ {
	}
	<-p.done
}

// Close ends the goroutines.
func (p *Pool) Close() {
	if !p.closed.Swap(true) {
		p.signal()
	}
}

func (p *Pool) signal() {
	p.epoch.Add(1)
	for i := range p.helpers {
		if p.helpers[i].parked.CompareAndSwap(true, false) {
			p.helpers[i].wake <- struct{}{}
		}
	}
}

func (p *Pool) drain(worker int) {
	for item := p.next.Add(1) - 1; item < p.items; item = p.next.Add(1) - 1 {
		p.body(worker, int(item))
	}
}

func (p *Pool) help(i int) {
	for seen := uint32(0); ; {
		seen = p.await(i, seen)
		if p.closed.Load() {
			return
		}
		p.drain(i + 1)
		if p.pending.Add(-1) == 0 {
			p.done <- struct{}{}
		}
	}
}

// await returns the epoch once it differs from seen: it spins, then parks.
//
// Note: it says that it parks by a swap, though nothing needs the old value. The
// epoch must not be read before the others see that, which a store promises as
// well; but emulated by QEMU on amd64, an arm64 store may be overtaken by the load
// after it, and then both sides wait for each other.
func (p *Pool) await(i int, seen uint32) uint32 {
	for range spins {
		if e := p.epoch.Load(); e != seen {
			return e
		}
	}
	h := &p.helpers[i]
	h.parked.Swap(true)
	if p.epoch.Load() == seen || !h.parked.CompareAndSwap(true, false) {
		<-h.wake // the signaller that cleared parked has sent, or will send
	}
	return p.epoch.Load()
}
