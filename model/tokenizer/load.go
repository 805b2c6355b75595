package tokenizer

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"
)

// The files that a tokenizer can be in.
const (
	jsonFile      = "tokenizer.json"
	wordPieceFile = "vocab.txt"
	vocabFile     = "vocab.json"
	mergesFile    = "merges.txt"
	pieceFile     = "tokenizer.model"

	tokenizerConfigFile = "tokenizer_config.json"
)

// Load reads the tokenizer of a model's folder: tokenizer.json, else vocab.txt
// (BERT's WordPiece, with what tokenizer_config.json says of capitals and
// accents), else vocab.json and merges.txt (byte-pair encoding in GPT-2's way). A
// folder without any has that of its vocabulary's size: [Bytes] for 256, [GPT2BPE]
// for 50257.
//
// The vocabulary must have as many tokens as the model, size, or fewer than a model
// whose embeddings were padded to a multiple of 8, by less than 128.
func Load(fsys fs.FS, size int) (Tokenizer, error) {
	for _, kind := range []struct {
		file string
		read func(fsys fs.FS) (*pipeline, error)
	}{{jsonFile, readJSON}, {wordPieceFile, readWordPiece}, {vocabFile, readGPT2}} {
		p, err := kind.read(fsys)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", kind.file, err)
		}
		if err := checkSize(len(p.tokens), size); err != nil {
			return nil, fmt.Errorf("%s: %w", kind.file, err)
		}
		return p, nil
	}
	t, err := forVocabulary(size)
	if _, statErr := fs.Stat(fsys, pieceFile); err != nil && statErr == nil {
		return nil, fmt.Errorf("%s: a SentencePiece model: must be beside a %s, which can be read", pieceFile, jsonFile)
	}
	return t, err
}

// forVocabulary returns the tokenizer that goes with the size of a vocabulary.
func forVocabulary(size int) (Tokenizer, error) {
	switch size {
	case byteVocab:
		return Bytes{}, nil
	case gpt2Vocab:
		return NewGPT2BPE(), nil
	}
	return nil, fmt.Errorf("no tokenizer for vocab_size %d: text needs %d (bytes), %d (GPT-2 BPE), or one of %s, %s and %s in the folder; others take token ids",
		size, byteVocab, gpt2Vocab, jsonFile, wordPieceFile, vocabFile)
}

// checkSize holds a tokenizer's size against that of the model's embeddings.
func checkSize(tokens, size int) error {
	const padding = 128
	if tokens == size || tokens < size && size%8 == 0 && size-tokens < padding {
		return nil
	}
	return fmt.Errorf("%d tokens: the model's embeddings have %d, must be as many, or padded to a multiple of 8 by less than %d", tokens, size, padding)
}

// maxFile bounds what is read of any one file.
const maxFile = 1 << 28

func readFile(fsys fs.FS, name string) ([]byte, error) {
	f, err := fsys.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if len(text) > maxFile {
		return nil, fmt.Errorf("more than %d bytes", maxFile)
	}
	return text, err
}

// newPipeline makes a pipeline of a vocabulary and the tokens added to it.
func newPipeline(name string, ids map[string]int, added []addedToken) (*pipeline, error) {
	p := &pipeline{name: name, added: added}
	place := func(token string, id int) error {
		if id < 0 || id >= maxFile {
			return fmt.Errorf("token %q of id %d: must be in 0..%d", cut(token), id, maxFile-1)
		}
		if id >= 2*(len(ids)+len(added)) {
			return fmt.Errorf("token %q of id %d: leaves too many ids without a token", cut(token), id)
		}
		if id >= len(p.tokens) {
			p.tokens = append(p.tokens, make([]string, id+1-len(p.tokens))...)
		}
		if old := p.tokens[id]; old != "" && old != token {
			return fmt.Errorf("tokens %q and %q: both have the id %d", cut(min(old, token)), cut(max(old, token)), id)
		}
		p.tokens[id] = token
		return nil
	}
	for token, id := range ids {
		if err := place(token, id); err != nil {
			return nil, err
		}
	}
	for _, a := range added {
		if a.content == "" {
			return nil, fmt.Errorf("added token of id %d: must not be empty", a.id)
		}
		if err := place(a.content, a.id); err != nil {
			return nil, err
		}
	}
	slices.SortStableFunc(p.added, func(a, b addedToken) int { return len(b.content) - len(a.content) })
	return p, nil
}

// readWordPiece reads BERT's vocab.txt: a token a line, its number the id.
func readWordPiece(fsys fs.FS) (*pipeline, error) {
	text, err := readFile(fsys, wordPieceFile)
	if err != nil {
		return nil, err
	}
	ids := make(map[string]int)
	for i, line := range strings.Split(strings.TrimSuffix(string(text), "\n"), "\n") {
		line = strings.TrimSuffix(line, "\r")
		if _, ok := ids[line]; ok || line == "" {
			return nil, fmt.Errorf("line %d: %q: must be a token that no other line has", i+1, cut(line))
		}
		ids[line] = i
	}
	var added []addedToken
	for _, name := range []string{"[UNK]", "[CLS]", "[SEP]", "[PAD]", "[MASK]"} {
		id, ok := ids[name]
		if !ok && len(added) < 3 {
			return nil, fmt.Errorf("no token %q: must be there", name)
		}
		if ok {
			added = append(added, addedToken{content: name, id: id})
		}
	}
	n, err := readNormaliser(fsys)
	if err != nil {
		return nil, err
	}
	p, err := newPipeline("wordpiece", ids, added)
	if err != nil {
		return nil, err
	}
	p.normalise = []func(string) string{n.apply}
	p.split = []splitter{each(bertWords)}
	p.words = &wordPiece{ids: ids, prefix: "##", unknown: ids["[UNK]"], longest: 100}
	p.before, p.after = []int{ids["[CLS]"]}, []int{ids["[SEP]"]}
	p.spell = spellWords("##")
	return p, nil
}

// readNormaliser reads from tokenizer_config.json, where there is one, what
// goes with a vocab.txt.
func readNormaliser(fsys fs.FS) (bertNormaliser, error) {
	n := bertNormaliser{Clean: true, CJK: true, Lowercase: true}
	text, err := readFile(fsys, tokenizerConfigFile)
	if errors.Is(err, fs.ErrNotExist) {
		return n, nil
	}
	if err != nil {
		return n, err
	}
	var c struct {
		Lowercase *bool `json:"do_lower_case"`
		Accents   *bool `json:"strip_accents"`
		CJK       *bool `json:"tokenize_chinese_chars"`
	}
	if err := json.Unmarshal(text, &c); err != nil {
		return n, fmt.Errorf("%s: %w", tokenizerConfigFile, err)
	}
	if c.Lowercase != nil {
		n.Lowercase = *c.Lowercase
	}
	if c.CJK != nil {
		n.CJK = *c.CJK
	}
	n.Accents = c.Accents
	return n, nil
}

// readGPT2 reads vocab.json and merges.txt.
func readGPT2(fsys fs.FS) (*pipeline, error) {
	text, err := readFile(fsys, vocabFile)
	if err != nil {
		return nil, err
	}
	lines, err := readFile(fsys, mergesFile)
	if err != nil {
		return nil, err
	}
	ids, err := parseVocab(text)
	if err != nil {
		return nil, err
	}
	var merges [][2]string
	for i, line := range strings.Split(strings.TrimSuffix(string(lines), "\n"), "\n") {
		if i == 0 && strings.HasPrefix(line, "#version") {
			continue
		}
		m, ok := parseMerge(strings.TrimSuffix(line, "\r"))
		if !ok {
			return nil, fmt.Errorf("%s: line %d: %q: must be two parts with a space between", mergesFile, i+1, cut(line))
		}
		merges = append(merges, m)
	}
	model, err := newBPE(ids, merges)
	if err != nil {
		return nil, err
	}
	var added []addedToken
	if id, ok := ids[endOfText]; ok {
		added = append(added, addedToken{content: endOfText, id: id})
	}
	p, err := newPipeline("bpe", ids, added)
	if err != nil {
		return nil, err
	}
	words, err := compile(gpt2Words)
	if err != nil {
		return nil, err
	}
	p.words, p.split, p.spell = model, []splitter{isolated(words), each(byteLevel)}, spellBytes
	return p, nil
}

// cut bounds what a hostile file can put into an error message.
func cut(s string) string {
	const most = 60
	if len(s) > most {
		return s[:most] + "…"
	}
	return s
}
