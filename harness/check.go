package harness

import (
	"fmt"
	"math"

	"github.com/attnbench/attnbench/kernels"
)

// A check looks for one kind of wrong and returns what it found, or "".
type check struct {
	name string
	run  func(c *comparison) string
}

// checks run in this order, cheap and telling ones first; the first that finds
// something names the verdict. The first four see every row.
var checks = []check{
	{"unwritten", checkUnwritten},
	{"empty rows", checkEmpty},
	{"finite", checkFinite},
	{"range", checkRange},
	{"non-finite", checkPlacement},
	{"rounding bound", checkBound},
	{"max error", checkMax},
	{"mean error", checkMean},
	{"lse rounding bound", checkLSEBound},
	{"lse max error", checkLSEMax},
	{"lse mean error", checkLSEMean},
}

// CheckNames returns the names of the checks, in their order.
func CheckNames() []string {
	names := make([]string, len(checks))
	for i, c := range checks {
		names[i] = c.name
	}
	return names
}

// Check holds the O and, where there is one, the LSE of t against ref.
func (ref *Reference) Check(t *kernels.Tensors) Verdict { return ref.check(t, nil) }

// check leaves out the checks whose names are in skip.
func (ref *Reference) check(t *kernels.Tensors, skip map[string]bool) Verdict {
	if err := t.Check(ref.problem); err != nil {
		return Verdict{Check: "shape", Reason: err.Error()}
	}
	c := ref.compare(t)
	v := c.verdict()
	for _, check := range checks {
		if skip[check.name] {
			continue
		}
		if v.Reason = check.run(c); v.Reason != "" {
			v.Check = check.name
			break
		}
	}
	return v
}

// eachRow calls f for every row until it returns something.
func (c *comparison) eachRow(f func(id rowID, o []float32, lse []float32) string) string {
	p := c.ref.problem
	buf := make([]float32, p.HeadDim)
	for b := range p.Batch {
		for h := range p.Heads {
			for i := range p.QLen {
				id := rowID{b, h, i}
				if found := f(id, c.t.O.ReadRow(buf, b, h, i), c.lse(id)); found != "" {
					return found
				}
			}
		}
	}
	return ""
}

// lse returns the row's lse as a slice of one, or an empty one.
func (c *comparison) lse(id rowID) []float32 {
	if c.t.LSE == nil {
		return nil
	}
	p := c.ref.problem
	at := (id.batch*p.Heads+id.head)*p.QLen + id.query
	return c.t.LSE[at : at+1]
}

func (id rowID) String() string {
	return fmt.Sprintf("row [batch %d head %d query %d]", id.batch, id.head, id.query)
}

// checkUnwritten finds outputs that still hold their poison.
//
// Note: where a NaN may be right its payload may be anything, for minima,
// maxima and sums mix those of their operands; of a half it has 6 bits only. So
// there a row counts as unwritten when all of its channels, four or more, hold
// just their poison.
func checkUnwritten(c *comparison) string {
	return c.eachRow(func(id rowID, o, lse []float32) string {
		held, at := 0, 0
		for d, x := range o {
			if isPoison(x, c.t.O.DType, d) {
				held, at = held+1, d
			}
		}
		if held > 0 && c.calm(id) || held == len(o) && held >= 4 {
			return fmt.Sprintf("%v: %d elements, the last of them %d, were never written", id, held, at)
		}
		for _, x := range lse {
			if isPoison(x, kernels.Float32, 0) {
				return fmt.Sprintf("%v: lse was never written", id)
			}
		}
		return ""
	})
}

// calm reports whether nothing in sight makes a row anything but finite.
func (c *comparison) calm(id rowID) bool {
	p := c.ref.problem
	return c.ref.facts.calm[(id.batch*p.Heads+id.head)*p.QLen+id.query]
}

// checkEmpty wants O = 0 and lse = −Inf of rows that see no key.
func checkEmpty(c *comparison) string {
	p := c.ref.problem
	return c.eachRow(func(id rowID, o, lse []float32) string {
		if !c.ref.facts.empty[id.batch*p.QLen+id.query] {
			return ""
		}
		for d, x := range o {
			if x != 0 {
				return fmt.Sprintf("%v sees no key: element %d is %v, want 0", id, d, x)
			}
		}
		for _, x := range lse {
			if !math.IsInf(float64(x), -1) {
				return fmt.Sprintf("%v sees no key: lse is %v, want -Inf", id, x)
			}
		}
		return ""
	})
}

// checkFinite wants finite rows where all that is visible is finite and small
// enough that no intermediate sum can overflow.
func checkFinite(c *comparison) string {
	p := c.ref.problem
	return c.eachRow(func(id rowID, o, lse []float32) string {
		if !c.calm(id) {
			return ""
		}
		for d, x := range o {
			if !finite(float64(x)) {
				return fmt.Sprintf("%v: element %d is %v%s, and all that it sees is finite", id, d, x, leak(x))
			}
		}
		for _, x := range lse {
			if !finite(float64(x)) && !c.ref.facts.empty[id.batch*p.QLen+id.query] {
				return fmt.Sprintf("%v: lse is %v%s, and all that it sees is finite", id, x, leak(x))
			}
		}
		return ""
	})
}

// leak says so when x has the payload of a masked key's poison.
func leak(x float32) string {
	if math.Float32bits(x)&0x7fffffff == poisonKey {
		return " from a masked key"
	}
	return ""
}

// checkRange wants every element within the largest value of its head: O is a
// weighted mean. It is coarse, but it sees the rows that were not sampled.
func checkRange(c *comparison) string {
	p := c.ref.problem
	return c.eachRow(func(id rowID, o, _ []float32) string {
		if !c.calm(id) {
			return ""
		}
		limit := c.ref.facts.values[id.batch*p.KVHeads+id.head*p.KVHeads/p.Heads]
		for d, x := range o {
			if math.Abs(float64(x)) > limit*(1+gamma(2*p.KVLen+8))+c.ref.storage(limit)+float64(p.KVLen+2)*smallest {
				return fmt.Sprintf("%v: element %d is %v, and no value of its head exceeds %v", id, d, x, limit)
			}
		}
		return ""
	})
}

// storage bounds what storing the output, and P, adds to a magnitude up to x.
func (ref *Reference) storage(x float64) float64 {
	more := storage(ref.problem.DType, x)
	if ref.rounded {
		more += 2 * storage(ref.problem.KVDType, x)
	}
	return more
}

func checkPlacement(c *comparison) string {
	if c.misplaced == "" {
		return ""
	}
	return fmt.Sprintf("%s; out of place are %d elements: %v", c.misplaced, c.spoilt.n, c.spoilt)
}

func checkBound(c *comparison) string { return c.o.overBound("O", c.o.overAt.String()) }

func checkMax(c *comparison) string {
	return overRule("max error", c.o.max, c.o.plainMax, c.o.floorMax, "; worst "+c.o.worst.String())
}

func checkMean(c *comparison) string {
	return overRule("mean error", c.o.mean(), c.o.plainMean(), c.o.floorMean(), "")
}

func checkLSEBound(c *comparison) string { return c.l.overBound("lse", c.l.overAt.lseString()) }

func checkLSEMax(c *comparison) string {
	return overRule("lse max error", c.l.max, c.l.plainMax, c.l.floorMax, "; worst "+c.l.worst.lseString())
}

func checkLSEMean(c *comparison) string {
	return overRule("lse mean error", c.l.mean(), c.l.plainMean(), c.l.floorMean(), "")
}

// allowed is the two-error rule.
func allowed(plain, floor float64) float64 { return 2*plain + floor }

func overRule(what string, err, plain, floor float64, more string) string {
	if err <= allowed(plain, floor) {
		return ""
	}
	return fmt.Sprintf("%s %.3g, over 2·%.3g of the plain evaluation + %.3g%s", what, err, plain, floor, more)
}
