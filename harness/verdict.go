package harness

import "fmt"

// A Verdict is what came of holding a kernel's output against a Reference.
// Errors are absolute, over the finite elements of the rows that were checked.
type Verdict struct {
	Check  string // the check that failed, one of CheckNames; "" when all passed
	Reason string // what was found, with index, got and expected

	Ratio        float64 // largest error of any rule as a share of what it allows: at most 1 passes
	MaxErr       float64
	MeanErr      float64
	PlainMaxErr  float64 // the yardstick's
	PlainMeanErr float64
	NMSE         float64 // Σ error² / Σ oracle²
	Cosine       float64 // of output and oracle
	Worst        Element // the element with the largest error

	LSEMaxErr       float64
	LSEMeanErr      float64
	PlainLSEMaxErr  float64
	PlainLSEMeanErr float64

	RowsChecked int // against the oracle; every row is checked for what needs none
	Rows        int
}

// An Element is one element of O.
type Element struct {
	Batch, Head, Query, Dim int
	Got, Want               float64
}

// Pass reports whether every check passed.
func (v Verdict) Pass() bool { return v.Check == "" }

// Err returns nil for a pass, and an error that names the check otherwise.
func (v Verdict) Err() error {
	if v.Pass() {
		return nil
	}
	return fmt.Errorf("%s: %s", v.Check, v.Reason)
}

// String says the outcome in a line.
func (v Verdict) String() string {
	if !v.Pass() {
		return "failed " + v.Err().Error()
	}
	return fmt.Sprintf("passed: %.2f of the allowed error, max %.3g (plain %.3g), %d of %d rows",
		v.Ratio, v.MaxErr, v.PlainMaxErr, v.RowsChecked, v.Rows)
}

// place names an element of O.
func (e Element) place() string {
	return fmt.Sprintf("[batch %d head %d query %d dim %d]", e.Batch, e.Head, e.Query, e.Dim)
}

func (e Element) String() string {
	return fmt.Sprintf("%s = %.9g, want %.9g", e.place(), e.Got, e.Want)
}

// An extent is where elements are wrong: how many are, and between which
// indices of each axis. It tells a wrong head from a wrong tile of keys.
type extent struct {
	n           int
	least, most Element
}

func (x *extent) add(e Element) {
	if x.n++; x.n == 1 {
		x.least, x.most = e, e
	}
	for _, axis := range []struct{ at, least, most *int }{
		{&e.Batch, &x.least.Batch, &x.most.Batch}, {&e.Head, &x.least.Head, &x.most.Head},
		{&e.Query, &x.least.Query, &x.most.Query}, {&e.Dim, &x.least.Dim, &x.most.Dim},
	} {
		*axis.least, *axis.most = min(*axis.least, *axis.at), max(*axis.most, *axis.at)
	}
}

func (x extent) String() string {
	return fmt.Sprintf("batch %s head %s query %s dim %s", span(x.least.Batch, x.most.Batch),
		span(x.least.Head, x.most.Head), span(x.least.Query, x.most.Query), span(x.least.Dim, x.most.Dim))
}

func span(lo, hi int) string {
	if lo == hi {
		return fmt.Sprint(lo)
	}
	return fmt.Sprintf("%d..%d", lo, hi)
}
