// Package sparse computes attention from the mask's intervals: each row visits
// its visible keys and nothing else, so that work and time follow the number
// of visible pairs, linear in the sequence for a window or a block pattern
// (Sparse Transformers, arXiv:1904.10509; Longformer, arXiv:2004.05150).
//
// It is exact for its mask: softmax over the visible keys.
package sparse
