package reports

import (
	"fmt"
	"math"
	"strings"

	"golang.org/x/perf/benchunit"
)

// unavailable stands where a value could not be had; a note says why.
const unavailable = "unavailable"

// Quantity formats a value of a record's unit with three digits and a prefix.
func Quantity(v float64, unit string) string {
	base, _, _ := strings.Cut(unit, "/op")
	switch base {
	case "sec":
		base = "s"
	case Workspace:
		base = "B"
	}
	if v == 0 {
		return "0 " + base
	}
	text := benchunit.Scale(v, benchunit.ClassOf(unit))
	digits := strings.TrimRight(text, "numµkMGTPEKi")
	return digits + " " + text[len(digits):] + base
}

// Count formats a number of things, the name of which takes an s.
func Count(n int, thing string) string {
	if n != 1 {
		thing += "s"
	}
	return fmt.Sprintf("%d %s", n, thing)
}

// lengthIn formats an n, but as a bound when it lies outside of what was
// measured.
func lengthIn(n float64, shortest, longest int) string {
	switch {
	case n < float64(shortest):
		return fmt.Sprintf("< %d", shortest)
	case n > float64(longest):
		return fmt.Sprintf("> %d", longest)
	}
	return fmt.Sprintf("%.0f", n)
}

// intervalIn formats the interval of an n, or says why there is none.
func (e Estimate) intervalIn(shortest, longest int) string {
	if !e.hasInterval() {
		return unavailable
	}
	lo, hi := lengthIn(e.Lo, shortest, longest), lengthIn(e.Hi, shortest, longest)
	if lo == hi {
		return lo
	}
	return lo + " … " + hi
}

// exponent formats a slope with its interval.
func (e Estimate) exponent() string {
	if !e.hasInterval() {
		return fmt.Sprintf("%.2f ± %s", noNegativeZero(e.Value), unavailable)
	}
	return fmt.Sprintf("%.2f [%.2f, %.2f]", noNegativeZero(e.Value), noNegativeZero(e.Lo), noNegativeZero(e.Hi))
}

// noNegativeZero keeps a slope of −1e-17 from printing as "-0.00".
func noNegativeZero(v float64) float64 {
	if math.Abs(v) < 0.005 {
		return 0
	}
	return v
}

// negligible is the share of a law below which a term is not printed.
const negligible = 0.01

// Text formats a law in a unit, without the terms that are negligible at every
// one of the lengths.
func (l Law) Text(unit string, lengths []int) string {
	var parts []string
	for power, suffix := range []string{"", "·n", "·n²"} {
		factor, share := [...]float64{l.A, l.B, l.C}[power], 0.0
		for _, n := range lengths {
			share = max(share, factor*math.Pow(float64(n), float64(power))/l.At(float64(n)))
		}
		if share >= negligible {
			parts = append(parts, Quantity(factor, unit)+suffix)
		}
	}
	return strings.Join(parts, " + ")
}
