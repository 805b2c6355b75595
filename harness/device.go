package harness

import (
	"maps"
	"time"

	"github.com/attnbench/attnbench/kernels"
)

// AddDevice adds the limits of the device that k runs on, if it runs on one.
// They bound results on the device's instruction sets and no others.
func (p *Peaks) AddDevice(k kernels.Kernel) {
	d, ok := k.(kernels.DeviceKernel)
	if !ok || p.Device != "" {
		return
	}
	limits, err := d.DeviceLimits()
	if err != nil {
		p.Unavailable["device"] = err.Error()
		return
	}
	p.Device, p.DeviceRead, p.onDevice = limits.Device, limits.Read, map[string]bool{}
	maps.Copy(p.FLOPs, limits.FLOPs)
	for isa := range limits.FLOPs {
		p.onDevice[isa] = true
	}
	delete(p.Unavailable, "device")
}

// OnDevice reports whether an instruction set is the device's.
func (p *Peaks) OnDevice(isa string) bool { return p.onDevice[isa] }

// Elapsed returns what the device says of the last run, and false where the
// plan leaves timing to the clock.
func (t *Trial) Elapsed() (d time.Duration, onDevice bool, err error) {
	timer, ok := t.plan.(kernels.Timer)
	if !ok {
		return 0, false, nil
	}
	d, err = timer.Elapsed()
	return d, true, err
}

// transfers notes how long operands and output took to and from a device.
func (t *Trial) transfers(r *Result) {
	if timer, ok := t.plan.(kernels.Timer); ok {
		r.Upload, r.Download = timer.Transfers()
	}
}
