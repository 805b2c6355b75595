package harness

import (
	"fmt"

	"github.com/attnbench/attnbench/kernels"
)

// Captured is an Input taken from a model's forward pass. In a causal model
// the tensors of the first n tokens are those of a prompt of n tokens, so one
// long capture serves every shorter problem.
type Captured struct {
	Label   string         // where it came from, such as "layer2"
	Q, K, V kernels.Tensor // [Batch, Heads or KVHeads, tokens, HeadDim]
}

// Name returns "captured", with the label where there is one.
func (c Captured) Name() string {
	if c.Label == "" {
		return "captured"
	}
	return "captured:" + c.Label
}

// Fill copies the first KVLen tokens of K and V, and of Q the QLen tokens that
// end with them. It refuses a problem of another shape, or of more tokens.
func (c Captured) Fill(p kernels.Problem, t *kernels.Tensors) error {
	if err := t.Check(p); err != nil {
		return fmt.Errorf("input %s: %w", c.Name(), err)
	}
	for _, x := range []struct {
		name                 string
		dst, src             *kernels.Tensor
		heads, first, length int
	}{
		{"Q", &t.Q, &c.Q, p.Heads, p.KVLen - p.QLen, p.QLen},
		{"K", &t.K, &c.K, p.KVHeads, 0, p.KVLen},
		{"V", &t.V, &c.V, p.KVHeads, 0, p.KVLen},
	} {
		if err := copyTokens(x.dst, x.src, x.heads, x.first, x.length); err != nil {
			return fmt.Errorf("input %s: %s %w", c.Name(), x.name, err)
		}
	}
	return nil
}

// copyTokens copies length tokens of src from first on.
func copyTokens(dst, src *kernels.Tensor, heads, first, length int) error {
	if src.Batch != dst.Batch || src.Heads != heads || src.Dim != dst.Dim {
		return fmt.Errorf("was captured with batch %d, heads %d, dim %d: the problem has %d, %d, %d",
			src.Batch, src.Heads, src.Dim, dst.Batch, heads, dst.Dim)
	}
	if first < 0 || first+length > src.Len {
		return fmt.Errorf("was captured with %d tokens: the problem wants tokens %d to %d", src.Len, first, first+length)
	}
	buf := make([]float32, length*dst.Dim)
	for b := range dst.Batch {
		for h := range heads {
			for i := range length {
				row := buf[i*dst.Dim:][:dst.Dim]
				copy(row, src.ReadRow(row, b, h, first+i))
			}
			dst.WriteRows(buf, b, h, kernels.Interval{Hi: length})
		}
	}
	return nil
}
