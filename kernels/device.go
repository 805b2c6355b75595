package kernels

import "time"

// A DeviceKernel is a Kernel that runs elsewhere than on this machine's
// processor, with instruction sets that [ISAs] does not list.
type DeviceKernel interface {
	Kernel

	// DeviceISAs returns the instruction sets that its plans report. Where there
	// is no device the error wraps errors.ErrUnsupported and says why.
	DeviceISAs() ([]string, error)

	// DeviceLimits measures the device, once for all its kernels. The error is as
	// above, also where there is a device without a time of its own.
	DeviceLimits() (DeviceLimits, error)
}

// DeviceLimits are what a device can do at most.
type DeviceLimits struct {
	Device string             // what it is, for records: name, driver, clock
	FLOPs  map[string]float64 // by instruction set, as plans report it
	Read   float64            // of its memory, in B/s
}

// A Timer is a Plan that knows better than a clock around Run how long a run
// took, as a device does by events around its kernels.
type Timer interface {
	// Elapsed returns the time of the last Run, without launches and transfers. An
	// error that wraps errors.ErrUnsupported says why there is none and that the
	// plan is not to be timed at all: an emulated device's, for one.
	Elapsed() (time.Duration, error)

	// Transfers returns how long the last Bind and the last Fetch took.
	Transfers() (bind, fetch time.Duration)
}
