package harness

import (
	"fmt"
	"math"

	"github.com/attnbench/attnbench/kernels"
)

// A comparison is one output beside its reference.
type comparison struct {
	ref       *Reference
	t         *kernels.Tensors
	o, l      tally // of O and of lse
	misplaced string
	spoilt    extent // what is misplaced
}

// A tally sums up the errors of one output.
type tally struct {
	n                       int
	max, sum                float64
	plainMax, plainSum      float64
	floorMax, floorSum      float64
	errSquares, wantSquares float64
	gotSquares, dot         float64
	worst                   Element
	over                    float64 // largest error as a share of its rounding bound
	overErr, overLimit      float64
	overAt                  Element
	held                    int    // elements that the bound was held against
	wrong                   extent // those over it
}

func (ref *Reference) compare(t *kernels.Tensors) *comparison {
	c := &comparison{ref: ref, t: t}
	buf := make([]float32, t.O.Dim)
	for i := range ref.rows {
		r := &ref.rows[i]
		if r.want == nil {
			continue // checkEmpty has it
		}
		at := Element{Batch: r.batch, Head: r.head, Query: r.query}
		for d, got := range t.O.ReadRow(buf, r.batch, r.head, r.query) {
			at.Dim = d
			c.add(&c.o, "O", at, got, r.want[d], r.plain[d], r.floor[d], r.bound[d])
		}
		at.Dim = 0
		for _, got := range c.lse(r.rowID) {
			c.add(&c.l, "lse", at, got, r.wantLSE, r.plainLSE, r.floorLSE, r.boundLSE)
		}
	}
	return c
}

// add takes up one element, or notes that its NaN or Inf is out of place.
//
// Note: an infinity may meet a weight that is 0 in float32 and not in float64,
// and give NaN in one and Inf in the other. Both are IEEE arithmetic; so where
// oracle and yardstick disagree in kind, either kind will do.
func (c *comparison) add(t *tally, what string, at Element, got float32, want float64, plain float32, floor, bound float64) {
	k := kind(got)
	if k != kind(float32(want)) && k != kind(plain) {
		if c.misplaced == "" {
			c.misplaced = fmt.Sprintf("%s at %s is %v%s, want %v", what, at.place(), got, leak(got), want)
		}
		c.spoilt.add(at)
		return
	}
	if k != 0 || kind(float32(want)) != 0 {
		return
	}
	at.Got, at.Want = float64(got), want
	t.hold(at, bound)
	if kind(plain) == 0 { // or the yardstick overflowed, and only the bound is left
		t.add(at, float64(plain), floor)
	}
}

// hold takes up how close an element is to its rounding bound.
func (t *tally) hold(e Element, bound float64) {
	err := math.Abs(e.Got - e.Want)
	share := err / bound
	if t.held++; share > 1 {
		t.wrong.add(e)
	}
	if share > t.over {
		t.over, t.overErr, t.overLimit, t.overAt = share, err, bound, e
	}
}

// kind tells finite numbers, both infinities and NaN apart.
func kind(x float32) int {
	switch {
	case x != x:
		return 3
	case x > math.MaxFloat32:
		return 1
	case x < -math.MaxFloat32:
		return 2
	}
	return 0
}

func (t *tally) add(e Element, plain, floor float64) {
	err, plainErr := math.Abs(e.Got-e.Want), math.Abs(plain-e.Want)
	if t.n == 0 || err > t.max {
		t.max, t.worst = err, e
	}
	t.n++
	t.sum += err
	t.plainMax = math.Max(t.plainMax, plainErr)
	t.plainSum += plainErr
	t.floorMax = math.Max(t.floorMax, floor)
	t.floorSum += floor
	t.errSquares += err * err
	t.wantSquares += e.Want * e.Want
	t.gotSquares += e.Got * e.Got
	t.dot += e.Got * e.Want
}

func (t *tally) overBound(what, at string) string {
	if t.over <= 1 {
		return ""
	}
	return fmt.Sprintf("%s is off by %.3g, over the bound %.3g, at %s; over it are %d of %d elements: %v",
		what, t.overErr, t.overLimit, at, t.wrong.n, t.held, t.wrong)
}

func (t *tally) mean() float64      { return t.sum / float64(max(1, t.n)) }
func (t *tally) plainMean() float64 { return t.plainSum / float64(max(1, t.n)) }
func (t *tally) floorMean() float64 { return t.floorSum / float64(max(1, t.n)) }

// ratio returns the largest error as a share of what the rules allow.
func (t *tally) ratio() float64 {
	if t.n == 0 {
		return 0
	}
	return max(t.over, t.max/allowed(t.plainMax, t.floorMax), t.mean()/allowed(t.plainMean(), t.floorMean()))
}

// nmse and cosine take two zero vectors for equal.
func (t *tally) nmse() float64 {
	if t.errSquares == 0 {
		return 0
	}
	return t.errSquares / t.wantSquares
}

func (t *tally) cosine() float64 {
	if t.errSquares == 0 {
		return 1
	}
	return t.dot / math.Sqrt(t.gotSquares*t.wantSquares)
}

func (c *comparison) verdict() Verdict {
	held, all := c.ref.Rows()
	return Verdict{
		Ratio:  max(c.o.ratio(), c.l.ratio()),
		MaxErr: c.o.max, MeanErr: c.o.mean(),
		PlainMaxErr: c.o.plainMax, PlainMeanErr: c.o.plainMean(),
		NMSE: c.o.nmse(), Cosine: c.o.cosine(), Worst: c.o.worst,
		LSEMaxErr: c.l.max, LSEMeanErr: c.l.mean(),
		PlainLSEMaxErr: c.l.plainMax, PlainLSEMeanErr: c.l.plainMean(),
		RowsChecked: held, Rows: all,
	}
}

func (e Element) lseString() string {
	return fmt.Sprintf("[batch %d head %d query %d] = %.9g, want %.9g", e.Batch, e.Head, e.Query, e.Got, e.Want)
}
