package tokenizer

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io/fs"
	"strings"
)

// A spec is a tokenizer.json.
type spec struct {
	Added []struct {
		ID      int    `json:"id"`
		Content string `json:"content"`
		Single  bool   `json:"single_word"`
		Left    bool   `json:"lstrip"`
		Right   bool   `json:"rstrip"`
	} `json:"added_tokens"`
	Normalizer    component `json:"normalizer"`
	PreTokenizer  component `json:"pre_tokenizer"`
	PostProcessor component `json:"post_processor"`
	Decoder       component `json:"decoder"`
	Model         component `json:"model"`
}

// A component is an object that says its type, or null.
type component struct {
	kind string
	text []byte
}

func (c *component) UnmarshalJSON(text []byte) error {
	if string(text) == "null" {
		return nil
	}
	var head struct {
		Type string `json:"type"`
	}
	c.text = bytes.Clone(text)
	err := json.Unmarshal(text, &head)
	c.kind = head.Type
	return err
}

// into fills x from the component, and refuses a field that x does not have.
func (c component) into(x any) error {
	d := json.NewDecoder(bytes.NewReader(c.text))
	d.DisallowUnknownFields()
	if err := d.Decode(x); err != nil {
		return fmt.Errorf("%s: %w", cut(c.kind), err)
	}
	return nil
}

// typed is the field that every component has.
type typed struct {
	Type string `json:"type"`
}

func (c component) refuse(stage string, known ...string) error {
	return fmt.Errorf("%s of type %q: must be one of %s", stage, cut(c.kind), strings.Join(known, ", "))
}

// readJSON reads a tokenizer.json.
func readJSON(fsys fs.FS) (*pipeline, error) {
	text, err := readFile(fsys, jsonFile)
	if err != nil {
		return nil, err
	}
	var s spec
	if err := json.Unmarshal(text, &s); err != nil {
		return nil, err
	}
	var added []addedToken
	for _, a := range s.Added {
		added = append(added, addedToken{a.Content, a.ID, a.Left, a.Right, a.Single})
	}
	ids, model, err := s.Model.model()
	if err != nil {
		return nil, err
	}
	p, err := newPipeline(strings.ToLower(s.Model.kind), ids, added)
	if err != nil {
		return nil, err
	}
	p.words = model
	if err := p.addNormaliser(s.Normalizer); err != nil {
		return nil, err
	}
	if err := p.addSplitter(s.PreTokenizer); err != nil {
		return nil, err
	}
	if err := p.addTemplate(s.PostProcessor); err != nil {
		return nil, err
	}
	p.spell = spellMarks("▁")
	if piece, ok := model.(*wordPiece); ok {
		p.spell = spellWords(piece.prefix)
	} else if s.Decoder.kind == "ByteLevel" {
		p.spell = spellBytes
	}
	return p, nil
}
