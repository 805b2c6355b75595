//go:build cuda

package cuda

import (
	"fmt"
	"math"
	"unsafe"

	"gorgonia.org/cu"

	"github.com/attnbench/attnbench/kernels"
)

const (
	peakThreads = 256 // of a block, as peaks.cu has it
	peakChains  = 16
	peakBlocks  = 8       // a processor
	peakTrials  = 10      // the best counts
	peakTime    = 5.0     // milliseconds that a trial takes at least
	peakBytes   = 1 << 28 // that a read goes through, more than any L2 cache holds
)

// A prober measures limits with the kernels of peaks.cu and peaks_wgmma.cu.
type prober struct {
	*plan
	blocks int
	sums   cu.DevicePtr
}

// limits measures the device once.
func (d *device) limits() (kernels.DeviceLimits, error) {
	d.limitsOnce.Do(func() { d.limit, d.limitErr = d.measure() })
	return d.limit, d.limitErr
}

func (d *device) measure() (kernels.DeviceLimits, error) {
	l := kernels.DeviceLimits{Device: d.String(), FLOPs: map[string]float64{}}
	if d.emulated {
		return l, unsupportedf("%s: its time says nothing about a GPU", d.name)
	}
	pr, err := d.newProber()
	if err != nil {
		return l, err
	}
	defer pr.Close()
	if l.FLOPs[d.isa()], err = pr.rate(pr.fma); err != nil {
		return l, err
	}
	if l.FLOPs[d.isa()+mmaSuffix], err = pr.rate(pr.mma); err != nil {
		return l, err
	}
	if d.wgmma() {
		if l.FLOPs[d.isa()+wgmmaSuffix], err = pr.rate(pr.wgmma); err != nil {
			return l, err
		}
	}
	l.Read, err = pr.rate(pr.read)
	return l, err
}

func (d *device) newProber() (*prober, error) {
	pr := &prober{plan: &plan{name: "peaks", dev: d}, blocks: peakBlocks * d.processors}
	if err := d.enter(); err != nil {
		return nil, err
	}
	defer d.leave()
	var err error
	if pr.sums, err = pr.allocate("sums", int64(pr.blocks*peakThreads)*4); err == nil {
		err = pr.makeEvents()
	}
	if err != nil {
		pr.release()
		return nil, err
	}
	return pr, nil
}

// A loop returns a launch of so many iterations and the work that it does.
type loop func(iterations int) (*launch, float64, error)

func (pr *prober) fma(iterations int) (*launch, float64, error) {
	l, err := pr.launch("peak_fma", pr.sums, iterations)
	return l, 2 * peakChains * float64(iterations) * float64(pr.blocks*peakThreads), err
}

func (pr *prober) mma(iterations int) (*launch, float64, error) {
	const product = 2 * 16 * 8 * 16
	l, err := pr.launch("peak_mma", pr.sums, iterations)
	return l, product * peakChains / 2 * float64(iterations) * float64(pr.blocks*peakThreads/32), err
}

func (pr *prober) wgmma(iterations int) (*launch, float64, error) {
	const product, shared = 2 * 64 * 128 * 16, (64 + 128) * 128
	l, err := newLaunch(pr.dev, "peaks_wgmma", "peak_wgmma", [3]int{pr.blocks, 1, 1}, peakThreads, shared, pr.sums, iterations)
	return l, product * 4 * float64(iterations) * float64(pr.blocks*peakThreads/128), err
}

// read goes through as many bytes whatever the iterations: a launch is long
// enough.
func (pr *prober) read(int) (*launch, float64, error) {
	if len(pr.held) == 1 {
		data, err := pr.allocate("data", peakBytes)
		if err != nil {
			return nil, 0, err
		}
		if err := cu.MemsetD32Async(data, uint(math.Float32bits(1)), peakBytes/4, cu.Stream{}); err != nil {
			return nil, 0, driverError("fill data", err)
		}
	}
	l, err := pr.launch("peak_read", pr.held[1], peakBytes/16, pr.sums, pr.blocks)
	return l, peakBytes, err
}

func (pr *prober) launch(name string, args ...any) (*launch, error) {
	return newLaunch(pr.dev, "peaks", name, [3]int{pr.blocks, 1, 1}, peakThreads, 0, args...)
}

// rate returns the best work per second of a loop.
func (pr *prober) rate(f loop) (float64, error) {
	if err := pr.dev.enter(); err != nil {
		return 0, err
	}
	defer pr.dev.leave()
	best := 0.0
	for trial, n := 0, 64; trial < peakTrials; {
		l, work, err := f(n)
		if err != nil {
			return 0, err
		}
		pr.launches = []*launch{l}
		ms, err := pr.timeLaunches()
		if err != nil {
			return 0, err
		}
		if ms < peakTime && n < 1<<24 {
			n *= 2
			continue
		}
		best = max(best, work/ms*1e3)
		trial++
	}
	return best, nil
}

// timeLaunches runs once and returns milliseconds.
func (pr *prober) timeLaunches() (float64, error) {
	if err := pr.plan.launch(); err != nil {
		return 0, err
	}
	ms, err := pr.start.Elapsed(pr.end)
	if err != nil {
		return 0, driverError("elapsed time", err)
	}
	if ms <= 0 {
		return 0, fmt.Errorf("elapsed time of %v ms", ms)
	}
	return ms, nil
}

// results downloads what the loop's threads left, for tests.
func (pr *prober) results() ([]float32, error) {
	sums := make([]float32, pr.blocks*peakThreads)
	if err := cu.MemcpyDtoH(unsafe.Pointer(&sums[0]), pr.sums, int64(len(sums))*4); err != nil {
		return nil, driverError("download sums", err)
	}
	return sums, nil
}
