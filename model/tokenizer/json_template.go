package tokenizer

import (
	"encoding/json"
	"errors"
	"fmt"
)

// addTemplate reads what is put around the tokens of one text.
func (p *pipeline) addTemplate(c component) error {
	switch c.kind {
	case "", "ByteLevel": // the latter is about places in the text
		return nil
	case "Sequence":
		var s struct {
			typed
			List []component `json:"processors"`
		}
		if err := c.into(&s); err != nil {
			return err
		}
		for _, part := range s.List {
			if err := p.addTemplate(part); err != nil {
				return err
			}
		}
		return nil
	case "BertProcessing":
		var s struct {
			typed
			Sep []any `json:"sep"`
			CLS []any `json:"cls"`
		}
		if err := c.into(&s); err != nil {
			return err
		}
		before, okBefore := p.pair(s.CLS)
		after, okAfter := p.pair(s.Sep)
		if !okBefore || !okAfter {
			return errors.New("post_processor BertProcessing: sep and cls must be a token and its id each")
		}
		p.before, p.after = append(p.before, before), append(p.after, after)
		return nil
	case "TemplateProcessing":
		return p.addTemplateProcessing(c)
	}
	return c.refuse("post_processor", "Sequence", "ByteLevel", "BertProcessing", "TemplateProcessing")
}

// pair reads a token and its id.
func (p *pipeline) pair(list []any) (id int, ok bool) {
	if len(list) != 2 {
		return 0, false
	}
	token, okToken := list[0].(string)
	number, okNumber := list[1].(float64)
	id = int(number)
	return id, okToken && okNumber && id >= 0 && id < len(p.tokens) && p.tokens[id] == token
}

func (p *pipeline) addTemplateProcessing(c component) error {
	var s struct {
		typed
		Single []struct {
			SpecialToken *struct {
				ID   string `json:"id"`
				Kind int    `json:"type_id"`
			}
			Sequence *struct {
				ID   string `json:"id"`
				Kind int    `json:"type_id"`
			}
		} `json:"single"`
		Pair    json.RawMessage `json:"pair"` // of two texts, which are not encoded here
		Special map[string]struct {
			IDs []int `json:"ids"`
		} `json:"special_tokens"`
	}
	if err := json.Unmarshal(c.text, &s); err != nil {
		return err
	}
	into, sequences := &p.before, 0
	for _, part := range s.Single {
		if part.Sequence != nil {
			into = &p.after
			sequences++
		}
		if part.SpecialToken == nil {
			continue
		}
		special, ok := s.Special[part.SpecialToken.ID]
		if !ok {
			return fmt.Errorf("post_processor TemplateProcessing: %q: must be among special_tokens", cut(part.SpecialToken.ID))
		}
		for _, id := range special.IDs {
			if id < 0 || id >= len(p.tokens) {
				return fmt.Errorf("post_processor TemplateProcessing: %q with the id %d: must be in 0..%d", cut(part.SpecialToken.ID), id, len(p.tokens)-1)
			}
			*into = append(*into, id)
		}
	}
	if sequences != 1 {
		return fmt.Errorf("post_processor TemplateProcessing: %d sequences in single: must be one", sequences)
	}
	return nil
}
