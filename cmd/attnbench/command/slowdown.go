//go:build slowdown

package command

import (
	"time"

	"github.com/attnbench/attnbench/kernels"
)

// With the build tag slowdown flash takes 3% longer than it needs: a
// regression of known size, to see whether attnbench ab finds it.
const slowdownShare = 0.03

func init() {
	dress = func(k kernels.Kernel) kernels.Kernel {
		if k.Name() == "flash" {
			return slowKernel{k}
		}
		return k
	}
}

type slowKernel struct{ kernels.Kernel }

func (k slowKernel) Plan(p kernels.Problem, opts kernels.Options) (kernels.Plan, error) {
	plan, err := k.Kernel.Plan(p, opts)
	if err != nil {
		return nil, err
	}
	return &slowPlan{plan}, nil
}

type slowPlan struct{ kernels.Plan }

// Run spins for 3% of what it took.
func (p *slowPlan) Run() error {
	start := time.Now()
	if err := p.Plan.Run(); err != nil {
		return err
	}
	took := time.Since(start)
	for end := took + time.Duration(slowdownShare*float64(took)); time.Since(start) < end; {
	}
	return nil
}
