package tokenizer

import (
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// bertNormaliser is what BERT does to a text first. Accents that are nil go
// with the capitals.
type bertNormaliser struct {
	Clean     bool  `json:"clean_text"`
	CJK       bool  `json:"handle_chinese_chars"`
	Accents   *bool `json:"strip_accents"`
	Lowercase bool  `json:"lowercase"`
}

func (n bertNormaliser) apply(text string) string {
	if n.Clean {
		text = clean(text)
	}
	if n.CJK {
		text = spaceCJK(text)
	}
	if n.Accents != nil && *n.Accents || n.Accents == nil && n.Lowercase {
		text = stripAccents(norm.NFD.String(text))
	}
	if n.Lowercase {
		text = lowercase(text)
	}
	return text
}

// clean drops control and format characters, U+FFFD and private ones, and makes
// every white space a space.
func clean(text string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\t' || r == '\n' || r == '\r':
			return ' '
		case r == 0 || r == 0xFFFD || unicode.In(r, unicode.Cc, unicode.Cf, unicode.Co):
			return -1
		case unicode.IsSpace(r):
			return ' '
		}
		return r
	}, text)
}

// spaceCJK puts spaces around the characters of the CJK ideograph blocks, which
// are words by themselves. Hangul, Hiragana and Katakana are not among them.
func spaceCJK(text string) string {
	if strings.IndexFunc(text, isCJK) < 0 {
		return text
	}
	var b strings.Builder
	for _, r := range text {
		if isCJK(r) {
			b.WriteByte(' ')
			b.WriteRune(r)
			b.WriteByte(' ')
			continue
		}
		b.WriteRune(r)
	}
	return b.String()
}

func isCJK(r rune) bool {
	for _, block := range [][2]rune{
		{0x4E00, 0x9FFF}, {0x3400, 0x4DBF}, {0x20000, 0x2A6DF}, {0x2A700, 0x2B73F},
		{0x2B740, 0x2B81F}, {0x2B820, 0x2CEAF}, {0xF900, 0xFAFF}, {0x2F800, 0x2FA1F},
	} {
		if r >= block[0] && r <= block[1] {
			return true
		}
	}
	return false
}

// stripAccents drops the marks that take no space of their own.
func stripAccents(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.Is(unicode.Mn, r) {
			return -1
		}
		return r
	}, text)
}

// lowercase lowers each character by itself. U+0130 is the one that becomes
// two.
func lowercase(text string) string {
	var b strings.Builder
	for _, r := range text {
		if r == 'İ' {
			b.WriteString("i\u0307")
			continue
		}
		b.WriteRune(unicode.ToLower(r))
	}
	return b.String()
}
