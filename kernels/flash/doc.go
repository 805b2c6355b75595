// Package flash computes attention with the online softmax over tiles of keys
// (Online normalizer calculation for softmax, arXiv:1805.02867;
// FlashAttention, arXiv:2205.14135; FlashAttention-2, arXiv:2307.08691): for a
// block of queries it keeps rowMax, rowSum and the unnormalised output acc,
// and folds in one tile of keys after the other:
//
//	m = max(rowMax, max_j s[j])      α = exp(rowMax − m)      p[j] = exp(s[j] − m)
//	rowSum = α·rowSum + Σ_j p[j]     acc = α·acc + Σ_j p[j]·v[j]
//
// A stripe of scores never exists, so the workspace does not grow with the
// sequence. Tiles that no query of the block sees are skipped, and only those
// that are partly visible are masked.
package flash
