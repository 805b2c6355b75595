package tokenizer

import (
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/dlclark/regexp2/v2"
)

// The words of GPT-2: a contraction, or letters, numbers or others with the space
// before them, or space.
const gpt2Words = `'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`

// maxMatch bounds one search of a pattern that a file brought with it.
const maxMatch = 10 * time.Second

func compile(pattern string) (*regexp2.Regexp, error) {
	re, err := regexp2.Compile(pattern, regexp2.None)
	if err != nil {
		return nil, fmt.Errorf("pattern %q: %w", cut(pattern), err)
	}
	re.MatchTimeout = maxMatch
	return re, nil
}

// each makes a splitter of what cuts one word.
func each(cutWord func(word string, first bool) ([]string, error)) splitter {
	return func(words []string, first bool) ([]string, error) {
		var out []string
		for i, word := range words {
			parts, err := cutWord(word, first && i == 0)
			if err != nil {
				return nil, err
			}
			out = append(out, parts...)
		}
		return out, nil
	}
}

// isolated cuts at what a pattern matches: the matches and what lies between them
// are words.
func isolated(re *regexp2.Regexp) splitter {
	return each(func(word string, _ bool) ([]string, error) {
		at, err := re.FindAllStringIndex(word, -1)
		if err != nil {
			return nil, fmt.Errorf("pattern %q: %w", cut(re.String()), err)
		}
		return around(word, at), nil
	})
}

// around returns the parts of a word at [begin, end) and those between them.
func around(word string, at [][]int) []string {
	var parts []string
	end := 0
	for _, m := range at {
		parts = append(parts, word[end:m[0]], word[m[0]:m[1]])
		end = m[1]
	}
	return append(parts, word[end:])
}

// bertWords cuts at white space, which is dropped, and around punctuation.
func bertWords(word string, _ bool) ([]string, error) {
	var parts []string
	for _, field := range strings.FieldsFunc(word, unicode.IsSpace) {
		begin := 0
		for i, r := range field {
			if isPunctuation(r) {
				parts = append(parts, field[begin:i], string(r))
				begin = i + len(string(r))
			}
		}
		parts = append(parts, field[begin:])
	}
	return parts, nil
}

// isPunctuation has the symbols of ASCII, such as $ and ^, among it.
func isPunctuation(r rune) bool {
	return r > ' ' && r < 0x7F && !unicode.IsLetter(r) && !unicode.IsNumber(r) || unicode.IsPunct(r)
}

// digits cuts around digits, each by itself or in runs.
func digits(single bool) splitter {
	return each(func(word string, _ bool) ([]string, error) {
		var parts []string
		begin, inside := 0, false
		for i, r := range word {
			is := unicode.IsNumber(r)
			if i > 0 && (is != inside || is && single) {
				parts, begin = append(parts, word[begin:i]), i
			}
			inside = is
		}
		return append(parts, word[begin:]), nil
	})
}

// byteChars has the character that stands for each byte in a vocabulary of
// bytes: itself where it is visible, one above U+0100 else.
var byteChars, charBytes = func() (chars [256]string, bytes map[rune]byte) {
	bytes = make(map[rune]byte)
	next := rune(256)
	for b := range 256 {
		r := rune(b)
		if r < '!' || r > '~' && r < '¡' || r == 0xAD {
			r = next
			next++
		}
		chars[b], bytes[r] = string(r), byte(b)
	}
	return chars, bytes
}()

// byteLevel writes words in the characters that stand for their bytes.
func byteLevel(word string, _ bool) ([]string, error) {
	var b strings.Builder
	for i := range len(word) {
		b.WriteString(byteChars[word[i]])
	}
	return []string{b.String()}, nil
}

// metaspace writes spaces as a character of their own, with one in front as
// the scheme says, and cuts before each where asked.
func metaspace(mark, scheme string, cuts bool) splitter {
	return each(func(word string, first bool) ([]string, error) {
		word = strings.ReplaceAll(word, " ", mark)
		if (scheme == "always" || scheme == "first" && first) && !strings.HasPrefix(word, mark) {
			word = mark + word
		}
		if !cuts {
			return []string{word}, nil
		}
		var parts []string
		for {
			_, size := utf8.DecodeRuneInString(word)
			at := strings.Index(word[size:], mark)
			if word == "" || at < 0 {
				return append(parts, word), nil
			}
			parts, word = append(parts, word[:size+at]), word[size+at:]
		}
	})
}

// spellBytes is the inverse of byteLevel; added tokens, which are not written so,
// stay as they are.
func spellBytes(tokens []string) string {
	var b strings.Builder
	for _, token := range tokens {
		bytes := make([]byte, 0, len(token))
		for _, r := range token {
			c, ok := charBytes[r]
			if !ok {
				bytes = append(bytes[:0], token...)
				break
			}
			bytes = append(bytes, c)
		}
		b.Write(bytes)
	}
	return b.String()
}

// spellMarks writes marks as spaces, and <0x0A> as the byte.
func spellMarks(mark string) func(tokens []string) string {
	return func(tokens []string) string {
		var b strings.Builder
		for _, token := range tokens {
			var c byte
			if n, _ := fmt.Sscanf(token, "<0x%02X>", &c); n == 1 && len(token) == len("<0x00>") {
				b.WriteByte(c)
				continue
			}
			b.WriteString(strings.ReplaceAll(token, mark, " "))
		}
		return b.String()
	}
}

// spellWords puts spaces between words and joins what begins with the prefix.
func spellWords(prefix string) func(tokens []string) string {
	return func(tokens []string) string {
		var b strings.Builder
		for i, token := range tokens {
			part, inside := strings.CutPrefix(token, prefix)
			if i > 0 && !inside {
				b.WriteByte(' ')
			}
			if i == 0 {
				part = token
			}
			b.WriteString(part)
		}
		return b.String()
	}
}
