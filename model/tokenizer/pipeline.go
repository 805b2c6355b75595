package tokenizer

import (
	"fmt"
	"slices"
	"strings"
	"unicode"
)

// A pipeline is a tokenizer in the stages of Hugging Face's tokenizer.json:
// names of added tokens are cut out of the text; what is left is normalised, cut
// into words, and each word is cut into tokens by the model; a template adds
// tokens in front and behind.
type pipeline struct {
	name          string
	added         []addedToken // longest first
	normalise     []func(text string) string
	split         []splitter
	words         wordModel
	before, after []int    // ids that the template adds
	tokens        []string // by id; "" for none
	spell         func(tokens []string) string
}

var _ Tokenizer = (*pipeline)(nil)

// An addedToken is found in the text by its name, before anything else.
type addedToken struct {
	content     string
	id          int
	left, right bool // takes the space at this side with it
	single      bool // not inside a word
}

// A splitter cuts words into smaller ones. First says that the text begins with
// them.
type splitter func(words []string, first bool) ([]string, error)

// A wordModel appends the ids of one word.
type wordModel interface {
	append(ids []int, word string) ([]int, error)
}

func (p *pipeline) Name() string { return p.name }

// Encode returns the ids of text, which must be UTF-8, with what the template
// adds. The name of an added token in the text is that token.
func (p *pipeline) Encode(text string) ([]int, error) {
	if at := invalidUTF8(text); at >= 0 {
		return nil, fmt.Errorf("byte %d of the text: must be valid UTF-8", at)
	}
	ids := slices.Clone(p.before)
	for first := true; text != ""; first = false {
		at, token := p.nextAdded(text)
		plain := text[:at]
		if token != nil && token.left {
			plain = strings.TrimRightFunc(plain, unicode.IsSpace)
		}
		var err error
		if ids, err = p.encodePlain(ids, plain, first); err != nil {
			return nil, err
		}
		if token == nil {
			break
		}
		ids = append(ids, token.id)
		text = text[at+len(token.content):]
		if token.right {
			text = strings.TrimLeftFunc(text, unicode.IsSpace)
		}
	}
	return append(ids, p.after...), nil
}

// nextAdded finds the first added token, the longest among those that begin
// there; none is at the end of the text.
func (p *pipeline) nextAdded(text string) (at int, token *addedToken) {
	at = len(text)
	for i := range p.added {
		a := &p.added[i]
		if j := a.find(text); j >= 0 && j < at {
			at, token = j, a
		}
	}
	return at, token
}

// find returns where the token is in text, or −1.
func (a *addedToken) find(text string) int {
	for from := 0; ; {
		at := strings.Index(text[from:], a.content)
		if at < 0 {
			return -1
		}
		at += from
		if !a.single || standsAlone(text[:at], text[at+len(a.content):]) {
			return at
		}
		from = at + 1
	}
}

// standsAlone reports whether no word goes on across what lies between.
func standsAlone(before, after string) bool {
	wordy := func(r rune) bool { return r == '_' || unicode.IsLetter(r) || unicode.IsNumber(r) || unicode.IsMark(r) }
	return strings.LastIndexFunc(before, wordy) < len(strings.TrimRightFunc(before, wordy)) &&
		len(strings.TrimLeftFunc(after, wordy)) == len(after)
}

// encodePlain appends the ids of text without added tokens.
func (p *pipeline) encodePlain(ids []int, text string, first bool) ([]int, error) {
	if text == "" {
		return ids, nil
	}
	for _, normalise := range p.normalise {
		text = normalise(text)
	}
	words, err := []string{text}, error(nil)
	for _, split := range p.split {
		if words, err = split(words, first); err != nil {
			return nil, err
		}
	}
	for _, word := range words {
		if word == "" {
			continue
		}
		if ids, err = p.words.append(ids, word); err != nil {
			return nil, err
		}
	}
	return ids, nil
}

// Decode returns the text of ids, added tokens by their names.
func (p *pipeline) Decode(ids []int) (string, error) {
	tokens := make([]string, len(ids))
	for i, id := range ids {
		if id < 0 || id >= len(p.tokens) {
			return "", fmt.Errorf("token %d at %d: must be in 0..%d", id, i, len(p.tokens)-1)
		}
		tokens[i] = p.tokens[id]
	}
	return p.spell(tokens), nil
}
