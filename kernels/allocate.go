package kernels

import (
	"errors"
	"fmt"

	"github.com/attnbench/attnbench/kernels/internal/memory"
)

// ErrTooLarge is wrapped by the error of [Allocate] for operands that do not
// fit into this machine's memory.
var ErrTooLarge = errors.New("too large for this machine")

// Allocate returns [NewTensors] of p. It refuses an invalid problem, and one
// that does not fit, before anything is allocated.
func Allocate(p Problem) (Tensors, error) {
	if err := p.Validate(); err != nil {
		return Tensors{}, err
	}
	if err := p.Fits(); err != nil {
		return Tensors{}, err
	}
	return NewTensors(p), nil
}

// Fits returns an error where the operands of a valid problem exceed the memory
// that the system says is available; it says how many bytes they need.
func (p Problem) Fits() error {
	if need, have := p.Bytes(), memory.Available(); need > have {
		return fmt.Errorf("operands of %d bytes: this machine has %d available: %w", need, have, ErrTooLarge)
	}
	return nil
}

// Bytes returns the size of Q, K, V, O and LSE of a valid problem, pages that
// are not full counted whole.
func (p Problem) Bytes() int64 {
	rows := int64(p.Batch) * int64(p.Heads) * int64(p.QLen)
	keys := p.KVLen
	if p.PageSize > 0 {
		keys = pageCount(keys, p.PageSize) * p.PageSize
	}
	q := rows * int64(p.HeadDim) * p.DType.Size()
	kv := int64(p.Batch) * int64(p.KVHeads) * p.StoredBytes([]Interval{{0, keys}})
	return 2*q + 2*kv + 4*rows
}
