package command

import (
	"context"
	"fmt"
	"regexp"
	"strconv"

	"github.com/attnbench/attnbench/harness"
	"github.com/attnbench/attnbench/kernels"
)

// A capture says what to take from the model's forward pass.
type capture struct {
	name  string
	layer int // −1 for each layer
	head  int // −1 for all heads
}

// capturedGrammar is what parseCapture accepts.
const capturedGrammar = "captured, captured:layer2 or captured:layer2.head3"

var capturePattern = regexp.MustCompile(`^captured(?::layer([0-9]{1,6})(?:\.head([0-9]{1,6}))?)?$`)

// parseCapture reads the name of a captured input; ok is false for any other
// name.
func parseCapture(name string) (c capture, ok bool) {
	m := capturePattern.FindStringSubmatch(name)
	if m == nil {
		return c, false
	}
	c = capture{name, -1, -1}
	if m[1] != "" {
		c.layer, _ = strconv.Atoi(m[1]) // six digits fit
	}
	if m[2] != "" {
		c.head, _ = strconv.Atoi(m[2])
	}
	return c, true
}

// check reports a layer or head that the model lacks.
func (c capture) check(s *subject) error {
	shape := s.model.Shape()
	if c.layer >= shape.Layers {
		return fmt.Errorf("input %q: the model has layers 0..%d", c.name, shape.Layers-1)
	}
	if c.head >= shape.Heads {
		return fmt.Errorf("input %q: the model has heads 0..%d", c.name, shape.Heads-1)
	}
	return nil
}

// shape returns the heads and key heads that it has.
func (c capture) shape(s *subject) (heads, kvHeads int) {
	if c.head >= 0 {
		return 1, 1
	}
	return s.heads(), s.kvHeads()
}

// captures returns what attention is given on the prompt: of each layer, or of
// the one that was named.
func (j *job) captures(ctx context.Context, c capture) ([]harness.Input, error) {
	if err := c.check(j.subject); err != nil {
		return nil, err
	}
	s, dim := j.sweep, j.subject.headDim()
	heads, kvHeads := c.shape(j.subject)
	if s.Batch != 1 || s.Heads != heads || s.KVHeads != kvHeads || s.HeadDim != dim {
		return nil, fmt.Errorf("input %q: the model has batch 1, %d heads, %d kv-heads of width %d: got batch %d, %d heads, %d kv-heads of width %d",
			c.name, heads, kvHeads, dim, s.Batch, s.Heads, s.KVHeads, s.HeadDim)
	}
	base, err := j.basePass(ctx)
	if err != nil {
		return nil, err
	}
	var inputs []harness.Input
	for i, a := range base.result.Attention {
		if c.layer >= 0 && c.layer != i {
			continue
		}
		in := harness.Captured{Label: fmt.Sprintf("layer%d", i), Q: a.Q, K: a.K, V: a.V}
		if c.head >= 0 {
			kv := c.head / a.Problem.Group()
			in = harness.Captured{Label: fmt.Sprintf("layer%d.head%d", i, c.head), Q: oneHead(a.Q, c.head), K: oneHead(a.K, kv), V: oneHead(a.V, kv)}
		}
		inputs = append(inputs, in)
	}
	return inputs, nil
}

// oneHead views one head of a float32 tensor.
func oneHead(t kernels.Tensor, head int) kernels.Tensor {
	t.Float32 = t.Float32[head*t.HeadStride:]
	t.Heads = 1
	return t
}

// headsOf returns the heads that captured inputs want where no flag says how
// many: one when each of them is of one head, else the model's.
func (j *job) headsOf(inputs []string) (heads, kvHeads int) {
	single := false
	for _, name := range inputs {
		c, ok := parseCapture(name)
		if ok && c.head < 0 {
			return j.subject.heads(), j.subject.kvHeads()
		}
		single = single || ok
	}
	if single {
		return 1, 1
	}
	return j.subject.heads(), j.subject.kvHeads()
}
