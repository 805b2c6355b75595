package harness

import "github.com/attnbench/attnbench/kernels"

// streamQueries is how many queries a case has at most whose cost is that of
// reading K and V: a few multiply-adds meet each number read.
const streamQueries = 8

// streams reports whether the case is bound by the memory bandwidth, as decode
// is.
func (c *Case) streams() bool { return c.Problem.QLen <= streamQueries }

// streamed returns the bytes of those keys and values that some query sees:
// what a kernel must read at least.
func (c *Case) streamed() int64 {
	p := &c.Problem
	rows, keys := kernels.NewRows(p, p.QLen), int64(0)
	for b := range p.Batch {
		rows.Reset(b, kernels.Interval{Hi: p.QLen})
		for _, v := range rows.Union() {
			keys += int64(v.Len())
		}
	}
	return keys * int64(p.KVHeads) * int64(p.HeadDim) * 2 * p.KVDType.Size()
}
