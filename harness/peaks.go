package harness

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"gonum.org/v1/gonum/stat"

	"github.com/attnbench/attnbench/kernels"
	"github.com/attnbench/attnbench/kernels/peak"
)

// Peaks are the machine's limits as measured with the same number of threads
// that the kernels use. A limit that could not be measured is absent, and
// Unavailable says why.
//
// What results are a share of is the median of samples that are as long as
// theirs, and in a [Measurement] taken in the same rounds: interruptions and
// slow spells then fall on both alike. What results must not exceed, the roof,
// is the best of many short trials.
type Peaks struct {
	Threads     int
	FLOPs       map[string]float64 // multiply-adds by ISA, in FLOP/s: medians
	Read        float64            // streaming read from memory, in B/s: the median
	ReadOf      map[int64]float64  // reading so many bytes again and again, from the cache that holds them or from memory: medians
	Unavailable map[string]string  // by ISA, or "read", "device": the reason

	Device     string          // the device whose limits are among them, "" for none
	DeviceRead float64         // streaming read from its memory, in B/s
	onDevice   map[string]bool // the ISAs of FLOPs that are its

	samples   map[limit][]float64
	best      map[string]float64 // of the short trials
	resampled bool               // samples hold none but those of resample
	single    map[string]float64 // by ISA, the highest rate of one thread, where a roof was in doubt
}

// A limit is what multiply-adds of an ISA or, where isa is empty, reading so
// many bytes comes to; 0 stands for more than caches hold.
type limit struct {
	isa   string
	bytes int64
}

// A PeakLoop does nothing but independent multiply-adds of one ISA, in
// registers, and returns how many floating-point operations that were.
type PeakLoop func(iterations int) (flops int64)

// peakLoops holds the loop of each ISA that has one.
//
// Note: the generic loop is the roof of scalar code as this compiler emits it,
// which is far below the machine's. It is what portable kernels are held
// against in their share of the peak, and never serves as a hard roof.
var peakLoops = func() map[string]PeakLoop {
	loops := map[string]PeakLoop{kernels.Generic: genericLoop}
	for _, isa := range kernels.ISAs() {
		if !isa.Available {
			continue
		}
		if loop := peak.FMA(isa.Name); loop != nil {
			loops[isa.Name] = loop
		}
	}
	return loops
}()

// peakTime is how long one trial of a loop takes, and peakTrials how many
// there are; the best counts, for every disturbance makes a loop slower. Many
// short trials find a quiet moment on a busy machine sooner than few long ones.
const (
	peakTime   = 3 * time.Millisecond
	peakTrials = 30
)

// A limit is sampled peakSamples times for peakSample before kernels are.
const (
	peakSample  = 10 * time.Millisecond
	peakSamples = 9
)

// MeasurePeaks measures every available ISA and the read bandwidth, in about a
// second. When ctx ends before that, none is available.
func MeasurePeaks(ctx context.Context, threads int) Peaks {
	p := Peaks{
		Threads: threads, FLOPs: map[string]float64{}, Unavailable: map[string]string{},
		samples: map[limit][]float64{}, best: map[string]float64{},
	}
	for _, isa := range kernels.ISAs() {
		loop := peakLoops[isa.Name]
		switch {
		case !isa.Available:
			p.Unavailable[isa.Name] = "the machine lacks it"
		case loop == nil:
			p.Unavailable[isa.Name] = "no loop measures it"
		default:
			p.best[isa.Name] = measureLoop(ctx, threads, loop)
			for range peakSamples {
				p.sampleLoop(ctx, isa.Name, peakSample)
			}
		}
	}
	for range peakSamples {
		p.sampleRead(ctx, 0, peakSample)
	}
	if ctx.Err() != nil {
		return Peaks{Threads: threads, Unavailable: map[string]string{"all": "interrupted"}}
	}
	return p
}

// resample takes one more sample of each limit. The first call forgets the
// samples taken before.
func (p *Peaks) resample(ctx context.Context, limits []limit, length time.Duration) {
	if !p.resampled {
		p.samples, p.resampled = map[limit][]float64{}, true
	}
	for _, of := range limits {
		if of.isa == "" {
			p.sampleRead(ctx, of.bytes, length)
		} else if p.best[of.isa] > 0 {
			p.sampleLoop(ctx, of.isa, length)
		}
	}
}

// SampleRead takes a sample of the rate at which what a case streams is read
// again and again, if it streams anything.
func (p *Peaks) SampleRead(ctx context.Context, c *Case, length time.Duration) {
	if bytes := c.streamed(); c.streams() && bytes > 0 {
		p.sampleRead(ctx, bytes, length)
	}
}

// sampleLoop takes a sample of an instruction set's multiply-adds.
func (p *Peaks) sampleLoop(ctx context.Context, isa string, length time.Duration) {
	if ctx.Err() != nil {
		return
	}
	loop := peakLoops[isa]
	perIteration := float64(loop(1)) * float64(p.Threads) / p.best[isa] // seconds
	n := int(length.Seconds()/perIteration) + 1
	p.FLOPs[isa] = p.sampled(limit{isa: isa}, together(p.Threads, func(int) int64 { return loop(n) }))
}

// sampleRead takes a sample of the rate at which so many bytes are read, or
// memory where they are 0.
func (p *Peaks) sampleRead(ctx context.Context, bytes int64, length time.Duration) {
	switch {
	case ctx.Err() != nil:
	case bytes == 0:
		p.Read = p.sampled(limit{}, measureRead(p.Threads, memoryBytes, 0))
	default:
		if p.ReadOf == nil {
			p.ReadOf = map[int64]float64{}
		}
		p.ReadOf[bytes] = p.sampled(limit{bytes: bytes}, measureRead(p.Threads, bytes, length))
	}
}

// sampled adds a sample and returns the median.
func (p *Peaks) sampled(of limit, rate float64) float64 {
	p.samples[of] = append(p.samples[of], rate)
	return median(p.samples[of])
}

func median(values []float64) float64 {
	if len(values) == 0 {
		return 0
	}
	return stat.Quantile(0.5, stat.LinInterp, slices.Sorted(slices.Values(values)), nil)
}

// Share returns a rate as a share of the peak of an ISA.
func (p *Peaks) Share(isa string, flops float64) (share float64, ok bool) {
	peak := p.FLOPs[isa]
	if peak == 0 {
		return 0, false
	}
	return flops / peak, true
}

// roofMargin is how far above a measured peak a figure may lie: clock rates
// drift by a few parts in a hundred.
const roofMargin = 1.05

// CheckRoof returns an error that names the first result with a sample above
// the machine's roof, the highest peak of any vector ISA that counts for it. Such a figure means
// that work was miscounted. A peak that was measured in a slow spell is
// measured again before it may convict.
func (p *Peaks) CheckRoof(ctx context.Context, results []Result) error {
	for i := range results {
		r := &results[i]
		for _, s := range r.Samples {
			rate := float64(r.Case.Problem.FLOPs()) / s.Seconds()
			for tries := 0; p.above(r.ISA, rate) && tries < 3; tries++ {
				p.remeasure(ctx)
			}
			if p.above(r.ISA, rate) {
				return fmt.Errorf("%s: %.3g FLOP/s is above the machine's peak of %.3g: its work is miscounted", r.Name(), rate, p.roof(r.ISA))
			}
		}
	}
	return nil
}

func (p *Peaks) above(isa string, rate float64) bool {
	roof := p.roof(isa)
	return roof > 0 && rate > roofMargin*roof
}

// roof returns the highest peak of the vector ISAs that count for a result of
// one, or 0: multiply-adds of bfloat16 do so only where it has them. No more
// than all threads at the rate of one alone can be had, which is easier to
// measure on a busy machine.
//
// On a device each ISA is its own roof: tensor cores are far above the rest. One
// that was not measured, as a loaded library may name, has none.
func (p *Peaks) roof(isa string) float64 {
	if _, measured := p.FLOPs[isa]; p.onDevice[isa] || !measured {
		return p.FLOPs[isa]
	}
	roof := 0.0
	for other, peak := range p.FLOPs {
		if other == kernels.Generic || p.onDevice[other] || other != isa && extends(other) {
			continue
		}
		roof = max(roof, peak, p.best[other], p.single[other]*float64(p.Threads))
	}
	return roof
}

// extends reports whether an ISA is another one but for products of bfloat16.
func extends(isa string) bool {
	return slices.ContainsFunc(kernels.ISAs(), func(x kernels.ISA) bool { return x.Name == isa && x.Extends != "" })
}

func (p *Peaks) remeasure(ctx context.Context) {
	if p.best == nil {
		p.best = map[string]float64{}
	}
	if p.single == nil {
		p.single = map[string]float64{}
	}
	for isa, peak := range p.FLOPs {
		if isa == kernels.Generic || p.onDevice[isa] {
			continue
		}
		p.best[isa] = max(peak, p.best[isa], measureLoop(ctx, p.Threads, peakLoops[isa]))
		p.single[isa] = max(p.single[isa], measureLoop(ctx, 1, peakLoops[isa]))
	}
}

// measureLoop returns the best rate of loop on all threads together.
func measureLoop(ctx context.Context, threads int, loop PeakLoop) float64 {
	n := 1
	for start := time.Now(); ; n *= 2 { // how many iterations fill peakTime?
		loop(n)
		if spent := time.Since(start); spent > peakTime {
			break
		}
		start = time.Now()
	}
	best := 0.0
	for trial := 0; trial < peakTrials && ctx.Err() == nil; trial++ {
		best = max(best, together(threads, func(int) int64 { return loop(n) }))
	}
	return best
}

// together runs work on each of the threads and returns the sum of what they
// return, per second from their common start to the last end. The threads spin
// before they start, for waking one up takes a part of so short a time.
func together(threads int, work func(thread int) int64) float64 {
	var done sync.WaitGroup
	var ready atomic.Int32
	var start atomic.Bool
	sum, end := make([]int64, threads), make([]time.Time, threads)
	for i := range threads {
		done.Go(func() {
			for ready.Add(1); !start.Load(); {
				runtime.Gosched()
			}
			sum[i] = work(i)
			end[i] = time.Now()
		})
	}
	for int(ready.Load()) < threads {
		runtime.Gosched()
	}
	begin := time.Now()
	start.Store(true)
	done.Wait()
	total, elapsed := int64(0), time.Duration(1)
	for i, n := range sum {
		total += n
		elapsed = max(elapsed, end[i].Sub(begin))
	}
	return float64(total) / elapsed.Seconds()
}

// genericLoop keeps twelve accumulators busy, which with their two operands
// fit the registers that the compiler has on every architecture. They settle
// at 1, so that no operand is ever special.
func genericLoop(iterations int) (flops int64) {
	const m, c = float32(0.75), float32(0.25)
	var a0, a1, a2, a3, a4, a5, a6, a7, a8, a9, a10, a11 float32
	for range iterations {
		a0, a1, a2, a3 = a0*m+c, a1*m+c, a2*m+c, a3*m+c
		a4, a5, a6, a7 = a4*m+c, a5*m+c, a6*m+c, a7*m+c
		a8, a9, a10, a11 = a8*m+c, a9*m+c, a10*m+c, a11*m+c
	}
	keep(a0 + a1 + a2 + a3 + a4 + a5 + a6 + a7 + a8 + a9 + a10 + a11)
	return int64(iterations) * 12 * 2
}

// keep is where results go that nobody wants, so that they are computed.
//
//go:noinline
func keep(float32) {}
