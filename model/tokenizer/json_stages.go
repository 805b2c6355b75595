package tokenizer

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/text/unicode/norm"
)

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
