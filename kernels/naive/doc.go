// Package naive is attention as the textbook writes it, in three steps over
// materialised matrices:
//
//	S = scale · Q·Kᵀ    P = softmax(S)    O = P·V
//
// It is the baseline that the other kernels are held against, so it stays
// plain Go and its workspace is the whole S, which grows as the square of the
// sequence (Attention Is All You Need, arXiv:1706.03762).
package naive
