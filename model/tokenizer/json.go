package tokenizer

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"golang.org/x/text/unicode/norm"
)

// A spec is a tokenizer.json.
type spec struct {
	Added []struct {
		ID      int    `json:"id"`
		Content string `json:"content"`
		Single  bool   `json:"single_word"`
		Left    bool   `json:"lstrip"`
		Right   bool   `json:"rstrip"`
	} `json:"added_tokens"`
	Normalizer    component `json:"normalizer"`
	PreTokenizer  component `json:"pre_tokenizer"`
	PostProcessor component `json:"post_processor"`
	Decoder       component `json:"decoder"`
	Model         component `json:"model"`
}

// A component is an object that says its type, or null.
type component struct {
	kind string
	text []byte
}

func (c *component) UnmarshalJSON(text []byte) error {
	if string(text) == "null" {
		return nil
	}
	var head struct {
		Type string `json:"type"`
	}
	c.text = bytes.Clone(text)
	err := json.Unmarshal(text, &head)
	c.kind = head.Type
	return err
}

// into fills x from the component, and refuses a field that x does not have.
func (c component) into(x any) error {
	d := json.NewDecoder(bytes.NewReader(c.text))
	d.DisallowUnknownFields()
	if err := d.Decode(x); err != nil {
		return fmt.Errorf("%s: %w", cut(c.kind), err)
	}
	return nil
}

// typed is the field that every component has.
type typed struct {
	Type string `json:"type"`
}

func (c component) refuse(stage string, known ...string) error {
	return fmt.Errorf("%s of type %q: must be one of %s", stage, cut(c.kind), strings.Join(known, ", "))
}

// readJSON reads a tokenizer.json.
func readJSON(fsys fs.FS) (*pipeline, error) {
	text, err := readFile(fsys, jsonFile)
	if err != nil {
		return nil, err
	}
	var s spec
	if err := json.Unmarshal(text, &s); err != nil {
		return nil, err
	}
	var added []addedToken
	for _, a := range s.Added {
		added = append(added, addedToken{a.Content, a.ID, a.Left, a.Right, a.Single})
	}
	ids, model, err := s.Model.model()
	if err != nil {
		return nil, err
	}
	p, err := newPipeline(strings.ToLower(s.Model.kind), ids, added)
	if err != nil {
		return nil, err
	}
	p.words = model
	if err := p.addNormaliser(s.Normalizer); err != nil {
		return nil, err
	}
	if err := p.addSplitter(s.PreTokenizer); err != nil {
		return nil, err
	}
	if err := p.addTemplate(s.PostProcessor); err != nil {
		return nil, err
	}
	p.spell = spellMarks("▁")
	if piece, ok := model.(*wordPiece); ok {
		p.spell = spellWords(piece.prefix)
	} else if s.Decoder.kind == "ByteLevel" {
		p.spell = spellBytes
	}
	return p, nil
}

// model reads the vocabulary and how a word is cut into its tokens.
func (c component) model() (map[string]int, wordModel, error) {
	switch c.kind {
	case "BPE":
		return c.bpe()
	case "WordPiece":
		return c.wordPiece()
	case "":
		return nil, nil, errors.New("no model")
	}
	return nil, nil, c.refuse("model", "BPE", "WordPiece")
}

func (c component) wordPiece() (map[string]int, wordModel, error) {
	m := struct {
		typed
		Unknown string          `json:"unk_token"`
		Prefix  string          `json:"continuing_subword_prefix"`
		Longest int             `json:"max_input_chars_per_word"`
		Vocab   json.RawMessage `json:"vocab"`
	}{Unknown: "[UNK]", Prefix: "##", Longest: 100}
	if err := c.into(&m); err != nil {
		return nil, nil, err
	}
	ids, err := parseVocab(m.Vocab)
	if err != nil {
		return nil, nil, err
	}
	unknown, ok := ids[m.Unknown]
	if !ok {
		return nil, nil, fmt.Errorf("no token %q: must be there, as unk_token says", cut(m.Unknown))
	}
	return ids, &wordPiece{ids, m.Prefix, unknown, m.Longest}, nil
}

func (c component) bpe() (map[string]int, wordModel, error) {
	var m struct {
		typed
		Dropout  *float64          `json:"dropout"`
		Unknown  *string           `json:"unk_token"`
		Prefix   *string           `json:"continuing_subword_prefix"`
		Suffix   *string           `json:"end_of_word_suffix"`
		Fuse     bool              `json:"fuse_unk"`
		Fallback bool              `json:"byte_fallback"`
		Whole    bool              `json:"ignore_merges"`
		Vocab    json.RawMessage   `json:"vocab"`
		Merges   []json.RawMessage `json:"merges"`
	}
	if err := c.into(&m); err != nil {
		return nil, nil, err
	}
	if m.Prefix != nil && *m.Prefix != "" || m.Suffix != nil && *m.Suffix != "" || m.Dropout != nil && *m.Dropout != 0 {
		return nil, nil, errors.New("BPE with dropout, continuing_subword_prefix or end_of_word_suffix: must be null")
	}
	ids, err := parseVocab(m.Vocab)
	if err != nil {
		return nil, nil, err
	}
	merges, err := parseMerges(m.Merges)
	if err != nil {
		return nil, nil, err
	}
	b, err := newBPE(ids, merges)
	if err != nil {
		return nil, nil, err
	}
	b.fuse, b.fallback, b.whole = m.Fuse, m.Fallback, m.Whole
	if m.Unknown != nil {
		id, ok := ids[*m.Unknown]
		if !ok {
			return nil, nil, fmt.Errorf("no token %q: must be there, as unk_token says", cut(*m.Unknown))
		}
		b.unknown = id
	}
	return ids, b, nil
}

// parseVocab reads an object of tokens and their ids.
func parseVocab(text []byte) (map[string]int, error) {
	var ids map[string]int
	if err := json.Unmarshal(text, &ids); err != nil {
		return nil, fmt.Errorf("vocab: %w", err)
	}
	if len(ids) == 0 {
		return nil, errors.New("vocab: must have at least one token")
	}
	return ids, nil
}

// parseMerges reads merges as "a b" or, in newer files, ["a", "b"].
func parseMerges(list []json.RawMessage) ([][2]string, error) {
	merges := make([][2]string, len(list))
	for i, text := range list {
		var line string
		if json.Unmarshal(text, &line) == nil {
			m, ok := parseMerge(line)
			if !ok {
				return nil, fmt.Errorf("merge %d, %q: must be two parts with a space between", i, cut(line))
			}
			merges[i] = m
			continue
		}
		var parts []string
		if err := json.Unmarshal(text, &parts); err != nil || len(parts) != 2 {
			return nil, fmt.Errorf("merge %d, %s: must be two parts", i, cut(string(text)))
		}
		merges[i] = [2]string(parts)
	}
	return merges, nil
}

func (p *pipeline) addNormaliser(c component) error {
	add := func(f func(string) string) { p.normalise = append(p.normalise, f) }
	switch c.kind {
	case "":
	case "Sequence":
		var s struct {
			typed
			List []component `json:"normalizers"`
		}
		if err := c.into(&s); err != nil {
			return err
		}
		for _, part := range s.List {
			if err := p.addNormaliser(part); err != nil {
				return err
			}
		}
	case "BertNormalizer":
		n := struct {
			typed
			bertNormaliser
		}{bertNormaliser: bertNormaliser{Clean: true, CJK: true, Lowercase: true}}
		if err := c.into(&n); err != nil {
			return err
		}
		add(n.apply)
	case "NFC", "NFD", "NFKC", "NFKD":
		add(map[string]norm.Form{"NFC": norm.NFC, "NFD": norm.NFD, "NFKC": norm.NFKC, "NFKD": norm.NFKD}[c.kind].String)
	case "Lowercase":
		add(lowercase)
	case "StripAccents":
		add(stripAccents)
	case "Prepend":
		var n struct {
			typed
			Prepend string `json:"prepend"`
		}
		if err := c.into(&n); err != nil {
			return err
		}
		add(func(text string) string { return n.Prepend + text })
	case "Replace":
		return p.addReplace(c)
	default:
		return c.refuse("normalizer", "Sequence", "BertNormalizer", "NFC", "NFD", "NFKC", "NFKD", "Lowercase", "StripAccents", "Prepend", "Replace")
	}
	return nil
}

// A pattern is a text, or an expression that matches.
type pattern struct {
	String *string
	Regex  *string
}

func (p *pipeline) addReplace(c component) error {
	var n struct {
		typed
		Pattern pattern `json:"pattern"`
		Content string  `json:"content"`
	}
	if err := c.into(&n); err != nil {
		return err
	}
	if n.Pattern.String == nil || *n.Pattern.String == "" {
		return errors.New("normalizer Replace: pattern must be a String")
	}
	p.normalise = append(p.normalise, func(text string) string { return strings.ReplaceAll(text, *n.Pattern.String, n.Content) })
	return nil
}

func (p *pipeline) addSplitter(c component) error {
	switch c.kind {
	case "":
		return nil
	case "Sequence":
		var s struct {
			typed
			List []component `json:"pretokenizers"`
		}
		if err := c.into(&s); err != nil {
			return err
		}
		for _, part := range s.List {
			if err := p.addSplitter(part); err != nil {
				return err
			}
		}
		return nil
	case "BertPreTokenizer":
		p.split = append(p.split, each(bertWords))
		return nil
	case "ByteLevel":
		return p.addByteLevel(c)
	case "Split":
		return p.addSplit(c)
	case "Metaspace":
		return p.addMetaspace(c)
	case "Digits":
		var s struct {
			typed
			Single bool `json:"individual_digits"`
		}
		if err := c.into(&s); err != nil {
			return err
		}
		p.split = append(p.split, digits(s.Single))
		return nil
	}
	return c.refuse("pre_tokenizer", "Sequence", "BertPreTokenizer", "ByteLevel", "Split", "Metaspace", "Digits")
}

func (p *pipeline) addByteLevel(c component) error {
	s := struct {
		typed
		Space bool `json:"add_prefix_space"`
		Trim  bool `json:"trim_offsets"` // of places in the text, which are not kept
		Words bool `json:"use_regex"`
	}{Words: true}
	if err := c.into(&s); err != nil {
		return err
	}
	if s.Space {
		p.split = append(p.split, each(func(word string, _ bool) ([]string, error) {
			if !strings.HasPrefix(word, " ") {
				word = " " + word
			}
			return []string{word}, nil
		}))
	}
	if s.Words {
		words, err := compile(gpt2Words)
		if err != nil {
			return err
		}
		p.split = append(p.split, isolated(words))
	}
	p.split = append(p.split, each(byteLevel))
	return nil
}

func (p *pipeline) addSplit(c component) error {
	var s struct {
		typed
		Pattern  pattern `json:"pattern"`
		Behavior string  `json:"behavior"`
		Invert   bool    `json:"invert"`
	}
	if err := c.into(&s); err != nil {
		return err
	}
	if s.Pattern.Regex == nil || s.Behavior != "Isolated" || s.Invert {
		return errors.New("pre_tokenizer Split: must have a Regex, the behavior Isolated and no invert")
	}
	words, err := compile(*s.Pattern.Regex)
	if err != nil {
		return err
	}
	p.split = append(p.split, isolated(words))
	return nil
}

func (p *pipeline) addMetaspace(c component) error {
	s := struct {
		typed
		Mark   string `json:"replacement"`
		Prefix *bool  `json:"add_prefix_space"` // older files
		Scheme string `json:"prepend_scheme"`
		Split  bool   `json:"split"`
	}{Mark: "▁", Scheme: "always", Split: true}
	if err := c.into(&s); err != nil {
		return err
	}
	if s.Prefix != nil && !*s.Prefix {
		s.Scheme = "never"
	}
	if !slices.Contains([]string{"always", "first", "never"}, s.Scheme) || s.Mark == "" {
		return fmt.Errorf("pre_tokenizer Metaspace: prepend_scheme %q: must be always, first or never", cut(s.Scheme))
	}
	p.split = append(p.split, metaspace(s.Mark, s.Scheme, s.Split))
	return nil
}

// addTemplate reads what is put around the tokens of one text.
func (p *pipeline) addTemplate(c component) error {
	switch c.kind {
	case "", "ByteLevel": // the latter is about places in the text
		return nil
	case "Sequence":
		var s struct {
			typed
			List []component `json:"processors"`
		}
		if err := c.into(&s); err != nil {
			return err
		}
		for _, part := range s.List {
			if err := p.addTemplate(part); err != nil {
				return err
			}
		}
		return nil
	case "BertProcessing":
		var s struct {
			typed
			Sep []any `json:"sep"`
			CLS []any `json:"cls"`
		}
		if err := c.into(&s); err != nil {
			return err
		}
		before, okBefore := p.pair(s.CLS)
		after, okAfter := p.pair(s.Sep)
		if !okBefore || !okAfter {
			return errors.New("post_processor BertProcessing: sep and cls must be a token and its id each")
		}
		p.before, p.after = append(p.before, before), append(p.after, after)
		return nil
	case "TemplateProcessing":
		return p.addTemplateProcessing(c)
	}
	return c.refuse("post_processor", "Sequence", "ByteLevel", "BertProcessing", "TemplateProcessing")
}

// pair reads a token and its id.
func (p *pipeline) pair(list []any) (id int, ok bool) {
	if len(list) != 2 {
		return 0, false
	}
	token, okToken := list[0].(string)
	number, okNumber := list[1].(float64)
	id = int(number)
	return id, okToken && okNumber && id >= 0 && id < len(p.tokens) && p.tokens[id] == token
}

func (p *pipeline) addTemplateProcessing(c component) error {
	var s struct {
		typed
		Single []struct {
			SpecialToken *struct {
				ID   string `json:"id"`
				Kind int    `json:"type_id"`
			}
			Sequence *struct {
				ID   string `json:"id"`
				Kind int    `json:"type_id"`
			}
		} `json:"single"`
		Pair    json.RawMessage `json:"pair"` // of two texts, which are not encoded here
		Special map[string]struct {
			IDs []int `json:"ids"`
		} `json:"special_tokens"`
	}
	if err := json.Unmarshal(c.text, &s); err != nil {
		return err
	}
	into, sequences := &p.before, 0
	for _, part := range s.Single {
		if part.Sequence != nil {
			into = &p.after
			sequences++
		}
		if part.SpecialToken == nil {
			continue
		}
		special, ok := s.Special[part.SpecialToken.ID]
		if !ok {
			return fmt.Errorf("post_processor TemplateProcessing: %q: must be among special_tokens", cut(part.SpecialToken.ID))
		}
		for _, id := range special.IDs {
			if id < 0 || id >= len(p.tokens) {
				return fmt.Errorf("post_processor TemplateProcessing: %q with the id %d: must be in 0..%d", cut(part.SpecialToken.ID), id, len(p.tokens)-1)
			}
			*into = append(*into, id)
		}
	}
	if sequences != 1 {
		return fmt.Errorf("post_processor TemplateProcessing: %d sequences in single: must be one", sequences)
	}
	return nil
}
