package tokenizer

import (
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

// TestGPT2Vectors holds the tokenizer against encodings that another
// implementation made; see testdata/gpt2_vectors.js.
func TestGPT2Vectors(t *testing.T) {
	data, err := os.ReadFile("../../testdata/gpt2_vectors.json")
	if err != nil {
		t.Fatal(err)
	}
	var vectors []struct {
		Text string
		IDs  []int
	}
	if err := json.Unmarshal(data, &vectors); err != nil {
		t.Fatal(err)
	}
	if len(vectors) < 40 {
		t.Fatalf("%d vectors: too few", len(vectors))
	}
	tok := NewGPT2BPE()
	for _, v := range vectors {
		ids, err := tok.Encode(v.Text)
		if err != nil || !slices.Equal(ids, v.IDs) {
			t.Errorf("Encode(%q) = %v, %v: want %v", v.Text, ids, err, v.IDs)
		}
		if text, err := tok.Decode(v.IDs); err != nil || text != v.Text {
			t.Errorf("Decode(%v) = %q, %v: want %q", v.IDs, text, err, v.Text)
		}
	}
}

func TestGPT2EveryToken(t *testing.T) {
	tok := NewGPT2BPE()
	for id := range gpt2Vocab {
		text, err := tok.Decode([]int{id})
		if err != nil || text == "" {
			t.Fatalf("Decode(%d) = %q, %v", id, text, err)
		}
		if id == endOfTextID || !utf8.ValidString(text) {
			continue
		}
		// A token's text need not encode to that token alone, but to its text.
		ids, err := tok.Encode(text)
		if back, err2 := tok.Decode(ids); err != nil || err2 != nil || back != text {
			t.Fatalf("token %d, %q: comes back as %q (%v, %v)", id, text, back, err, err2)
		}
	}
}

func TestBytesRoundTrip(t *testing.T) {
	var all strings.Builder
	for b := range 256 {
		all.WriteByte(byte(b))
	}
	ids, err := Bytes{}.Encode(all.String())
	if err != nil || len(ids) != 256 || ids[0] != 0 || ids[255] != 255 {
		t.Fatalf("Encode = %v, %v", ids, err)
	}
	if text, err := (Bytes{}).Decode(ids); err != nil || text != all.String() {
		t.Fatalf("Decode = %q, %v", text, err)
	}
}

func TestTokenizerErrors(t *testing.T) {
	bpe := NewGPT2BPE()
	_, invalid := bpe.Encode("glass\xff")
	_, over := bpe.Decode([]int{5, 50257})
	_, under := bpe.Decode([]int{-1})
	_, byteOver := Bytes{}.Decode([]int{1, 2, 256})
	_, byteUnder := Bytes{}.Decode([]int{-1})
	_, none := forVocabulary(37)
	for _, c := range []struct {
		err  error
		want string
	}{
		{invalid, "byte 5 of the text"},
		{over, "token 50257 at 1: must be in 0..50256"},
		{under, "token -1 at 0"},
		{byteOver, "token 256 at 2: must be in 0..255"},
		{byteUnder, "token -1 at 0"},
		{none, "vocab_size 37"},
	} {
		if c.err == nil || !strings.Contains(c.err.Error(), c.want) {
			t.Errorf("error %v: want %q in it", c.err, c.want)
		}
	}
	if _, err := bpe.Encode("\x00\x01\x02\x03\x04\x05\x06\x07\x08\x7f"); err == nil {
		t.Error("a lost U+007F went unnoticed")
	}
	if ids, err := bpe.Encode("a literal \ufffd stays"); err != nil || len(ids) == 0 {
		t.Errorf("a replacement character in the text: %v, %v", ids, err)
	}
}

func TestTokenizerOfVocabulary(t *testing.T) {
	for vocab, want := range map[int]string{256: "bytes", 50257: "gpt2-bpe"} {
		tok, err := forVocabulary(vocab)
		if err != nil || tok.Name() != want {
			t.Errorf("vocab %d: %v, %v: want %s", vocab, tok, err, want)
		}
	}
}
