// Package tiled computes attention as blocked matrix products over a stripe of
// S: for tileQ queries at a time it holds all their scores [tileQ, kvLen],
// takes the softmax of its rows and multiplies them into V. Its workspace grows
// linearly with the sequence, and both products run at the speed of the matrix
// multiplication underneath.
package tiled
