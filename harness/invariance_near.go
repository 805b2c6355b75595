package harness

import (
	"math"

	"github.com/attnbench/attnbench/kernels"
)

// A slack is how far two right results of one problem may differ: each may be
// off by what the two-error rule grants.
type slack struct{ o, lse float64 }

func (s slack) plus(t slack) slack { return slack{s.o + t.o, s.lse + t.lse} }

// slackOf returns what the two-error rule grants a result of p on t.
func (pr *prober) slackOf(p kernels.Problem, t *kernels.Tensors) (slack, error) {
	ref, err := ReferenceFor(pr.kernel, pr.opts, p, t, Sampling{})
	if err != nil {
		return slack{}, err
	}
	var o, l tally
	for i := range ref.rows {
		r := &ref.rows[i]
		for d, want := range r.want {
			o.grant(float64(r.plain[d])-want, r.floor[d])
		}
		if r.want != nil {
			l.grant(float64(r.plainLSE)-r.wantLSE, r.floorLSE)
		}
	}
	return slack{allowed(o.plainMax, o.floorMax), allowed(l.plainMax, l.floorMax)}, nil
}

// grant takes up an error of the yardstick, where it is one.
func (t *tally) grant(plainErr, floor float64) {
	if finite(plainErr) {
		t.plainMax = math.Max(t.plainMax, math.Abs(plainErr))
		t.floorMax = math.Max(t.floorMax, floor)
	}
}

// near wants two outputs to agree within s, got's lse larger by shift.
func near(what string, p kernels.Problem, got, want *kernels.Tensors, shift float64, s slack) error {
	return eachOutput(p, got, want, func(e Element, name string) error {
		limit := s.o
		if name == "lse" {
			e.Want, limit = e.Want+shift, s.lse
		}
		if kind(float32(e.Got)) != kind(float32(e.Want)) || math.Abs(e.Got-e.Want) > limit {
			return broken("%s: %s%v within %.3g", what, name, e, limit)
		}
		return nil
	})
}

// slackRun runs p on t and returns the slack of the result.
func (pr *prober) slackRun(p kernels.Problem, t *kernels.Tensors) (slack, error) {
	if err := pr.run(p, t, pr.opts.Threads); err != nil {
		return slack{}, err
	}
	return pr.slackOf(p, t)
}

// rowsOf views rows lo to lo+length−1 of an unpaged tensor, without a copy. Of
// Int8 they must begin with a block.
func rowsOf(t kernels.Tensor, lo, length int) kernels.Tensor {
	switch at := lo * t.RowStride; t.DType {
	case kernels.Float32:
		t.Float32 = t.Float32[at:]
	case kernels.Int8:
		t.Int8, t.Scales = t.Int8[at:], t.Scales[lo/kernels.BlockKeys:]
	default:
		t.Half = t.Half[at:]
	}
	t.Len = length
	return t
}
