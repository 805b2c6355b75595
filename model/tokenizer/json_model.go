package tokenizer

import (
	"encoding/json"
	"errors"
	"fmt"
)

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
