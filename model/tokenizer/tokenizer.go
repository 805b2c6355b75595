// Package tokenizer turns text into the token ids that a model was trained on,
// and back.
//
//   - [Bytes] has a token for each byte.
//   - [GPT2BPE] is GPT-2's byte-pair encoding, its vocabulary compiled in.
//   - [Load] reads the tokenizer of a model's folder: tokenizer.json, BERT's
//     vocab.txt, or GPT-2's vocab.json and merges.txt. What of tokenizer.json is not
//     implemented is refused by name.
package tokenizer

import (
	"fmt"
	"strings"
)

// A Tokenizer turns text into token ids and back. It is safe for concurrent
// use.
type Tokenizer interface {
	// Name is how records and listings call it.
	Name() string

	// Encode returns the ids of text.
	Encode(text string) ([]int, error)

	// Decode returns the text of ids; an id outside the vocabulary is an
	// error. Part of a sequence may hold part of a character.
	Decode(ids []int) (string, error)
}

const (
	byteVocab = 256
	gpt2Vocab = 50257
)

// Bytes is the tokenizer whose tokens are the bytes of the text.
type Bytes struct{}

var _ Tokenizer = Bytes{}

// Name returns "bytes".
func (Bytes) Name() string { return "bytes" }

// Encode returns one id a byte; it never fails.
func (Bytes) Encode(text string) ([]int, error) {
	ids := make([]int, len(text))
	for i := range len(text) {
		ids[i] = int(text[i])
	}
	return ids, nil
}

// Decode returns one byte an id.
func (Bytes) Decode(ids []int) (string, error) {
	var text strings.Builder
	for i, id := range ids {
		if id < 0 || id >= byteVocab {
			return "", fmt.Errorf("token %d at %d: must be in 0..%d", id, i, byteVocab-1)
		}
		text.WriteByte(byte(id))
	}
	return text.String(), nil
}
