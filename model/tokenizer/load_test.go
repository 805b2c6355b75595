package tokenizer

import (
	"encoding/json"
	"io/fs"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
)

const folders = "../../testdata/tokenizers/"

// A vector is a text and its encoding by another implementation.
type vector struct {
	Text string
	IDs  []int
}

func vectors(t *testing.T, name string) []vector {
	t.Helper()
	data, err := os.ReadFile(folders + name + "/vectors.json")
	if err != nil {
		t.Fatal(err)
	}
	var list []vector
	if err := json.Unmarshal(data, &list); err != nil {
		t.Fatal(err)
	}
	if len(list) < 40 {
		t.Fatalf("%s: %d vectors: too few", name, len(list))
	}
	return list
}

// sizes of the vocabularies in testdata.
var sizes = map[string]int{"bert": 212, "bert-cased": 248, "gpt2": 417, "llama2": 496, "llama3": 417}

func load(t *testing.T, name string) *pipeline {
	t.Helper()
	tok, err := Load(os.DirFS(folders+name), sizes[name])
	if err != nil {
		t.Fatal(err)
	}
	return tok.(*pipeline)
}

// TestVectors holds every kind of tokenizer against encodings that another
// implementation made; see testdata/tokenizers.js.
func TestVectors(t *testing.T) {
	for name := range sizes {
		tok := load(t, name)
		for _, v := range vectors(t, name) {
			if ids, err := tok.Encode(v.Text); err != nil || !slices.Equal(ids, v.IDs) {
				t.Errorf("%s: Encode(%q) =\n%v, %v: want\n%v\n%v\n%v", name, v.Text, ids, err, v.IDs, spelled(tok, ids), spelled(tok, v.IDs))
			}
		}
	}
}

func spelled(tok *pipeline, ids []int) []string {
	var list []string
	for _, id := range ids {
		list = append(list, tok.tokens[id])
	}
	return list
}

// TestRoundTrip: what loses nothing on its way to ids comes back whole.
func TestRoundTrip(t *testing.T) {
	for _, name := range []string{"gpt2", "llama3"} {
		tok := load(t, name)
		for _, v := range vectors(t, name) {
			ids := v.IDs[len(tok.before) : len(v.IDs)-len(tok.after)]
			if text, err := tok.Decode(ids); err != nil || text != v.Text {
				t.Errorf("%s: Decode(%v) = %q, %v: want %q", name, ids, text, err, v.Text)
			}
		}
	}
	tok := load(t, "llama2")
	for _, text := range []string{"The glass had fallen", "naïve 👋\n"} {
		ids, err := tok.Encode(text)
		if err != nil {
			t.Fatal(err)
		}
		if back, err := tok.Decode(ids[1:]); err != nil || back != " "+text {
			t.Errorf("llama2: %q comes back as %q (%v)", text, back, err)
		}
	}
	tok = load(t, "bert")
	if text, err := tok.Decode([]int{2, tok.words.(*wordPiece).ids["the"], 17, tok.words.(*wordPiece).ids["##a"], 3}); err != nil || text != "[CLS] the ha [SEP]" {
		t.Errorf("bert: %q, %v", text, err)
	}
	if _, err := tok.Decode([]int{212}); err == nil || !strings.Contains(err.Error(), "token 212 at 0: must be in 0..211") {
		t.Errorf("bert: error %v", err)
	}
}

// TestLongWord: the length of a word costs no more than its logarithm more.
func TestLongWord(t *testing.T) {
	tok := load(t, "llama2")
	text := strings.Repeat("the glass had fallen in the night and ", 5000) // one word of 190,000 characters
	ids, err := tok.Encode(text)
	if err != nil {
		t.Fatal(err)
	}
	if back, err := tok.Decode(ids[1:]); err != nil || back != " "+text {
		t.Errorf("comes back as %d bytes (%v), want %d", len(back), err, len(text))
	}
}

// TestGPT2ByFiles gives the byte-pair encoding here GPT-2's own vocabulary, its
// merges found anew, and wants what the compiled-in one gives.
func TestGPT2ByFiles(t *testing.T) {
	want := NewGPT2BPE()
	ids := make(map[string]int, gpt2Vocab)
	for id := range gpt2Vocab - 1 {
		text, err := want.codec.Decode([]uint{uint(id)})
		if err != nil {
			t.Fatal(err)
		}
		chars, _ := byteLevel(text, false)
		ids[chars[0]] = id
	}
	if len(ids) != gpt2Vocab-1 {
		t.Fatalf("%d different tokens", len(ids))
	}
	b := &bpe{ids: ids, ranks: make(map[[2]string]int), unknown: -1}
	byID := make([]string, len(ids))
	for token, id := range ids {
		byID[id] = token
	}
	for id, token := range byID[256:] { // a token is joined of what the earlier ones leave of it
		parts := b.join(token)
		if len(parts) != 2 {
			t.Fatalf("token %d, %q, is %q before it is learned", id+256, token, parts)
		}
		b.ranks[[2]string(parts)] = id
	}
	words, err := compile(gpt2Words)
	if err != nil {
		t.Fatal(err)
	}
	got := &pipeline{words: b, split: []splitter{isolated(words), each(byteLevel)}}
	texts := vectors(t, "gpt2")
	text, err := os.ReadFile("../../testdata/prompt.txt")
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range append(texts, vector{Text: string(text)}) {
		a, err1 := want.Encode(v.Text)
		b, err2 := got.Encode(v.Text)
		if err1 != nil || err2 != nil || !slices.Equal(a, b) {
			t.Errorf("%q: %v (%v), want %v (%v)", v.Text, b, err2, a, err1)
		}
	}
}

// TestSizes: a vocabulary of another size than the model's is refused, unless the
// model's was padded.
func TestSizes(t *testing.T) {
	for size, ok := range map[int]bool{212: true, 216: true, 336: true, 344: false, 213: false, 211: false, 208: false} {
		_, err := Load(os.DirFS(folders+"bert"), size)
		if ok && err != nil || !ok && (err == nil || !strings.Contains(err.Error(), "vocab.txt: 212 tokens: the model's embeddings have")) {
			t.Errorf("size %d: error %v", size, err)
		}
	}
}

// edited returns a folder with a text in one of its files replaced.
func edited(t *testing.T, name, file, from, to string) fs.FS {
	t.Helper()
	fsys := fstest.MapFS{}
	for _, f := range []string{jsonFile, wordPieceFile, vocabFile, mergesFile, tokenizerConfigFile} {
		data, err := os.ReadFile(folders + name + "/" + f)
		if err != nil {
			continue
		}
		if f == file {
			if !strings.Contains(string(data), from) {
				t.Fatalf("%s: no %q in %s", name, from, f)
			}
			data = []byte(strings.Replace(string(data), from, to, 1))
		}
		fsys[f] = &fstest.MapFile{Data: data}
	}
	return fsys
}

func TestHostileTokenizers(t *testing.T) {
	for _, c := range []struct{ name, file, from, to, want string }{
		{"bert", wordPieceFile, "[CLS]", "[CLX]", `vocab.txt: no token "[CLS]": must be there`},
		{"bert", wordPieceFile, "[SEP]\n", "[UNK]\n", `vocab.txt: line 4: "[UNK]": must be a token that no other line has`},
		{"bert", wordPieceFile, "[SEP]\n", "\n", `vocab.txt: line 4: "": must be`},
		{"bert", tokenizerConfigFile, "true", "1", "tokenizer_config.json: json"},
		{"gpt2", vocabFile, "{", "[", "vocab.json: vocab: invalid"},
		{"gpt2", vocabFile, ":0,", ":1,", "both have the id 1"},
		{"gpt2", vocabFile, ":0,", ":-1,", "of id -1: must be in"},
		{"gpt2", vocabFile, ":0,", ":99999999,", "leaves too many ids without a token"},
		{"gpt2", mergesFile, "version: 0.2\n", "version: 0.2\none\n", `merges.txt: line 2: "one": must be two parts`},
		{"gpt2", mergesFile, "version: 0.2\n", "version: 0.2\nzz zz\n", `merge 0 of "zz" and "zz": "zz" must be in the vocabulary`},
		{"llama3", jsonFile, `"type":"BPE"`, `"type":"Unigram"`, `model of type "Unigram": must be one of BPE, WordPiece`},
		{"llama3", jsonFile, `"type":"BPE"`, `"type":"BPE","bias":1`, `BPE: json: unknown field "bias"`},
		{"llama3", jsonFile, `"dropout":null`, `"dropout":0.1`, "BPE with dropout"},
		{"llama3", jsonFile, `"type":"Split"`, `"type":"Punctuation"`, `pre_tokenizer of type "Punctuation": must be one of`},
		{"llama3", jsonFile, `"behavior":"Isolated"`, `"behavior":"Removed"`, "behavior Isolated"},
		{"llama3", jsonFile, `(?i:'s|`, `(?i:'s|(`, "pattern"},
		{"llama3", jsonFile, `"ids":[0]`, `"ids":[417]`, `"<|begin|>" with the id 417: must be in 0..416`},
		{"llama3", jsonFile, `"special_tokens":{"<`, `"special_tokens":{"x<`, "must be among special_tokens"},
		{"llama3", jsonFile, `{"Sequence":{"id":"A","type_id":0}}`, `{}`, "0 sequences in single: must be one"},
		{"llama3", jsonFile, `"content":"<|begin|>"`, `"content":""`, "must not be empty"},
		{"llama2", jsonFile, `"type":"Prepend"`, `"type":"Nmt"`, `normalizer of type "Nmt": must be one of`},
		{"llama2", jsonFile, `"unk_token":"<unk>"`, `"unk_token":"<unknown>"`, `no token "<unknown>": must be there, as unk_token says`},
		{"llama2", jsonFile, `"type":"TemplateProcessing"`, `"type":"RobertaProcessing"`, `post_processor of type "RobertaProcessing"`},
	} {
		_, err := Load(edited(t, c.name, c.file, c.from, c.to), sizes[c.name])
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s with %q: error %v, want %q in it", c.name, c.to, err, c.want)
		}
	}
	_, err := Load(fstest.MapFS{pieceFile: {Data: []byte("x")}}, 32000)
	if err == nil || !strings.Contains(err.Error(), "tokenizer.model: a SentencePiece model") {
		t.Errorf("tokenizer.model alone: error %v", err)
	}
}

// FuzzTokenizer: no tokenizer.json and no text may crash what reads them, and
// ids are always those of tokens.
func FuzzTokenizer(f *testing.F) {
	// Small ones: what is interesting is minimised.
	f.Add([]byte(`{"added_tokens":[{"id":0,"content":"<s>","rstrip":true}],"normalizer":{"type":"Prepend","prepend":"_"},"model":{"type":"BPE","unk_token":"<s>","byte_fallback":true,"vocab":{"<s>":0,"a":1,"<0x0A>":2}}}`), "a<s> \n")
	f.Add([]byte(`{"pre_tokenizer":{"type":"Split","pattern":{"Regex":"\\s+(?!\\S)"},"behavior":"Isolated"},"model":{"type":"BPE","vocab":{"a":0," ":1}}}`), "a  a")
	f.Add([]byte(`{"normalizer":{"type":"BertNormalizer"},"pre_tokenizer":{"type":"BertPreTokenizer"},"model":{"type":"WordPiece","vocab":{"[UNK]":0,"a":1,"##b":2}}}`), "Ab, 你")
	f.Add([]byte(`{"model":{"type":"BPE","vocab":{"a":0,"b":1,"ab":2},"merges":["a b"]},"pre_tokenizer":{"type":"Metaspace","replacement":"b"}}`), "aab ab")
	f.Add([]byte(`{"model":{"type":"WordPiece","vocab":{"[UNK]":0}},"normalizer":{"type":"NFKC"},"pre_tokenizer":{"type":"Digits"}}`), "1½ a")
	f.Fuzz(func(t *testing.T, file []byte, text string) {
		p, err := readJSON(fstest.MapFS{jsonFile: {Data: file}})
		if err != nil {
			return
		}
		ids, err := p.Encode(text)
		if err != nil {
			return
		}
		if _, err := p.Decode(ids); err != nil {
			t.Errorf("Encode(%q) = %v: %v", text, ids, err)
		}
	})
}
