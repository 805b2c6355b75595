package harness

import "github.com/attnbench/attnbench/kernels"

// streamQueries is how many queries a case has at most whose cost is that of
// reading K and V: a few multiply-adds meet each number read.
const streamQueries = 8

// streams reports whether the case is bound by the memory bandwidth, as decode
// is.
func (c *Case) streams() bool { return c.Problem.QLen <= streamQueries }

// streamed returns the bytes of those keys and values that some query sees, and
// of their scales: what a kernel must read at least.
func (c *Case) streamed() int64 {
	p := &c.Problem
	rows, bytes := kernels.NewRows(p, p.QLen), int64(0)
	for b := range p.Batch {
		rows.Reset(b, kernels.Interval{Hi: p.QLen})
		bytes += 2 * int64(p.KVHeads) * p.StoredBytes(rows.Union())
	}
	return bytes
}
