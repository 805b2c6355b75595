// Package tiled computes attention as blocked matrix products over a stripe of
// S: for tileQ queries at a time it holds all their scores [tileQ, kvLen],
// takes the softmax of its rows and multiplies them into V. Its workspace, the
// stripe and the packed K and V of a head, grows linearly with the sequence.
package tiled
