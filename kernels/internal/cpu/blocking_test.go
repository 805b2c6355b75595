package cpu

import (
	"testing"

	"github.com/attnbench/attnbench/kernels"
)

// Blocks follow on one another, none is too tall, and none crosses a period.
func TestBlocking(t *testing.T) {
	for _, b := range []Blocking{{6, 0}, {6, 64}, {6, 16}, {4, 16}, {6, 18}, {1, 0}, {1, 17}} {
		for n := range 200 {
			at := 0
			for i := range b.Count(n) {
				v := b.Block(i)
				if v.Lo != at || v.Lo >= n || v.Len() < 1 || v.Len() > b.Rows {
					t.Fatalf("%+v: block %d of %d queries is %v, after %d", b, i, n, v, at)
				}
				if b.Period > 0 && v.Lo/b.Period != (v.Hi-1)/b.Period {
					t.Fatalf("%+v: block %d is %v", b, i, v)
				}
				at = v.Hi
			}
			if at < n || n%b.Unit() == 0 && at != n {
				t.Fatalf("%+v: %d queries end at %d", b, n, at)
			}
		}
	}
}

func TestAlong(t *testing.T) {
	pattern := kernels.NewBlockPattern("p", 64, 256, func(q, k int) bool { return true })
	for _, x := range []struct {
		qLen, want int
		blocks     *kernels.BlockPattern
	}{{256, 64, pattern}, {192, 64, pattern}, {200, 0, pattern}, {256, 0, nil}} {
		p := kernels.Problem{Batch: 1, Heads: 1, KVHeads: 1, QLen: x.qLen, KVLen: 256, HeadDim: 8, Mask: kernels.Mask{Blocks: x.blocks}}
		if got := Along(&p, 6); got.Period != x.want || got.Rows != 6 {
			t.Errorf("qLen %d: %+v, want a period of %d", x.qLen, got, x.want)
		}
	}
}
