package tokenizer

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/tiktoken-go/tokenizer/codec"
)

// GPT2BPE is GPT-2's byte-pair encoding.
type GPT2BPE struct{ codec *codec.Codec }

var _ Tokenizer = (*GPT2BPE)(nil)

// NewGPT2BPE returns the tokenizer; the vocabulary is compiled in.
func NewGPT2BPE() *GPT2BPE { return &GPT2BPE{codec: codec.NewR50kBase()} }

// Name returns "gpt2-bpe".
func (t *GPT2BPE) Name() string { return "gpt2-bpe" }

const (
	endOfText   = "<|endoftext|>"
	endOfTextID = gpt2Vocab - 1
)

// Encode returns the ids of text, which must be UTF-8. A special token's name
// in the text is text.
func (t *GPT2BPE) Encode(text string) ([]int, error) {
	if at := invalidUTF8(text); at >= 0 {
		return nil, fmt.Errorf("byte %d of the text: must be valid UTF-8", at)
	}
	sent, standIn := replaceDelete(text)
	tokens, pieces, err := t.codec.Encode(sent)
	if err != nil {
		return nil, err
	}
	ids, bytes := make([]int, len(tokens)), 0
	for i, token := range tokens {
		ids[i] = int(token)
		if pieces[i] == standIn {
			ids[i] = deleteID
		}
		bytes += len(pieces[i])
	}
	if bytes != len(text) {
		return nil, fmt.Errorf("text of %d bytes: its tokens have only %d", len(text), bytes)
	}
	return ids, nil
}

// deleteID is the token of the byte 0x7F.
const deleteID = 221

// replaceDelete puts another control character in the place of U+007F, one that
// text does not have, and returns it ("" when there is nothing to replace).
//
// Note: the codec (v0.10.0) drops U+007F without a word, alone among all
// characters. Those below U+0009 are of the same class to GPT-2's pattern
// (neither letter, number nor space) and, like it, merge with nothing.
func replaceDelete(text string) (replaced, standIn string) {
	const delete = "\x7f"
	if !strings.Contains(text, delete) {
		return text, ""
	}
	for c := byte(0); c < 9; c++ {
		if strings.IndexByte(text, c) < 0 {
			standIn = string(rune(c))
			return strings.ReplaceAll(text, delete, standIn), standIn
		}
	}
	return text, "" // the count of bytes then tells
}

// invalidUTF8 returns the place of the first byte that is not UTF-8, or −1.
func invalidUTF8(text string) int {
	for i, r := range text {
		if r == utf8.RuneError {
			if _, size := utf8.DecodeRuneInString(text[i:]); size == 1 {
				return i
			}
		}
	}
	return -1
}

// Decode returns the text of ids; 50256 gives "<|endoftext|>".
func (t *GPT2BPE) Decode(ids []int) (string, error) {
	var text strings.Builder
	for i, id := range ids {
		if id < 0 || id >= gpt2Vocab {
			return "", fmt.Errorf("token %d at %d: must be in 0..%d", id, i, gpt2Vocab-1)
		}
		if id == endOfTextID {
			text.WriteString(endOfText)
			continue
		}
		piece, err := t.codec.Decode([]uint{uint(id)})
		if err != nil {
			return "", err
		}
		text.WriteString(piece)
	}
	return text.String(), nil
}
