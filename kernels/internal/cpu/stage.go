package cpu

import "github.com/attnbench/attnbench/kernels"

// Stage allocates contiguous float32 copies of the operands that are stored as
// halves or in pages. Run then widens them first and rounds the output last,
// both in parallel and within the timed call: a kernel that stages pays for it
// in time and in workspace. Kernels that read every layout need no Stage.
func (p *Plan) Stage() error {
	if err := p.StageQO(); err != nil {
		return err
	}
	if p.Problem.KVDType == kernels.Float32 && p.Problem.PageSize == 0 {
		return nil
	}
	p.widenK, p.widenV = p.copier(&p.staged.K, &p.bound.K), p.copier(&p.staged.V, &p.bound.V)
	return p.stage(p.Problem.KVHeads, p.Problem.KVLen, &p.staged.K, &p.staged.V)
}

// StageQO is Stage for a kernel that reads every layout of K and V.
func (p *Plan) StageQO() error {
	if p.Problem.DType == kernels.Float32 {
		return nil
	}
	p.widenQ = p.copier(&p.staged.Q, &p.bound.Q)
	if err := p.stage(p.Problem.Heads, p.Problem.QLen, &p.staged.Q); err != nil {
		return err
	}
	return p.StageO()
}

// StageO is StageQO for a kernel that also reads every Q.
func (p *Plan) StageO() error {
	if p.Problem.DType == kernels.Float32 {
		return nil
	}
	p.narrowO = p.copier(&p.bound.O, &p.staged.O)
	return p.stage(p.Problem.Heads, p.Problem.QLen, &p.staged.O)
}

// stage allocates contiguous float32 tensors.
func (p *Plan) stage(heads, length int, tensors ...*kernels.Tensor) error {
	for _, t := range tensors {
		data, err := p.Floats(p.Problem.Batch * heads * length * p.Problem.HeadDim)
		if err != nil {
			return err
		}
		*t = kernels.BHSD(data, p.Problem.Batch, heads, length, p.Problem.HeadDim)
	}
	return nil
}

// useStaged makes the kernel see the copies.
func (p *Plan) useStaged() {
	for _, x := range [][2]*kernels.Tensor{{&p.Q, &p.staged.Q}, {&p.K, &p.staged.K}, {&p.V, &p.staged.V}, {&p.O, &p.staged.O}} {
		if x[1].Dim != 0 {
			*x[0] = *x[1]
		}
	}
}

// copier returns the phase that copies all rows of one head, an item, from src
// to dst; one of both is float32 and contiguous.
func (p *Plan) copier(dst, src *kernels.Tensor) func(worker, item int) {
	return func(_, item int) {
		b, h := item/src.Heads, item%src.Heads
		if dst.DType == kernels.Float32 {
			p.gather(dst.Float32[dst.Offset(b, h, 0):], src, b, h, kernels.Interval{Hi: src.Len})
			return
		}
		for i := range src.Len {
			p.simd.Narrow(dst.Half[dst.Offset(b, h, i):][:dst.Dim], src.Row(b, h, i), dst.DType)
		}
	}
}

func (p *Plan) widen() {
	for _, x := range []struct {
		t     *kernels.Tensor
		phase func(worker, item int)
	}{{&p.staged.Q, p.widenQ}, {&p.staged.K, p.widenK}, {&p.staged.V, p.widenV}} {
		if x.t.Dim != 0 {
			p.parallel(x.phase, x.t.Batch*x.t.Heads)
		}
	}
}

func (p *Plan) narrow() {
	if o := &p.staged.O; o.Dim != 0 {
		p.parallel(p.narrowO, o.Batch*o.Heads)
	}
}
