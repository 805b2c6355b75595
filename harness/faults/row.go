package faults

import (
	"math"

	"github.com/attnbench/attnbench/kernels"
)

// A rowID names one query row.
type rowID struct{ batch, head, query int }

// A state is that of an online softmax after some tiles.
type state struct {
	acc     []float32 // Σ exp(s − max)·v
	max     float32
	sum     float32   // Σ exp(s − max)
	logits  []float32 // of the tile
	tileMax float32   // of the tile before
}

func negInf() float32 { return float32(math.Inf(-1)) }

// attendRow takes one row through all steps.
func (pl *plan) attendRow(at rowID) {
	s := state{acc: make([]float32, pl.problem.HeadDim), max: negInf(), tileMax: negInf()}
	for _, tile := range pl.tiles(pl, at, pl.keys(pl.problem, at.batch, at.query)) {
		pl.fold(pl, &s, at, tile)
	}
	o, to := make([]float32, pl.problem.HeadDim), pl.place(pl.problem, at)
	lse := pl.finish(pl, &s, at, o)
	pl.store(&pl.t.O, o, to)
	if pl.t.LSE != nil {
		pl.t.LSE[(to.batch*pl.problem.Heads+to.head)*pl.problem.QLen+to.query] = lse
	}
}

// foldTile takes a tile of keys into the state.
func (pl *plan) foldTile(s *state, at rowID, tile []int) {
	pl.score(s, at, tile)
	pl.rise(pl, s, maximum(s.logits))
	pl.weigh(s, at, tile)
}

// score writes the tile's logits.
func (pl *plan) score(s *state, at rowID, tile []int) {
	p, head := pl.problem, pl.kvHead(pl.problem, at.head)
	q := pl.t.Q.ReadRow(make([]float32, p.HeadDim), at.batch, at.head, at.query)
	buf := make([]float32, p.HeadDim)
	s.logits = s.logits[:0]
	for _, j := range tile {
		var dot float32
		for d, k := range pl.t.K.ReadRow(buf, at.batch, head, j) {
			dot += float32(pl.round(q[d]) * pl.round(k))
		}
		s.logits = append(s.logits, pl.logit(p, dot, at.head, p.Position(at.query)-j))
	}
}

// logit scales, caps and biases q·k.
func logit(p kernels.Problem, dot float32, head, distance int) float32 {
	s := float32(p.EffectiveScale()) * dot
	if limit := float32(p.Softcap); limit != 0 {
		s = limit * float32(math.Tanh(float64(s/limit)))
	}
	if p.ALiBi {
		s -= float32(float32(p.ALiBiSlope(head)) * float32(max(distance, -distance)))
	}
	return s
}

// rescale brings the state to a maximum that includes the tile's.
func (pl *plan) rescale(s *state, tileMax float32) {
	m := max(s.max, tileMax)
	if s.sum > 0 {
		by := pl.exp(s.max - m)
		s.sum = pl.narrow(s.sum * by)
		for d := range s.acc {
			s.acc[d] = pl.narrow(s.acc[d] * by)
		}
	}
	s.max = m
}

// weigh adds the tile's exp(s − max) to the sum, and times V to the accumulator.
func (pl *plan) weigh(s *state, at rowID, tile []int) {
	base := s.max
	if base == negInf() {
		base = 0 // no weight yet, and −Inf − −Inf would be NaN
	}
	head, buf := pl.kvHead(pl.problem, at.head), make([]float32, pl.problem.HeadDim)
	for n, j := range tile {
		w := pl.exp(s.logits[n] - base)
		s.sum = pl.narrow(s.sum + w)
		for d, v := range pl.t.V.ReadRow(buf, at.batch, head, j) {
			s.acc[d] = pl.narrow(s.acc[d] + float32(w*v))
		}
	}
}

// divide fills o with acc/sum and returns lse, or both as they are of a row
// that sees no key.
func (pl *plan) divide(s *state, at rowID, o []float32) float32 {
	if len(pl.keys(pl.problem, at.batch, at.query)) == 0 {
		clear(o)
		return negInf()
	}
	lse := pl.lse(s)
	if pl.problem.SinkLogits {
		pl.sink(s, pl.t.SinkLogits[at.head])
	}
	for d, x := range s.acc {
		o[d] = x / s.sum
	}
	return lse
}

// lse is the natural log-sum-exp of a state.
func lse(s *state) float32 { return s.max + float32(math.Log(float64(s.sum))) }

// addSink adds a sink's weight to the sum.
func addSink(s *state, logit float32) { s.sum += float32(math.Exp(float64(logit - s.max))) }

// maximum returns the greatest element; NaN wins.
func maximum(x []float32) float32 {
	m := negInf()
	for _, v := range x {
		m = max(m, v)
	}
	return m
}
