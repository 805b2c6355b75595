package model

import (
	"fmt"
	"math"
)

// A Comparison says how far two forward passes over the same tokens are apart.
// It is not symmetric: the first is what the second should be.
type Comparison struct {
	Positions int     // with logits
	MaxLogit  float64 // largest |difference| of two logits; NaN if either has one

	// Kullback-Leibler divergence of the next-token distributions, in nats,
	// Σ p·ln(p/q) with p the wanted one: the mean and the largest of all positions.
	MeanKL, MaxKL float64

	Same int // positions at which both choose the same next token
	Tied int // and at which they differ, but the wanted pass hardly tells the two apart

	// Layers has the relative error of the residual stream after each layer,
	// ‖got − want‖ / ‖want‖ over all positions, when both passes were traced:
	// how the error of attention grows on its way up.
	Layers []float64
}

// Compare holds got against want. Two next tokens are tied when their logits in
// want differ by at most margin. It fails when the results are not of the same
// tokens and vocabulary, as far as their sizes tell.
func Compare(want, got *Result, margin float64) (Comparison, error) {
	positions := want.Len - want.First
	if want.Len != got.Len || want.First != got.First || want.Vocab != got.Vocab {
		return Comparison{}, fmt.Errorf("%d positions of %d logits against %d of %d: must be as many", got.Len-got.First, got.Vocab, positions, want.Vocab)
	}
	c := Comparison{Positions: positions}
	for i := range want.Logits {
		c.MaxLogit = max(c.MaxLogit, math.Abs(float64(want.Logits[i])-float64(got.Logits[i])))
	}
	for i := want.First; i < want.Len; i++ {
		row := want.Row(i)
		kl := divergence(row, got.Row(i))
		c.MeanKL += kl / float64(positions)
		c.MaxKL = max(c.MaxKL, kl)
		switch a, b := want.Next(i), got.Next(i); {
		case a == b:
			c.Same++
		case float64(row[a])-float64(row[b]) <= margin:
			c.Tied++
		}
	}
	if len(want.Residual) == len(got.Residual) {
		for i := range want.Residual {
			c.Layers = append(c.Layers, relative(want.Residual[i], got.Residual[i]))
		}
	}
	return c, nil
}

// divergence returns Σ p·ln(p/q) of the softmax of two rows of logits.
func divergence(p, q []float32) float64 {
	lp, lq := logSum(p), logSum(q)
	sum := 0.0
	for i, x := range p {
		logP, logQ := float64(x)-lp, float64(q[i])-lq
		if w := math.Exp(logP); w > 0 {
			sum += w * (logP - logQ)
		}
	}
	return math.Max(0, sum) // below 0 by rounding only; NaN stays
}

// logSum returns ln Σ exp(x).
func logSum(x []float32) float64 {
	top := math.Inf(-1)
	for _, v := range x {
		top = math.Max(top, float64(v))
	}
	sum := 0.0
	for _, v := range x {
		sum += math.Exp(float64(v) - top)
	}
	return top + math.Log(sum)
}

// relative returns ‖got − want‖ / ‖want‖.
func relative(want, got []float32) float64 {
	var off, size float64
	for i, w := range want {
		d := float64(got[i]) - float64(w)
		off += d * d
		size += float64(w) * float64(w)
	}
	if off == 0 {
		return 0
	}
	return math.Sqrt(off / size)
}
