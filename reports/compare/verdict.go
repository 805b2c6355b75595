package compare

// A Verdict is what the gate says of one benchmark and unit.
type Verdict string

// Of a time or a rate a change is faster or slower; of any other unit, such as
// bytes, it is better or worse.
const (
	Same      Verdict = "same"
	Faster    Verdict = "faster"
	Slower    Verdict = "slower"
	Better    Verdict = "better"
	Worse     Verdict = "worse"
	Ambiguous Verdict = "ambiguous" // more than is allowed is neither shown nor excluded
	Missing   Verdict = "missing"   // the base has it, the head does not
)

// verdicts in the order of a summary.
var verdicts = []Verdict{Slower, Worse, Missing, Ambiguous, Faster, Better, Same}

// fails reports whether a verdict fails the gate by itself.
func (v Verdict) fails() bool { return v == Slower || v == Worse || v == Missing }

// isSpeed reports whether a unit tells how fast something is.
func isSpeed(unit string) bool {
	switch unit {
	case "sec/op", "ns/op", "peak-ratio", "read-ratio", "upload-sec", "download-sec":
		return true
	}
	return len(unit) > 2 && unit[len(unit)-2:] == "/s"
}

// worse and better are the words for a unit.
func worse(unit string) Verdict {
	if isSpeed(unit) {
		return Slower
	}
	return Worse
}

func improved(unit string) Verdict {
	if isSpeed(unit) {
		return Faster
	}
	return Better
}
