package compare

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Exponent is the unit of a budget for the growth of time with the length: the
// log-log slope of sec/op over n, of each kernel on each shape.
const Exponent = "exponent"

// A Budget is how much worse a unit may get.
type Budget struct {
	Unit     string
	Limit    float64
	Relative bool // Limit is a share of the base and not a value of the unit
}

// BudgetGrammar states what ParseBudgets reads.
const BudgetGrammar = "UNIT:N% or UNIT:N, joined by commas, such as sec/op:3%,workspace-B:0%,allocs/op:0,exponent:0.05"

// ParseBudgets reads a list of budgets. Each unit may be there once.
func ParseBudgets(text string) ([]Budget, error) {
	var list []Budget
	seen := map[string]bool{}
	for part := range strings.SplitSeq(text, ",") {
		b, err := parseBudget(strings.TrimSpace(part))
		if err != nil {
			return nil, fmt.Errorf("budget %q: %w; want %s", part, err, BudgetGrammar)
		}
		if seen[b.Unit] {
			return nil, fmt.Errorf("budget %q: %s is given twice", text, b.Unit)
		}
		seen[b.Unit] = true
		list = append(list, b)
	}
	return list, nil
}

func parseBudget(text string) (Budget, error) {
	i := strings.LastIndexByte(text, ':')
	if i <= 0 {
		return Budget{}, fmt.Errorf("no limit")
	}
	b := Budget{Unit: text[:i]}
	if b.Unit == "ns/op" {
		b.Unit = "sec/op" // what the format's readers make of it
	}
	limit, relative := strings.CutSuffix(text[i+1:], "%")
	v, err := strconv.ParseFloat(limit, 64)
	if err != nil || math.IsNaN(v) || math.IsInf(v, 0) || v < 0 {
		return Budget{}, fmt.Errorf("limit %q is no number of at least 0", text[i+1:])
	}
	if b.Unit == Exponent && relative {
		return Budget{}, fmt.Errorf("an exponent has no percentage")
	}
	if b.Limit, b.Relative = v, relative; relative {
		b.Limit = v / 100
	}
	return b, nil
}

// of returns the limit in the unit, given the base's center.
func (b Budget) of(base float64) float64 {
	if b.Relative {
		return b.Limit * math.Abs(base)
	}
	return b.Limit
}

func (b Budget) String() string {
	if b.Relative {
		return fmt.Sprintf("%s %v%%", b.Unit, math.Round(1e6*b.Limit)/1e4)
	}
	return fmt.Sprintf("%s %v", b.Unit, b.Limit)
}
