package harness

import (
	"errors"
	"fmt"

	"github.com/attnbench/attnbench/kernels"
)

// A Sweep states the cases of a run: every mask in every variant on every input
// at every length. Zero fields take the value that their comment names.
type Sweep struct {
	Lengths []int    // key lengths; none is an error
	Masks   []string // as kernels.ParseMask reads them; {"causal"}
	Inputs  []Input  // none is an error
	Batch   int      // 1
	Heads   int      // 8
	KVHeads int      // Heads
	HeadDim int      // 64
	QLen    int      // the key length; 1 is a decode step

	// Variants change each problem before it is validated: element types, a soft
	// cap and whatever else a Problem may have. There is a case for each; without
	// any the problem stays as it is.
	Variants []func(p *kernels.Problem) error
}

// Cases returns the cases in order of mask, variant, input and length. Its error lists
// everything that is wrong with any of them.
func (s Sweep) Cases() ([]Case, error) {
	if len(s.Lengths) == 0 || len(s.Inputs) == 0 {
		return nil, fmt.Errorf("sweep of %d lengths and %d inputs: wants at least one of each", len(s.Lengths), len(s.Inputs))
	}
	if len(s.Masks) == 0 {
		s.Masks = []string{"causal"}
	}
	if len(s.Variants) == 0 {
		s.Variants = []func(*kernels.Problem) error{func(*kernels.Problem) error { return nil }}
	}
	var cases []Case
	var errs []error
	for _, mask := range s.Masks {
		for _, variant := range s.Variants {
			for _, in := range s.Inputs {
				for _, n := range s.Lengths {
					p, err := s.problem(n, mask, variant)
					if err != nil {
						errs = append(errs, fmt.Errorf("n %d, mask %s: %w", n, mask, err))
						continue
					}
					cases = append(cases, Case{p, in})
				}
			}
		}
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return cases, nil
}

func (s Sweep) problem(n int, mask string, variant func(p *kernels.Problem) error) (kernels.Problem, error) {
	orElse := func(value, otherwise int) int {
		if value == 0 {
			return otherwise
		}
		return value
	}
	heads := orElse(s.Heads, 8)
	p := kernels.Problem{
		Batch: orElse(s.Batch, 1), Heads: heads, KVHeads: orElse(s.KVHeads, heads),
		QLen: orElse(s.QLen, n), KVLen: n, HeadDim: orElse(s.HeadDim, 64),
	}
	var err error
	if p.Mask, err = kernels.ParseMask(mask, n); err != nil && n > 0 {
		return p, err
	}
	if err := variant(&p); err != nil {
		return p, err
	}
	return p, p.Validate()
}
