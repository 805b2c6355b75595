package model

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/attnbench/attnbench/kernels"
	"github.com/attnbench/attnbench/model/internal/brief"
)

// decodeConfig fills c, a pointer to a struct with json names, from the text of
// a config.json. It refuses every field that c does not have, unless the field is
// known not to change what the model computes, or is switched off.
//
// Note: a list of what is refused would never be complete. Names count as they
// are written, while encoding/json alone would take any capitals.
func decodeConfig(text []byte, c any) error {
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(text, &fields); err != nil {
		return fmt.Errorf("%s: %w", configFile, err)
	}
	honoured := jsonNames(c)
	var bad complaint
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		if honoured[name] {
			continue
		}
		if value := fields[name]; !harmless(name) && !off(value) {
			bad.add("field %s is %s: not known to this family, must be absent or null", brief.Quote(name), brief.Text(string(value)))
		}
		delete(fields, name)
	}
	if err := bad.err(); err != nil {
		return err
	}
	kept, err := json.Marshal(fields)
	if err == nil {
		err = json.Unmarshal(kept, c)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", configFile, err)
	}
	return nil
}

// jsonNames returns the json names of a struct's fields.
func jsonNames(c any) map[string]bool {
	names := make(map[string]bool)
	for _, field := range reflect.VisibleFields(reflect.TypeOf(c).Elem()) {
		if name := field.Tag.Get("json"); name != "" {
			names[name] = true
		}
	}
	return names
}

// off reports a value that switches nothing on.
func off(value json.RawMessage) bool {
	return slices.Contains([]string{"null", "false", "[]", "{}"}, string(value))
}

// harmless reports a field that does not change what one forward pass computes:
// where the model came from, how it was trained, how text is generated with it.
func harmless(name string) bool {
	return harmlessFields[name] || strings.HasPrefix(name, "summary_") || strings.HasPrefix(name, "_attn_implementation")
}

var harmlessFields = set(
	// what and whence
	"_name_or_path", "_commit_hash", "architectures", "model_type", "transformers_version", "torch_dtype", "dtype", "tokenizer_class",
	"finetuning_task", "task_specific_params", "id2label", "label2id", "num_labels", "_num_labels", "problem_type", "name_or_path",
	// training
	"initializer_range", "attn_pdrop", "embd_pdrop", "resid_pdrop", "hidden_dropout_prob", "attention_probs_dropout_prob",
	"classifier_dropout", "attention_dropout", "gradient_checkpointing",
	// how, not what
	"use_cache", "output_attentions", "output_hidden_states", "return_dict", "torchscript", "use_bfloat16", "tf_legacy_loss",
	"chunk_size_feed_forward", "pretraining_tp", "reorder_and_upcast_attn", "n_ctx",
	// of converters and of what was never used
	"transformers.js_config", "is_llama_config", "unsloth_fixed", "unsloth_version", "attn_implementation", "directionality",
	"pooler_fc_size", "pooler_num_attention_heads", "pooler_num_fc_layers", "pooler_size_per_head", "pooler_type",
	// generation
	"output_past", "predict_special_tokens", "bos_token_id", "eos_token_id", "pad_token_id", "sep_token_id", "cls_token_id", "mask_token_id", "decoder_start_token_id",
	"max_length", "min_length", "do_sample", "early_stopping", "num_beams", "num_beam_groups", "diversity_penalty", "temperature",
	"top_k", "top_p", "typical_p", "repetition_penalty", "length_penalty", "no_repeat_ngram_size", "encoder_no_repeat_ngram_size",
	"bad_words_ids", "num_return_sequences", "output_scores", "return_dict_in_generate", "forced_bos_token_id",
	"forced_eos_token_id", "remove_invalid_values", "exponential_decay_length_penalty", "suppress_tokens", "begin_suppress_tokens",
	"prefix",
)

func set(names ...string) map[string]bool {
	s := make(map[string]bool, len(names))
	for _, name := range names {
		s[name] = true
	}
	return s
}

// tying says whether the head is the token embeddings, as tie_word_embeddings
// has it. What a family assumes where the field is absent counts less than a head
// that is in the file.
type tying struct{ stated, tied bool }

// UnmarshalJSON reads true, false or null, which states nothing.
func (t *tying) UnmarshalJSON(text []byte) error {
	if string(text) == "null" {
		return nil
	}
	t.stated = true
	return json.Unmarshal(text, &t.tied)
}

// maxSize bounds each size of a config, so that no product of two overflows.
const maxSize = 1 << 30

// A complaint collects what is wrong with a config, in one line.
type complaint []string

func (c *complaint) add(format string, args ...any) { *c = append(*c, fmt.Sprintf(format, args...)) }

func (c *complaint) err() error {
	if len(*c) == 0 {
		return nil
	}
	const most = 4 // what a hostile file can put into a line
	list := (*c)[:min(most, len(*c))]
	text := configFile + ": " + strings.Join(list, "; ")
	if more := len(*c) - len(list); more > 0 {
		text += fmt.Sprintf("; and %d more", more)
	}
	return errors.New(text)
}

// size wants a size to be positive and bounded, and reports whether it is.
func (c *complaint) size(name string, value int) bool {
	if value >= 1 && value <= maxSize {
		return true
	}
	c.add("%s %d: must be in 1..%d", name, value, maxSize)
	return false
}

// heads wants heads that the kernels can run.
func (c *complaint) heads(dim int) {
	if dim > kernels.MaxHeadDim {
		c.add("heads of width %d: must be at most %d wide", dim, kernels.MaxHeadDim)
	}
}

// divides wants a to be a multiple of b.
func (c *complaint) divides(nameA string, a int, nameB string, b int) bool {
	if a%b == 0 {
		return true
	}
	c.add("%s %d: must be a multiple of %s %d", nameA, a, nameB, b)
	return false
}

func (c *complaint) epsilon(name string, value float64) {
	if !(value > 0 && value < 1) {
		c.add("%s %v: must be between 0 and 1", name, value)
	}
}

// oneOf wants a name to be among those that are known.
func (c *complaint) oneOf(name, value string, known ...string) {
	if !slices.Contains(known, value) {
		c.add("%s %s: must be one of %q", name, brief.Quote(value), known)
	}
}
