package budget

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// A Text is a prompt in tokens, each of which belongs to a segment.
type Text struct {
	IDs      []int
	Owner    []int // index into Segments of each token
	Segments []string
}

// A Part is a segment as it was given: a name, and the text that the prompt has
// once.
type Part struct{ Name, Text string }

// An Encoder turns text into token ids.
type Encoder interface {
	Encode(text string) ([]int, error)
}

// Names of the segments that no one named.
const (
	rest    = "rest"    // text between the named parts
	special = "special" // what the tokenizer puts around a text
)

// NewText cuts a prompt where its parts begin and end, and encodes the pieces
// one by one, so that no token belongs to two. What the encoder puts around any
// text, it gets once around the whole. A part must be in the prompt exactly
// once, with or without its last line break, and parts must not overlap; without any, the
// prompt is cut into quarters.
func NewText(enc Encoder, prompt string, parts []Part) (*Text, error) {
	before, after, err := surroundings(enc)
	if err != nil {
		return nil, err
	}
	places, err := locate(prompt, parts)
	if err != nil {
		return nil, err
	}
	t := &Text{}
	t.append(special, before)
	piece := func(name, text string) error {
		if text == "" {
			return nil
		}
		ids, err := enc.Encode(text)
		if err != nil {
			return err
		}
		t.append(name, ids[len(before):len(ids)-len(after)])
		return nil
	}
	at := 0
	for _, p := range places {
		if err := piece(rest, prompt[at:p.lo]); err != nil {
			return nil, err
		}
		if err := piece(p.name, prompt[p.lo:p.hi]); err != nil {
			return nil, err
		}
		at = p.hi
	}
	if err := piece(rest, prompt[at:]); err != nil {
		return nil, err
	}
	t.append(special, after)
	if len(parts) == 0 {
		t.quarter()
	}
	return t, nil
}

// append adds tokens to a segment, which is made when it is new.
func (t *Text) append(name string, ids []int) {
	if len(ids) == 0 {
		return
	}
	owner := slices.Index(t.Segments, name)
	if owner < 0 {
		owner = len(t.Segments)
		t.Segments = append(t.Segments, name)
	}
	for _, id := range ids {
		t.IDs, t.Owner = append(t.IDs, id), append(t.Owner, owner)
	}
}

// quarter makes segments of a text that has none.
func (t *Text) quarter() {
	t.Segments = nil
	n := len(t.IDs)
	parts := min(4, n)
	for i := range t.Owner {
		t.Owner[i] = i * parts / n
	}
	for i := range parts {
		t.Segments = append(t.Segments, fmt.Sprintf("quarter %d", i+1))
	}
}

// Cut forgets all but the first n tokens, and the segments that have none left.
func (t *Text) Cut(n int) {
	t.IDs, t.Owner = t.IDs[:n], t.Owner[:n]
	if len(t.Segments) > 0 && strings.HasPrefix(t.Segments[0], "quarter ") {
		t.quarter()
		return
	}
	names, renamed := t.Segments, map[int]int{}
	t.Segments = nil
	t.Owner = slices.Clone(t.Owner)
	for i, old := range t.Owner {
		if _, ok := renamed[old]; !ok {
			renamed[old] = len(t.Segments)
			t.Segments = append(t.Segments, names[old])
		}
		t.Owner[i] = renamed[old]
	}
}

// Len returns how many tokens a segment has.
func (t *Text) Len(segment int) int {
	n := 0
	for _, owner := range t.Owner {
		if owner == segment {
			n++
		}
	}
	return n
}

// Without returns the ids of all other segments.
func (t *Text) Without(segment int) []int {
	var ids []int
	for i, id := range t.IDs {
		if t.Owner[i] != segment {
			ids = append(ids, id)
		}
	}
	return ids
}

// A place is where a part is in the prompt, in bytes.
type place struct {
	name   string
	lo, hi int
}

// locate finds the parts, in the order of the prompt.
func locate(prompt string, parts []Part) ([]place, error) {
	var places []place
	for i, p := range parts {
		if p.Name == rest || p.Name == special || p.Name == "" {
			return nil, fmt.Errorf("segment %q: want another name, which is not empty, %q or %q", p.Name, rest, special)
		}
		if slices.ContainsFunc(parts[:i], func(q Part) bool { return q.Name == p.Name }) {
			return nil, fmt.Errorf("segment %q: is named twice", p.Name)
		}
		text := p.Text
		if !strings.Contains(prompt, text) {
			text = strings.TrimSuffix(strings.TrimSuffix(text, "\n"), "\r")
		}
		switch n := strings.Count(prompt, text); {
		case text == "":
			return nil, fmt.Errorf("segment %q: is empty", p.Name)
		case n != 1:
			return nil, fmt.Errorf("segment %q: its text is %d times in the prompt, must be there once", p.Name, n)
		}
		lo := strings.Index(prompt, text)
		places = append(places, place{p.Name, lo, lo + len(text)})
	}
	slices.SortFunc(places, func(a, b place) int { return cmp.Compare(a.lo, b.lo) })
	for i := 1; i < len(places); i++ {
		if a, b := places[i-1], places[i]; b.lo < a.hi {
			return nil, fmt.Errorf("segments %q and %q: overlap in the prompt", a.name, b.name)
		}
	}
	return places, nil
}

// surroundings returns what an encoder puts before and after any text.
func surroundings(enc Encoder) (before, after []int, err error) {
	empty, err := enc.Encode("")
	if err != nil || len(empty) == 0 {
		return nil, nil, err
	}
	some, err := enc.Encode("a")
	if err != nil {
		return nil, nil, err
	}
	n := 0
	for n < len(empty) && empty[n] == some[n] {
		n++
	}
	before, after = empty[:n], empty[n:]
	if len(some) < len(empty) || !slices.Equal(some[len(some)-len(after):], after) {
		return nil, nil, fmt.Errorf("tokenizer: what it puts around a text depends on the text")
	}
	return before, after, nil
}
