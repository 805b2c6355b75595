package cpu

import (
	"errors"
	"fmt"
	"math"

	"github.com/attnbench/attnbench/kernels/internal/memory"
)

// Floats returns zeroed floats of workspace, as many as the product of n,
// already backed by memory (huge pages where the system grants them), so that
// no timed call pays for first touch. It refuses what exceeds the memory that
// the system says is available.
func (p *Plan) Floats(n ...int) ([]float32, error) {
	count, bytes := 1, 4.0
	for _, factor := range n {
		count, bytes = count*factor, bytes*float64(factor)
	}
	if have := memory.Available(); bytes > math.MaxInt64/2 || p.bytes+int64(bytes) > have {
		return nil, fmt.Errorf("%s: workspace of %.0f bytes: this machine has %d available: %w",
			p.name, float64(p.bytes)+bytes, have, errors.ErrUnsupported)
	}
	p.bytes += int64(bytes)
	x := memory.Zeroed[float32](count)
	const page = 4096 / 4
	for i := 0; i < count; i += page {
		x[i] = 0
	}
	return x, nil
}
