package kernels

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// A MaskForm is a part of a mask's name, and which keys a query sees by it.
type MaskForm struct{ Form, Meaning string }

var maskForms = []MaskForm{
	{"full", "every key"},
	{"causal", "no key after the query; the last query is at the last key"},
	{"window:L[:R]", "L keys to the left of the query and R (0) to its right; -1 is unbounded"},
	{"sinks:N", "the first N keys too, where window or blocks would hide them"},
	{"keylens:N[:N…]", "the first N keys of each batch element; the rest is padding"},
	{"blocks:SIZE:LOCAL[:STRIDE]", "blocks of SIZE keys less than LOCAL blocks away, and every STRIDE-th"},
	{"longformer:SIZE:LOCAL:GLOBAL", "blocks less than LOCAL away; the first GLOBAL see and are seen by all"},
	{"bigbird:SIZE:LOCAL:GLOBAL:RANDOM[:SEED]", "as longformer, and RANDOM other blocks for each block of queries"},
	{"packed:N[:N…]", "those of its own sequence, N long; the last N repeats to the end"},
}

// MaskForms returns the parts that [ParseMask] reads, joined by "+".
func MaskForms() []MaskForm { return slices.Clone(maskForms) }

// maskGrammar lists the forms for errors.
func maskGrammar() string {
	var text strings.Builder
	for _, f := range maskForms {
		text.WriteString(f.Form + ", ")
	}
	return text.String() + "joined by +"
}

// ParseMask reads a mask for kvLen keys from its name; [MaskForms] has the parts.
// It is the inverse of [Mask.String].
func ParseMask(spec string, kvLen int) (Mask, error) {
	var m Mask
	seen := map[string]bool{}
	for _, part := range strings.Split(spec, "+") {
		name, numbers, err := parseMaskPart(part)
		if err == nil && seen[name] {
			err = fmt.Errorf("%s given twice", name)
		}
		if err == nil {
			err = m.set(name, numbers, kvLen)
		}
		if err != nil {
			return Mask{}, fmt.Errorf("mask %q: %w; want %s", spec, err, maskGrammar())
		}
		seen[name] = true
	}
	if seen["full"] && len(seen) > 1 {
		return Mask{}, fmt.Errorf("mask %q: full joined to another part; want %s", spec, maskGrammar())
	}
	return m, nil
}

func parseMaskPart(part string) (name string, numbers []int, err error) {
	fields := strings.Split(part, ":")
	for _, field := range fields[1:] {
		n, err := strconv.Atoi(field)
		if err != nil {
			return "", nil, fmt.Errorf("%q is not a number", field)
		}
		numbers = append(numbers, n)
	}
	return fields[0], numbers, nil
}

// set applies one part of a mask's name.
func (m *Mask) set(name string, n []int, kvLen int) error {
	switch name {
	case "full", "causal":
		m.Causal = m.Causal || name == "causal"
		return wantNumbers(name, n, 0, 0)
	case "window":
		if err := wantNumbers(name, n, 1, 2); err != nil {
			return err
		}
		m.Window = &Window{Left: n[0]}
		if len(n) == 2 {
			m.Window.Right = n[1]
		}
		if m.Window.Left < -1 || m.Window.Right < -1 {
			return fmt.Errorf("window sides must be at least -1")
		}
	case "sinks":
		if err := wantNumbers(name, n, 1, 1); err != nil {
			return err
		}
		if m.Sinks = n[0]; m.Sinks < 0 {
			return fmt.Errorf("sinks must not be negative")
		}
	case "keylens":
		m.KeyLens = n
		return wantNumbers(name, n, 1, 1<<20)
	case "packed":
		return m.setPacking(n, kvLen)
	case "blocks", "longformer", "bigbird":
		return m.setPattern(name, n, kvLen)
	default:
		return fmt.Errorf("unknown part %q", name)
	}
	return nil
}

// patterns are the named block patterns: how many numbers each takes, the
// block size first, and how it is made of them.
var patterns = map[string]struct {
	least, most int
	make        func(n []int, kvLen int) *BlockPattern
}{
	"blocks": {2, 3, func(n []int, kvLen int) *BlockPattern {
		return LocalStrided(n[0], kvLen, n[1], append(n, 0)[2])
	}},
	"longformer": {3, 3, func(n []int, kvLen int) *BlockPattern { return Longformer(n[0], kvLen, n[1], n[2]) }},
	"bigbird": {4, 5, func(n []int, kvLen int) *BlockPattern {
		return BigBird(n[0], kvLen, n[1], n[2], n[3], uint64(append(n, 0)[4]))
	}},
}

func (m *Mask) setPattern(name string, n []int, kvLen int) error {
	pattern := patterns[name]
	if err := wantNumbers(name, n, pattern.least, pattern.most); err != nil {
		return err
	}
	if kvLen <= 0 {
		return fmt.Errorf("a block pattern needs a positive length")
	}
	if n[0] < MinBlockSize || slices.Min(n) < 0 || slices.Max(n[1:]) == 0 {
		return fmt.Errorf("block size must be at least %d, the other numbers not negative nor all 0", MinBlockSize)
	}
	if m.Blocks != nil {
		return fmt.Errorf("two block patterns")
	}
	if err := checkBlocks(n[0], kvLen); err != nil {
		return err
	}
	m.Blocks = pattern.make(n, kvLen)
	return nil
}

// maxSequences bounds the sequences of a parsed packing.
const maxSequences = 1 << 20

func (m *Mask) setPacking(n []int, kvLen int) error {
	if err := wantNumbers("packed", n, 1, 1<<20); err != nil {
		return err
	}
	if kvLen <= 0 || slices.Min(n) <= 0 {
		return fmt.Errorf("packed lengths must be positive")
	}
	if sequences := kvLen / n[len(n)-1]; sequences > maxSequences {
		return fmt.Errorf("packed into %d sequences or more: must be at most %d", sequences, maxSequences)
	}
	m.Packing = PackedBy(kvLen, n...)
	return nil
}

func wantNumbers(name string, n []int, least, most int) error {
	if len(n) < least || len(n) > most {
		return fmt.Errorf("%s with %d numbers", name, len(n))
	}
	return nil
}

// String returns the mask's name, as ParseMask reads it and records write it.
func (m Mask) String() string {
	var parts []string
	if m.Causal {
		parts = append(parts, "causal")
	}
	if w := m.Window; w != nil {
		part := fmt.Sprintf("window:%d", w.Left)
		if w.Right != 0 {
			part += fmt.Sprintf(":%d", w.Right)
		}
		parts = append(parts, part)
	}
	if m.Sinks > 0 {
		parts = append(parts, fmt.Sprintf("sinks:%d", m.Sinks))
	}
	if m.KeyLens != nil {
		parts = append(parts, "keylens"+joinInts(m.KeyLens))
	}
	if m.Blocks != nil {
		parts = append(parts, m.Blocks.name)
	}
	if m.Packing != nil {
		parts = append(parts, m.Packing.String())
	}
	if parts == nil {
		return "full"
	}
	return strings.Join(parts, "+")
}

func joinInts(n []int) string {
	var b strings.Builder
	for _, v := range n {
		fmt.Fprintf(&b, ":%d", v)
	}
	return b.String()
}
