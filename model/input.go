package model

import (
	"errors"
	"fmt"
	"slices"
)

// An Input is one sequence.
type Input struct {
	IDs        []int // token ids, at least one
	TokenTypes []int // of each token, for a model that has them; nil means all 0
	Mask       []int // 1 for a token that may be seen, 0 for padding, which comes last in a causal model; nil means all 1
}

// Check reports the first thing about the input that a model of shape s cannot
// read.
func (in Input) Check(s Shape) error {
	n := len(in.IDs)
	if n == 0 {
		return errors.New("no tokens: a pass needs at least 1")
	}
	if n > s.Context {
		return fmt.Errorf("%d tokens: the model's context is %d", n, s.Context)
	}
	if err := checkEach("token", in.IDs, n, s.Vocab); err != nil {
		return err
	}
	if in.TokenTypes != nil {
		if s.TokenTypes == 0 {
			return fmt.Errorf("token types: %s has none", s.Family)
		}
		if err := checkEach("token type", in.TokenTypes, n, s.TokenTypes); err != nil {
			return err
		}
	}
	if in.Mask != nil {
		return checkMask(in.Mask, n, s)
	}
	return nil
}

// checkEach reports a list that is not n values in 0..limit−1.
func checkEach(what string, values []int, n, limit int) error {
	if len(values) != n {
		return fmt.Errorf("%d %ss for %d tokens: must be as many", len(values), what, n)
	}
	for i, v := range values {
		if v < 0 || v >= limit {
			return fmt.Errorf("%s %d at %d: must be in 0..%d", what, v, i, limit-1)
		}
	}
	return nil
}

// checkMask reports a mask that hides all, or one with padding before a token
// of a causal model.
func checkMask(mask []int, n int, s Shape) error {
	if err := checkEach("mask value", mask, n, 2); err != nil {
		return err
	}
	if len(ones(mask)) == 0 {
		return errors.New("mask of zeros: at least one token must be visible")
	}
	if s.Causal && !padsLast(mask) {
		return fmt.Errorf("mask with a zero before a one: %s wants the padding last", s.Family)
	}
	return nil
}

// padsLast reports whether a mask is ones and then zeros.
func padsLast(mask []int) bool {
	return slices.IsSortedFunc(mask, func(a, b int) int { return b - a })
}

// ones returns where a mask has them.
func ones(mask []int) []int {
	var at []int
	for i, v := range mask {
		if v == 1 {
			at = append(at, i)
		}
	}
	return at
}
