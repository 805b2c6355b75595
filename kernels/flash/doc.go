// Package flash computes attention with the online softmax over chunks of keys
// (Online normalizer calculation for softmax, arXiv:1805.02867;
// FlashAttention, arXiv:2205.14135; FlashAttention-2, arXiv:2307.08691): for
// each query it keeps rowMax, rowSum and the unnormalised output acc, and folds
// in one chunk of keys after the other:
//
//	m = max(rowMax, max_j s[j])      α = exp(rowMax − m)      p[j] = exp(s[j] − m)
//	rowSum = α·rowSum + Σ_j p[j]     acc = α·acc + Σ_j p[j]·v[j]
//
// A stripe of scores never exists, so the workspace does not grow with the
// sequence but for the state, two numbers a query.
//
// An item of work is a range of queries of all the heads that share one key
// head. Its outer loop runs over chunks of keys, which it packs once, and its
// inner loop over blocks of a few queries, so that K and V are read from the
// second-level cache and the scores of a block from the first. acc lives in the
// output between chunks. Blocks skip what none of their queries sees, and mask
// only where they differ.
//
// Which queries form a block and where chunks begin depends on the problem
// alone, so that results do not depend on threads.
package flash
