package command

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// maxLength bounds a sequence, so that a slip of the finger is refused by name
// and not by the allocator.
const maxLength = 1 << 24

const lengthsGrammar = "positive lengths such as 1024, lists such as 128,256 or ranges such as 128..8192x2"

// parseLengths reads sequence lengths: numbers and geometric ranges LO..HIxF,
// joined by commas. They come back ascending and each once. An error names the
// flag.
func parseLengths(flag, spec string) ([]int, error) {
	var lengths []int
	for _, part := range strings.Split(spec, ",") {
		some, err := parseRange(part)
		if err != nil {
			return nil, fmt.Errorf("--%s %q: %w; want %s", flag, spec, err, lengthsGrammar)
		}
		lengths = append(lengths, some...)
	}
	slices.Sort(lengths)
	return slices.Compact(lengths), nil
}

func parseRange(part string) ([]int, error) {
	from, rest, isRange := strings.Cut(part, "..")
	lo, err := parseLength(from)
	if err != nil || !isRange {
		return []int{lo}, err
	}
	to, by, ok := strings.Cut(rest, "x")
	if !ok {
		return nil, fmt.Errorf("%q has no factor", part)
	}
	hi, err := parseLength(to)
	if err != nil {
		return nil, err
	}
	factor, err := strconv.Atoi(by)
	if err != nil || factor < 2 {
		return nil, fmt.Errorf("factor %q must be a number of at least 2", by)
	}
	if hi < lo {
		return nil, fmt.Errorf("%q runs downwards", part)
	}
	var lengths []int
	for n := lo; n <= hi; n *= factor {
		lengths = append(lengths, n)
	}
	return lengths, nil
}

func parseLength(text string) (int, error) {
	n, err := strconv.Atoi(text)
	if err != nil {
		return 0, fmt.Errorf("%q is not a number", text)
	}
	if n <= 0 || n > maxLength {
		return 0, fmt.Errorf("length %d must be in 1..%d", n, maxLength)
	}
	return n, nil
}
