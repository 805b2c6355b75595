package tokenizer

import "unicode/utf8"

// wordPiece cuts a word into the longest tokens that there are, from its
// beginning on (Wu et al., arXiv:1609.08144): those inside begin with a prefix.
// A word that cannot be cut so is unknown as a whole.
type wordPiece struct {
	ids     map[string]int
	prefix  string // "##"
	unknown int
	longest int // characters that a word may have
}

var _ wordModel = (*wordPiece)(nil)

func (w *wordPiece) append(ids []int, word string) ([]int, error) {
	known := len(ids)
	if utf8.RuneCountInString(word) > w.longest {
		return append(ids, w.unknown), nil
	}
	for prefix := ""; word != ""; prefix = w.prefix {
		id, size := w.longestToken(prefix, word)
		if size == 0 {
			return append(ids[:known], w.unknown), nil
		}
		ids, word = append(ids, id), word[size:]
	}
	return ids, nil
}

// longestToken returns the longest token that a word begins with, and its bytes
// without the prefix; 0 for none.
func (w *wordPiece) longestToken(prefix, word string) (id, size int) {
	for size = len(word); size > 0; {
		if id, ok := w.ids[prefix+word[:size]]; ok {
			return id, size
		}
		_, last := utf8.DecodeLastRuneInString(word[:size])
		size -= last
	}
	return 0, 0
}
