package command

import (
	"github.com/attnbench/attnbench/harness"
	"github.com/attnbench/attnbench/kernels"
)

// variants returns each kernel held to each instruction set. A kernel that is
// the same on two of them is there once.
func (j *job) variants(chosen []kernels.Kernel, isas []string) []kernels.Kernel {
	var list []kernels.Kernel
	for _, k := range chosen {
		if _, ok := k.(kernels.DeviceKernel); ok {
			list = append(list, pin(k, "", j.problems[0])) // a device has instruction sets of its own
			continue
		}
		seen := map[string]bool{}
		for _, isa := range isas {
			v := pin(k, isa, j.problems[0])
			if !seen[v.used] {
				seen[v.used] = true
				list = append(list, v)
			}
		}
	}
	return list
}

// pinned is a kernel held to one instruction set.
type pinned struct {
	kernels.Kernel
	isa  string
	used string // what the kernel takes when held to isa, "" when unknown
}

// pin holds a kernel to an instruction set and plans a problem like p to learn
// what it takes; a short one, for the plan of a long one may need gigabytes.
func pin(k kernels.Kernel, isa string, p kernels.Problem) pinned {
	v := pinned{Kernel: k, isa: isa}
	p.Batch, p.QLen, p.KVLen, p.Mask = 1, min(p.QLen, 64), 64, kernels.Mask{}
	if plan, err := v.Plan(p, kernels.Options{Threads: 1}); err == nil {
		v.used = plan.ISA()
		plan.Close()
	}
	return v
}

// Plan overrides the instruction set of the options.
func (k pinned) Plan(p kernels.Problem, opts kernels.Options) (kernels.Plan, error) {
	opts.ISA = k.isa
	return k.Kernel.Plan(p, opts)
}

// RoundsWeights says what the kernel itself says.
func (k pinned) RoundsWeights(p kernels.Problem, opts kernels.Options) bool {
	opts.ISA = k.isa
	r, ok := k.Kernel.(kernels.WeightRounder)
	return ok && r.RoundsWeights(p, opts)
}

// OmitsLSE says what the kernel itself says.
func (k pinned) OmitsLSE() bool { return harness.OmitsLSE(k.Kernel) }

// unpinned returns the kernel that is registered.
func unpinned(k kernels.Kernel) kernels.Kernel {
	if p, ok := k.(pinned); ok {
		return p.Kernel
	}
	return k
}

// addDevices adds the limits of the devices that kernels run on.
func addDevices(peaks *harness.Peaks, list []kernels.Kernel) {
	for _, k := range list {
		peaks.AddDevice(unpinned(k))
	}
}

// untimed says why no time of k may be shown: its device has none, as one that
// is emulated.
func untimed(k kernels.Kernel) error {
	d, ok := unpinned(k).(kernels.DeviceKernel)
	if !ok {
		return nil
	}
	_, err := d.DeviceLimits()
	return err
}

// isaOf returns what a pinned kernel takes, "" when unknown.
func isaOf(k kernels.Kernel) string {
	p, _ := k.(pinned)
	return p.used
}
