package harness

import (
	"errors"
	"fmt"
	"math"

	"github.com/attnbench/attnbench/kernels"
)

// An Approximation says how far the attention of a case is from dense attention
// in float32 on the same input: its mask leaves keys out, and its element types
// leave digits out. It judges no kernel, for both are what the oracle says of them.
type Approximation struct {
	Rows      int     // that were compared; those that see no key even in dense attention were not
	Pairs     float64 // (query, key) pairs that the mask keeps, as a share of the dense ones
	Mass      float64 // share of the dense weights P that lies on keys which the mask keeps: its mean over the rows
	LeastMass float64 // its least of any row
	NMSE      float64 // Σ (O − dense O)² / Σ (dense O)²
	Cosine    float64 // of O and dense O
	Worst     float64 // largest |O − dense O| / |dense O| of any row, in the Euclidean norm
}

// Dense returns the problem that p stands in for, in float32, and reports whether
// they differ: p without window, sinks and block pattern, but for what a window
// hides that shows nothing to the right of a query. Such a window is causal.
func Dense(p kernels.Problem) (kernels.Problem, bool) {
	dense, m := p, p.Mask
	dense.DType, dense.KVDType = kernels.Float32, kernels.Float32
	dense.Mask.Window, dense.Mask.Sinks, dense.Mask.Blocks = nil, 0, nil
	switch oneSided := m.Window != nil && m.Window.Right == 0 && !m.Causal; {
	case oneSided && m.Sinks > 0: // which the first queries see though they lie to the right
		dense.Mask.Window, dense.Mask.Sinks = &kernels.Window{Left: -1}, m.Sinks
	case oneSided:
		dense.Mask.Causal = true
	}
	return dense, dense.Pairs() != p.Pairs() || p.DType != kernels.Float32 || p.KVDType != kernels.Float32
}

// Approximate evaluates c and its dense problem in float64, on the rows that s
// picks of the dense one. What it says of NaN and infinities is NaN.
func Approximate(c Case, s Sampling) (Approximation, error) {
	near, err := newEvaluator(c)
	if err != nil {
		return Approximation{}, err
	}
	dense, _ := Dense(c.Problem)
	far, err := newEvaluator(Case{Problem: dense, Input: c.Input})
	if err != nil {
		return Approximation{}, err
	}
	a := Approximation{Pairs: float64(c.Problem.Pairs()) / float64(dense.Pairs()), LeastMass: 1}
	var sum tally
	for _, id := range s.pick(dense) {
		near.begin(id)
		if far.begin(id); len(far.keys) == 0 {
			continue
		}
		far.oracle(far.query())
		if len(near.keys) > 0 {
			near.oracle(near.query())
		} else {
			near.row.want = make([]float64, c.Problem.HeadDim)
		}
		a.addRow(&sum, near, far)
	}
	if a.Rows == 0 {
		return Approximation{}, errNoRows
	}
	a.Mass /= float64(a.Rows)
	a.NMSE, a.Cosine = sum.nmse(), sum.cosine()
	return a, nil
}

var errNoRows = errors.New("harness: approximation: no query sees a key")

// newEvaluator fills operands of c and evaluates its rows.
func newEvaluator(c Case) (*evaluator, error) {
	if err := c.Problem.Validate(); err != nil {
		return nil, fmt.Errorf("harness: %w", err)
	}
	tensors, err := kernels.Allocate(c.Problem)
	if err != nil {
		return nil, err
	}
	return &evaluator{p: c.Problem, t: &tensors}, c.Input.Fill(c.Problem, &tensors)
}

// addRow takes up one row: near's keys are some of far's.
func (a *Approximation) addRow(sum *tally, near, far *evaluator) {
	all, kept, at := 0.0, 0.0, 0
	for i, key := range far.keys {
		w := far.weights[i]
		all += w
		if at < len(near.keys) && near.keys[at] == key {
			kept, at = kept+w, at+1
		}
	}
	mass := kept / all // without a sink logit's share of the softmax, all is 1
	a.Rows++
	a.Mass += mass
	a.LeastMass = min(a.LeastMass, mass)
	var row tally
	for d, want := range far.row.want {
		row.add(Element{Got: near.row.want[d], Want: want}, want, 0)
	}
	sum.errSquares += row.errSquares
	sum.wantSquares += row.wantSquares
	sum.gotSquares += row.gotSquares
	sum.dot += row.dot
	a.Worst = max(a.Worst, math.Sqrt(row.nmse()))
}
