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

func (e Element) String() string {
	return fmt.Sprintf("[%d %d %d %d] = %.9g, want %.9g", e.Batch, e.Head, e.Query, e.Dim, e.Got, e.Want)
}
